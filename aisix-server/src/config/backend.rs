use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;

/// Where shared state lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// In this process.
    #[default]
    Memory,
    /// In Redis, shared by replicas.
    Redis,
}

/// `cache`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Cache {
    /// Where cached answers live.
    pub backend: Backend,
    /// The Redis server, for `backend: redis`.
    pub redis: Redis,
}

/// `ratelimit`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RateLimit {
    /// Where the counters live.
    pub backend: Backend,
    /// The Redis server, for `backend: redis`.
    pub redis: Redis,
}

/// How a Redis server is reached.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Redis {
    /// `redis://…`; it may hold a password.
    pub url: Option<Secret>,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
        })
    }
}
