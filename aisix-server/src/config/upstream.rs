use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::period;

/// `upstream`: how providers are called, where a model does not say otherwise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Upstream {
    /// Longest time of a whole unary call; none by default, and with 0.
    #[serde(rename = "timeout_ms", deserialize_with = "period::optional_millis")]
    #[schemars(with = "u64")]
    pub timeout: Option<Duration>,
    /// Longest gap between two chunks of a stream, the first one included; none by default, and with 0.
    #[serde(
        rename = "stream_timeout_ms",
        deserialize_with = "period::optional_millis"
    )]
    #[schemars(with = "u64")]
    pub stream_timeout: Option<Duration>,
    /// Longest time to connect.
    #[serde(rename = "connect_timeout_ms", deserialize_with = "period::millis")]
    #[schemars(with = "u64")]
    pub connect_timeout: Duration,
    /// Tries after the first one.
    pub retries: u32,
    /// How long an unused connection is kept.
    #[serde(rename = "pool_idle_timeout_secs", deserialize_with = "period::secs")]
    #[schemars(with = "u64")]
    pub pool_idle_timeout: Duration,
    /// Whom we trust.
    pub tls: UpstreamTls,
}

/// `upstream.tls`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpstreamTls {
    /// Authorities (PEM) in addition to the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            timeout: None,
            stream_timeout: None,
            connect_timeout: Duration::from_secs(5),
            retries: 2,
            pool_idle_timeout: Duration::from_secs(30),
            tls: UpstreamTls::default(),
        }
    }
}
