use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reader::deserialize;
use super::{ApiKey, CachePolicy, Guardrail, Kind, Model, ProviderKey};

/// A kind of document that the gateway is configured with.
pub trait Resource: Clone + DeserializeOwned + PartialEq + Send + Sync + 'static {
    /// The collection that such documents are in.
    const KIND: Kind;

    /// Checks what the types alone cannot say.
    ///
    /// References to other rows are not looked at: those may arrive later.
    ///
    /// # Errors
    ///
    /// Where the document is wrong, and why.
    fn validate(&self) -> Result<(), Invalid>;
}

/// A document that has been read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Read<T> {
    /// Its typed form.
    pub resource: T,
    /// The JSON pointers of the fields that nobody knows.
    pub unknown: Vec<String>,
}

/// Why a document is rejected, and where.
///
/// The reason never repeats a text of the document, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    pointer: Box<str>,
    reason: Box<str>,
}

/// Reads a document and validates it.
///
/// # Errors
///
/// Where the document is wrong, and why: a missing field, a wrong type, or what
/// [`Resource::validate`] finds.
pub fn read<T: Resource>(value: &Value) -> Result<Read<T>, Invalid> {
    let (resource, unknown) = deserialize::<T>(value)?;
    resource.validate()?;
    Ok(Read { resource, unknown })
}

/// Reads a document of any kind, only to learn whether it is valid; gives the JSON pointers of the
/// fields that nobody knows.
///
/// # Errors
///
/// As [`read`].
pub fn check(kind: Kind, value: &Value) -> Result<Vec<String>, Invalid> {
    match kind {
        Kind::ProviderKeys => read::<ProviderKey>(value).map(|read| read.unknown),
        Kind::Models => read::<Model>(value).map(|read| read.unknown),
        Kind::ApiKeys => read::<ApiKey>(value).map(|read| read.unknown),
        Kind::Guardrails => read::<Guardrail>(value).map(|read| read.unknown),
        Kind::CachePolicies => read::<CachePolicy>(value).map(|read| read.unknown),
    }
}

// === impl Invalid ===

impl Invalid {
    /// Says where (a JSON pointer; empty for the whole document) and why.
    #[must_use]
    pub fn new(pointer: impl Into<Box<str>>, reason: impl Into<Box<str>>) -> Self {
        Self {
            pointer: pointer.into(),
            reason: reason.into(),
        }
    }

    /// The JSON pointer of what is wrong; empty for the whole document.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Why it is wrong.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Invalid {}

pub(super) fn required(pointer: &str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        Err(Invalid::new(pointer, "must not be empty"))
    } else {
        Ok(())
    }
}
