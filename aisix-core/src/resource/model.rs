use std::net::IpAddr;

use serde::Deserialize;

use super::{Cidr, Invalid, Kind, RateLimit, Resource, Routing, text};
use crate::dialect::Capabilities;

/// A name that callers may ask for, and what stands behind it.
///
/// Either *direct*: a model of a provider; or *routing*: a choice among other models.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Model {
    /// The name that callers send and that `/v1/models` lists; unique. May be a wildcard,
    /// `vendor/*`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub display_name: String,
    /// The vendor, by default that of the provider key.
    #[serde(default, deserialize_with = "text::optional")]
    pub provider: Option<String>,
    /// What the provider calls the model. A `*` in it stands for what the `*` of a wildcard covers,
    /// and is the default there.
    #[serde(default, deserialize_with = "text::optional")]
    pub model_name: Option<String>,
    /// The id of the provider key to use.
    #[serde(default, deserialize_with = "text::optional")]
    pub provider_key_id: Option<String>,
    /// A choice among other models, in place of the three fields above.
    #[serde(default)]
    pub routing: Option<Routing>,
    /// How long a whole answer that is no stream may take, in milliseconds.
    #[serde(default)]
    pub timeout: Option<u64>,
    /// The longest gap between the chunks of a stream, that before the first one included, in
    /// milliseconds.
    #[serde(default)]
    pub stream_timeout: Option<u64>,
    /// How often a failed call is tried again.
    #[serde(default)]
    pub retries: Option<u32>,
    /// How much all callers together may take.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// What the model takes and refuses, where the built-in table does not know it or is wrong.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// What tokens cost.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// When the model is left alone for a while.
    #[serde(default)]
    pub cooldown: Option<Cooldown>,
    /// The addresses that may use the model; empty: all.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub allowed_cidrs: Vec<Cidr>,
}

/// What tokens cost, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Cost {
    /// A thousand input tokens.
    pub input_per_1k: f64,
    /// A thousand output tokens.
    pub output_per_1k: f64,
}

/// When a failing target is left alone, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Cooldown {
    /// Whether it ever is.
    pub enabled: bool,
    /// For how long, where the upstream does not say.
    pub default_seconds: u64,
    /// For how long at most.
    pub max_seconds: u64,
    /// Whether the upstream's `Retry-After` counts.
    pub honor_retry_after: bool,
    /// The statuses after which it is.
    pub trigger_statuses: Vec<u16>,
    /// Whether a timeout counts.
    pub trigger_on_timeout: bool,
    /// Whether a failed connection counts.
    pub trigger_on_transport: bool,
}

// === impl Model ===

impl Model {
    /// Whether a caller from `address` may use it. An address that nobody knows is within no block.
    #[must_use]
    pub fn allows_address(&self, address: Option<IpAddr>) -> bool {
        self.allowed_cidrs.is_empty()
            || address.is_some_and(|address| {
                self.allowed_cidrs
                    .iter()
                    .any(|block| block.contains(address))
            })
    }

    /// Whether the model is a choice among others.
    #[must_use]
    pub fn is_routing(&self) -> bool {
        self.routing.is_some()
    }

    /// What stands before the star, if the name is a wildcard.
    ///
    /// ```
    /// use aisix_core::resource::{Model, read};
    ///
    /// let row = serde_json::json!({"display_name": "acme/*", "provider": "acme"});
    /// let model = read::<Model>(&row).unwrap().resource;
    /// assert_eq!(model.wildcard_prefix(), Some("acme/"));
    /// ```
    #[must_use]
    pub fn wildcard_prefix(&self) -> Option<&str> {
        self.display_name.strip_suffix('*')
    }

    fn validate_direct(&self) -> Result<(), Invalid> {
        if self.provider.is_none() && self.provider_key_id.is_none() {
            return Err(Invalid::new(
                "",
                "missing field `provider_key_id` or `provider` (or `routing`)",
            ));
        }
        if self.model_name.is_none() && self.wildcard_prefix().is_none() {
            return Err(Invalid::new("", "missing field `model_name`"));
        }
        Ok(())
    }

    fn validate_routing(&self, routing: &Routing) -> Result<(), Invalid> {
        if self.provider.is_some() || self.model_name.is_some() || self.provider_key_id.is_some() {
            return Err(Invalid::new(
                "/routing",
                "a model has either `routing`, or `provider`, `model_name` and `provider_key_id`",
            ));
        }
        routing.validate(&self.display_name)
    }
}

impl Resource for Model {
    const KIND: Kind = Kind::Models;

    fn validate(&self) -> Result<(), Invalid> {
        super::read::required("/display_name", &self.display_name)?;
        check_wildcard(&self.display_name)
            .map_err(|reason| Invalid::new("/display_name", reason))?;
        match &self.routing {
            Some(routing) => self.validate_routing(routing)?,
            None => self.validate_direct()?,
        }
        if let Some(cost) = &self.cost {
            check_price("/cost/input_per_1k", cost.input_per_1k)?;
            check_price("/cost/output_per_1k", cost.output_per_1k)?;
        }
        if let Some(cooldown) = &self.cooldown {
            check_statuses("/cooldown/trigger_statuses", &cooldown.trigger_statuses)?;
        }
        Ok(())
    }
}

// === impl Cooldown ===

impl Default for Cooldown {
    fn default() -> Self {
        Self {
            enabled: true,
            default_seconds: 30,
            max_seconds: 600,
            honor_retry_after: true,
            trigger_statuses: vec![408, 429, 500, 502, 503, 504],
            trigger_on_timeout: true,
            trigger_on_transport: true,
        }
    }
}

/// A star stands alone, or at the end after a `/`.
pub(super) fn check_wildcard(name: &str) -> Result<(), &'static str> {
    match name.split_once('*') {
        None | Some(("", "")) => Ok(()),
        Some((prefix, "")) if prefix.ends_with('/') => Ok(()),
        Some(_) => Err("a `*` stands alone or at the end after a `/`, as in `vendor/*`"),
    }
}

pub(super) fn check_statuses(pointer: &str, statuses: &[u16]) -> Result<(), Invalid> {
    match statuses
        .iter()
        .position(|status| !(100..=599).contains(status))
    {
        Some(index) => Err(Invalid::new(
            format!("{pointer}/{index}"),
            "expected an HTTP status from 100 to 599",
        )),
        None => Ok(()),
    }
}

fn check_price(pointer: &str, price: f64) -> Result<(), Invalid> {
    if price.is_finite() && price >= 0.0 {
        Ok(())
    } else {
        Err(Invalid::new(pointer, "a price is not negative"))
    }
}
