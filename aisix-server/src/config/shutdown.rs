use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::period;

/// `shutdown`: how the process ends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Shutdown {
    /// How long to keep accepting with `/readyz` at 503, for load balancers to notice.
    #[serde(rename = "min_drain_secs", deserialize_with = "period::secs")]
    #[schemars(with = "u64")]
    pub min_drain: Duration,
    /// How long requests in flight may take to finish after that.
    #[serde(rename = "max_drain_secs", deserialize_with = "period::secs")]
    #[schemars(with = "u64")]
    pub max_drain: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            min_drain: Duration::ZERO,
            max_drain: Duration::from_secs(30),
        }
    }
}
