use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kinds of resources; each is a collection of the Admin API and of a resources file, and a
/// path segment of the keys in etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Credentials and address of an upstream account: [`ProviderKey`](super::ProviderKey).
    ProviderKeys,
    /// The names that callers may ask for: [`Model`](super::Model).
    Models,
    /// Who may call: [`ApiKey`](super::ApiKey).
    ApiKeys,
    /// What may not be said: [`Guardrail`](super::Guardrail).
    Guardrails,
    /// What may be answered from memory: [`CachePolicy`](super::CachePolicy).
    CachePolicies,
}

/// The name is that of no [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind(String);

// === impl Kind ===

impl Kind {
    /// Every kind, each after those that it refers to.
    pub const ALL: [Self; 5] = [
        Self::ProviderKeys,
        Self::Models,
        Self::ApiKeys,
        Self::Guardrails,
        Self::CachePolicies,
    ];

    /// The name of the collection, such as `models`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderKeys => "provider_keys",
            Self::Models => "models",
            Self::ApiKeys => "api_keys",
            Self::Guardrails => "guardrails",
            Self::CachePolicies => "cache_policies",
        }
    }

    /// The field that is unique within the kind and by which a row is known.
    ///
    /// ```
    /// use aisix_core::resource::Kind;
    ///
    /// assert_eq!(Kind::Models.name_field(), "display_name");
    /// assert_eq!(Kind::ApiKeys.name_field(), "key_hash");
    /// ```
    #[must_use]
    pub const fn name_field(self) -> &'static str {
        match self {
            Self::ProviderKeys | Self::Models => "display_name",
            Self::ApiKeys => "key_hash",
            Self::Guardrails | Self::CachePolicies => "name",
        }
    }

    /// The top-level fields that hold a secret, to be masked wherever a row is shown.
    #[must_use]
    pub const fn secret_fields(self) -> &'static [&'static str] {
        match self {
            Self::ProviderKeys => &["api_key", "secret"],
            Self::Models | Self::ApiKeys | Self::Guardrails | Self::CachePolicies => &[],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

// === impl UnknownKind ===

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no kind of resource; there are ", self.0)?;
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{kind}`")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownKind {}
