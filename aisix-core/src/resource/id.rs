use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The identity of a resource within its [`Kind`](super::Kind).
///
/// Not empty, at most 512 bytes, without `/` (it is the last segment of a key in etcd and of a path
/// in the Admin API) and without control characters. Cheap to clone.
///
/// ```
/// use aisix_core::resource::Id;
///
/// assert_eq!(Id::new("gpt-4o").unwrap().as_str(), "gpt-4o");
/// assert!(Id::new("openai/gpt-4o").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

/// The text is no [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId(&'static str);

const MAX_LEN: usize = 512;

// === impl Id ===

impl Id {
    /// Makes an id of `text`.
    ///
    /// # Errors
    ///
    /// When `text` is empty, too long, or holds a `/` or a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
        let text = text.as_ref();
        if text.is_empty() {
            Err(InvalidId("an id must not be empty"))
        } else if text.len() > MAX_LEN {
            Err(InvalidId("an id has at most 512 bytes"))
        } else if text.contains('/') {
            Err(InvalidId("an id holds no `/`"))
        } else if text.contains(char::is_control) {
            Err(InvalidId("an id holds no control characters"))
        } else {
            Ok(Self(Arc::from(text)))
        }
    }

    /// Makes the id of a row that has only a name: the name itself, or, where that is no id, the
    /// name with the offending characters percent-encoded.
    ///
    /// ```
    /// use aisix_core::resource::Id;
    ///
    /// assert_eq!(Id::from_name("openai/*").unwrap().as_str(), "openai%2F*");
    /// ```
    ///
    /// # Errors
    ///
    /// When `name` is empty or too long.
    pub fn from_name(name: &str) -> Result<Self, InvalidId> {
        use fmt::Write as _;

        if !name.contains(|c: char| c == '/' || c.is_control()) {
            return Self::new(name);
        }
        let mut encoded = String::with_capacity(name.len() + 8);
        for c in name.chars() {
            if c == '/' || c == '%' || c.is_control() {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Writing to a string cannot fail.
                    let _ = write!(encoded, "%{byte:02X}");
                }
            } else {
                encoded.push(c);
            }
        }
        Self::new(encoded)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text).map_err(de::Error::custom)
    }
}

// === impl InvalidId ===

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidId {}
