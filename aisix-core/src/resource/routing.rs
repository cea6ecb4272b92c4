use serde::Deserialize;

use super::{Invalid, text};

/// A choice among models, made for each call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Routing {
    /// The models to choose from; at least one.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub targets: Vec<RoutingTarget>,
    /// How to choose.
    #[serde(default)]
    pub strategy: Strategy,
    /// How often one target is tried again before the next one.
    #[serde(default)]
    pub retries: Option<u32>,
    /// How many other targets may be tried after the first one.
    #[serde(default)]
    pub max_fallbacks: Option<u32>,
    /// Whether an upstream's 429 leads to another try.
    #[serde(default)]
    pub retry_on_429: bool,
    /// The statuses of an upstream that lead to the next target, beside those that always do.
    #[serde(default)]
    pub fallback_on_statuses: Vec<u16>,
    /// What `consistent_hash` looks at.
    #[serde(default, deserialize_with = "text::optional")]
    pub hash_on: Option<String>,
    /// What to do when every target is out.
    #[serde(default, deserialize_with = "text::optional")]
    pub when_all_unavailable: Option<String>,
}

/// One model among those of a [`Routing`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RoutingTarget {
    /// The display name of the model.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub model: String,
    /// Its share among the targets of the same priority.
    #[serde(default = "one")]
    pub weight: u32,
    /// Lower ones are tried first.
    #[serde(default)]
    pub priority: u32,
    /// What a caller may ask for.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// How a [`Routing`] chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// The first one that works, in the order of priority and of the list.
    #[default]
    Failover,
    /// Each in turn, as often as its weight says, evenly spread.
    RoundRobin,
    /// The same one for the same value.
    ConsistentHash,
    /// The one that has answered fastest.
    LeastLatency,
    /// The one with the fewest calls in flight.
    LeastBusy,
    /// The cheapest one.
    LeastCost,
}

impl Routing {
    /// Checks the choice that the model `name` offers.
    pub(super) fn validate(&self, name: &str) -> Result<(), Invalid> {
        if self.targets.is_empty() {
            return Err(Invalid::new("/routing/targets", "must not be empty"));
        }
        for (index, target) in self.targets.iter().enumerate() {
            let pointer = format!("/routing/targets/{index}/model");
            super::read::required(&pointer, &target.model)?;
            if target.model == name {
                return Err(Invalid::new(pointer, "a model cannot be its own target"));
            }
        }
        if self.targets.iter().all(|target| target.weight == 0) {
            return Err(Invalid::new(
                "/routing/targets",
                "at least one target needs a `weight` above 0",
            ));
        }
        super::model::check_statuses("/routing/fallback_on_statuses", &self.fallback_on_statuses)
    }
}

const fn one() -> u32 {
    1
}
