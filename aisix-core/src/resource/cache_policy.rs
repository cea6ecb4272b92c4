use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

use super::{Invalid, Kind, Resource, text};

/// What may be answered again from memory, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CachePolicy {
    /// What people call the policy; unique.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub name: String,
    /// Whether it counts.
    #[serde(default = "text::yes")]
    pub enabled: bool,
    /// The calls that it is about: `all`, `model:<name>` or `api_key:<id>`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub applies_to: AppliesTo,
    /// Where answers are kept, where that is not what the gateway is configured for.
    #[serde(default, deserialize_with = "text::optional")]
    pub backend: Option<String>,
    /// Who shares answers.
    #[serde(default)]
    pub scope: CacheScope,
    /// For how long an answer is kept.
    #[serde(default = "hour")]
    pub ttl_seconds: u64,
    /// Changing it forgets all that has been kept.
    #[serde(default)]
    pub purge_generation: u64,
}

/// The calls that a [`CachePolicy`] is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppliesTo {
    /// All of them.
    #[default]
    All,
    /// Those for the model of that name.
    Model(String),
    /// Those with the key of that id.
    ApiKey(String),
}

/// Who shares the answers that a [`CachePolicy`] keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CacheScope {
    /// Nobody: each key has its own.
    #[default]
    ApiKey,
    /// Every caller of the gateway.
    Env,
}

impl Resource for CachePolicy {
    const KIND: Kind = Kind::CachePolicies;

    fn validate(&self) -> Result<(), Invalid> {
        super::read::required("/name", &self.name)
    }
}

impl<'de> Deserialize<'de> for AppliesTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl FromStr for AppliesTo {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("model", name)) if !name.is_empty() => Ok(Self::Model(name.to_owned())),
            Some(("api_key", id)) if !id.is_empty() => Ok(Self::ApiKey(id.to_owned())),
            _ => Err("expected `all`, `model:<name>` or `api_key:<id>`"),
        }
    }
}

const fn hour() -> u64 {
    3600
}
