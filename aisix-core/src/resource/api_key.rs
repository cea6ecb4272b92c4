use std::time::SystemTime;

use serde::{Deserialize, Deserializer, de};

use super::{Invalid, KeyHash, Kind, RateLimit, Resource, text};

/// Who may call, and what.
///
/// There may be a hundred thousand of them: boxed texts, which are smaller than strings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ApiKey {
    /// The SHA-256 of the key, as lower-case hex.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))
    )]
    pub key_hash: KeyHash,
    /// The models that the key may use: exact names, `vendor/*`, or `*`. An empty list allows none.
    pub allowed_models: Box<[Box<str>]>,
    /// What people call the key.
    #[serde(default, deserialize_with = "text::optional")]
    pub display_name: Option<Box<str>>,
    /// How much the key may take.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// From when on the key is refused, as RFC 3339 writes it.
    #[serde(default, deserialize_with = "timestamp")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<String>", extend("format" = "date-time"))
    )]
    pub expires_at: Option<SystemTime>,
    /// Whether the key is refused for now.
    #[serde(default)]
    pub disabled: bool,
    /// The team that usage is counted for.
    #[serde(default, deserialize_with = "text::optional")]
    pub team_id: Option<Box<str>>,
    /// The person that usage is counted for.
    #[serde(default, deserialize_with = "text::optional")]
    pub user_id: Option<Box<str>>,
}

impl ApiKey {
    /// Makes a key without limits that may use the given models.
    #[must_use]
    pub fn new(key_hash: KeyHash, allowed_models: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        Self {
            key_hash,
            allowed_models: allowed_models.into_iter().map(Into::into).collect(),
            display_name: None,
            rate_limit: None,
            expires_at: None,
            disabled: false,
            team_id: None,
            user_id: None,
        }
    }

    /// Whether the key may use the model of that name.
    ///
    /// ```
    /// use aisix_core::resource::{ApiKey, KeyHash};
    ///
    /// let key = ApiKey::new(KeyHash::of("sk"), ["gpt-4o", "acme/*"]);
    /// assert!(key.allows("gpt-4o") && key.allows("acme/large"));
    /// assert!(!key.allows("gpt-4o-mini") && !key.allows("acme/"));
    /// ```
    #[must_use]
    pub fn allows(&self, model: &str) -> bool {
        self.allowed_models
            .iter()
            .any(|pattern| &**pattern == model || covers(pattern, model))
    }
}

impl Resource for ApiKey {
    const KIND: Kind = Kind::ApiKeys;

    fn validate(&self) -> Result<(), Invalid> {
        for (index, pattern) in self.allowed_models.iter().enumerate() {
            let pointer = || format!("/allowed_models/{index}");
            if pattern.is_empty() {
                return Err(Invalid::new(pointer(), "must not be empty"));
            }
            super::model::check_wildcard(pattern)
                .map_err(|reason| Invalid::new(pointer(), reason))?;
        }
        Ok(())
    }
}

/// Whether the wildcard `pattern` covers `name`, with at least one character in place of the star.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => {
            prefix.ends_with('/') && name.len() > prefix.len() && name.starts_with(prefix)
        }
        None => false,
    }
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        de::Error::custom("expected a time as RFC 3339 writes it, such as `2030-01-31T12:00:00Z`")
    })?;
    SystemTime::try_from(time)
        .map(Some)
        .map_err(de::Error::custom)
}
