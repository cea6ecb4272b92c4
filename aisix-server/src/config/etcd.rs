use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::period;

/// `etcd`: a cluster that holds the resources.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Etcd {
    /// URLs of the members.
    pub endpoints: Vec<String>,
    /// What every key begins with; a `/` follows it.
    pub prefix: String,
    /// User name, if the cluster wants one.
    pub user: Option<String>,
    /// Environment variable that holds the password.
    pub password_env: Option<String>,
    /// Longest time to connect.
    #[serde(rename = "dial_timeout_ms", deserialize_with = "period::millis")]
    #[schemars(with = "u64")]
    pub dial_timeout: Duration,
    /// Longest time for one request.
    #[serde(rename = "request_timeout_ms", deserialize_with = "period::millis")]
    #[schemars(with = "u64")]
    pub request_timeout: Duration,
    /// Certificates, for `https` endpoints.
    pub tls: EtcdTls,
}

/// `etcd.tls`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EtcdTls {
    /// Authorities that the members' certificates are checked against.
    pub ca_cert_file: Option<PathBuf>,
    /// Our own certificate.
    pub client_cert_file: Option<PathBuf>,
    /// The key of our own certificate.
    pub client_key_file: Option<PathBuf>,
    /// The name that the members' certificates are checked for.
    pub domain_name: Option<String>,
}

impl Default for Etcd {
    fn default() -> Self {
        Self {
            endpoints: vec!["http://127.0.0.1:2379".to_owned()],
            prefix: "/aisix".to_owned(),
            user: None,
            password_env: None,
            dial_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(5),
            tls: EtcdTls::default(),
        }
    }
}
