use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::period;

/// `downstream`: how callers' connections are treated.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Downstream {
    /// When a connection without a request is closed; never by default, and with 0.
    #[serde(
        rename = "idle_timeout_secs",
        deserialize_with = "period::optional_secs"
    )]
    #[schemars(with = "u64")]
    pub idle_timeout: Option<Duration>,
    /// The silence in a stream after which a comment is sent; 0 sends none.
    #[serde(
        rename = "sse_keepalive_interval_secs",
        deserialize_with = "period::optional_secs"
    )]
    #[schemars(with = "u64")]
    pub sse_keepalive_interval: Option<Duration>,
}

impl Default for Downstream {
    fn default() -> Self {
        Self {
            idle_timeout: None,
            sse_keepalive_interval: Some(Duration::from_secs(15)),
        }
    }
}
