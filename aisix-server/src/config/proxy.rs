use std::net::IpAddr;
use std::path::PathBuf;

use http::HeaderName;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;

use super::ListenAddr;

/// `proxy`: the listener of the client API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Proxy {
    /// Where callers connect.
    pub addr: ListenAddr,
    /// Longest request body; a longer one is answered with 413.
    #[serde(rename = "request_body_limit_bytes")]
    pub request_body_limit: usize,
    /// Serves HTTPS when given.
    pub tls: Option<Tls>,
    /// How the address of a caller behind a load balancer is found.
    pub real_ip: RealIp,
    /// One single-threaded runtime for each core, instead of one for all.
    pub thread_per_core: bool,
}

/// Certificate of a listener, in PEM files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Tls {
    /// The certificate, then its intermediates.
    pub cert_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// `proxy.real_ip`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RealIp {
    /// Networks whose word about the caller is taken; none by default.
    #[serde(deserialize_with = "networks")]
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they say it.
    #[serde(deserialize_with = "header_name")]
    #[schemars(with = "String")]
    pub header: HeaderName,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            addr: ListenAddr::loopback(3000),
            request_body_limit: 10 * 1024 * 1024,
            tls: None,
            real_ip: RealIp::default(),
            thread_per_core: true,
        }
    }
}

impl Default for RealIp {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            header: HeaderName::from_static("x-forwarded-for"),
        }
    }
}

/// A network, or a single address.
struct Network(IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Self)
            .map_err(|_| D::Error::custom(format!("`{text}` is no network like 10.0.0.0/8")))
    }
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let networks = Vec::<Network>::deserialize(deserializer)?;
    Ok(networks.into_iter().map(|network| network.0).collect())
}

fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderName, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("`{text}` is no header name")))
}
