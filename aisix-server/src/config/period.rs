//! Periods: `_ms` and `_secs` in the file, [`Duration`] in the code.

use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;

pub(super) fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

pub(super) fn secs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

/// Zero means: no limit.
pub(super) fn optional_millis<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    millis(deserializer).map(|period| (!period.is_zero()).then_some(period))
}

/// Zero means: off.
pub(super) fn optional_secs<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    secs(deserializer).map(|period| (!period.is_zero()).then_some(period))
}
