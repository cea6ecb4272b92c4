use std::fmt;

use serde::{Deserialize, Deserializer};

/// A credential: it cannot be printed, only [exposed](Self::expose) on purpose.
///
/// ```
/// use aisix_core::resource::Secret;
///
/// let secret = Secret::new("sk-live-0123456789wxyz");
/// assert_eq!(secret.masked(), "sk-…wxyz");
/// assert!(!format!("{secret:?}").contains("0123"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Box<str>);

/// Below this many characters, the seven that [`Secret::masked`] shows give too much away.
const SHOWN_FROM: usize = 16;

impl Secret {
    /// Wraps a credential.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The credential itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What may be shown of it: `sk-…wxyz`, or only `…` for a short one.
    ///
    /// A `${VAR}` reference is no secret, and shown as it stands.
    #[must_use]
    pub fn masked(&self) -> String {
        if self.is_reference() {
            return self.0.to_string();
        }
        let count = self.0.chars().count();
        if count < SHOWN_FROM {
            return "…".to_owned();
        }
        let head = self.0.chars().take(3);
        let tail = self.0.chars().skip(count - 4);
        head.chain(['…']).chain(tail).collect()
    }

    /// Whether it is nothing but a reference to an environment variable, `${VAR}`.
    #[must_use]
    pub fn is_reference(&self) -> bool {
        self.0
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
            .is_some_and(super::environment::is_name)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
