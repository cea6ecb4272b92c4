use schemars::JsonSchema;
use serde::Deserialize;

use super::ListenAddr;
use super::Secret;
use super::Tls;

/// `admin`: the Admin API and the dashboard.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Admin {
    /// `false` leaves the port unbound.
    pub enabled: bool,
    /// Where operators connect.
    pub addr: ListenAddr,
    /// Keys that may use it.
    pub admin_keys: Vec<Secret>,
    /// Serves HTTPS when given.
    pub tls: Option<Tls>,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            enabled: true,
            addr: ListenAddr::loopback(3001),
            admin_keys: Vec::new(),
            tls: None,
        }
    }
}
