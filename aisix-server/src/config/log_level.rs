use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;

/// What goes to the log: a level, or levels by target, `info,aisix_core=debug`.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(with = "String")]
pub struct LogLevel(Targets);

impl LogLevel {
    /// The filter for a subscriber.
    pub fn to_filter(&self) -> Targets {
        self.0.clone()
    }
}

impl Default for LogLevel {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `Targets` would take a misspelt level for a target and show nothing else.
        let known = |part: &str| match part.split_once('=') {
            Some((target, level)) => !target.trim().is_empty() && is_level(level.trim()),
            None => is_level(part.trim()),
        };
        if !text.split(',').all(known) {
            return Err(format!(
                "`{text}` is no log level: off, error, warn, info, debug, trace"
            ));
        }
        text.parse()
            .map(Self)
            .map_err(|_| format!("`{text}` is no log level"))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

fn is_level(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(text))
}
