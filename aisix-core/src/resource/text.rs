//! How texts are read: existing deployments store `""` where they mean an absent value.

use serde::{Deserialize, Deserializer};

use super::Secret;

/// Reads an optional text; an empty one counts as absent.
pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + AsRef<str>,
{
    let text = Option::<T>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.as_ref().is_empty()))
}

/// Reads an optional secret; an empty one counts as absent.
pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    Ok(optional::<_, Box<str>>(deserializer)?.map(Secret::new))
}

pub(super) const fn yes() -> bool {
    true
}
