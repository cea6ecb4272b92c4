//! The configuration file: its sections as types, and how it is read.
//!
//! A file is YAML (JSON is YAML too). It goes through the same steps every time, so that
//! `aisix validate` and the start of the server cannot disagree:
//!
//! 1. `${VAR}` in string values is replaced from the environment ([`env`]),
//! 2. `AISIX_PROXY__ADDR=…` overrides `proxy.addr`, typed by the schema of the section,
//! 3. unknown keys are reported with the nearest known one (`unknown`),
//! 4. the tree becomes a [`Document`], and every value that does not fit is reported with its path,
//! 5. what only shows when sections are seen together is checked (`check`).
//!
//! Nothing here reads the process environment by itself: an [`Env`] is passed in.
//! Relative paths in a file are relative to the working directory, as in Envoy and etcd.

use std::path::Path;

use serde_json::Value;

mod addr;
mod admin;
mod backend;
mod check;
mod document;
mod downstream;
mod env;
mod etcd;
mod log_level;
mod observability;
mod period;
mod problem;
mod proxy;
mod schema;
mod secret;
mod shutdown;
mod source;
mod tree;
mod unknown;
mod upstream;

pub use addr::ListenAddr;
pub use admin::Admin;
pub use backend::{Backend, Cache, RateLimit, Redis};
pub use document::Document;
pub use downstream::Downstream;
pub use env::Env;
pub use etcd::{Etcd, EtcdTls};
pub use log_level::LogLevel;
pub use observability::{Metrics, Observability, OtlpMetrics, OtlpTraces, Prometheus, Tracing};
pub use problem::{ConfigError, Problem};
pub use proxy::{Proxy, RealIp, Tls};
pub use secret::Secret;
pub use shutdown::Shutdown;
pub use source::{Source, Store};
pub use upstream::{Upstream, UpstreamTls};

#[cfg(test)]
mod tests;

/// A configuration that has been checked: what the server is assembled from.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the resources come from.
    pub source: Source,
    /// The listener of the client API.
    pub proxy: Proxy,
    /// The Admin API, absent when its port is to stay unbound.
    pub admin: Option<Admin>,
    /// Logs, metrics and traces.
    pub observability: Observability,
    /// Where cached answers live.
    pub cache: Cache,
    /// Where rate-limit counters live.
    pub ratelimit: RateLimit,
    /// How upstreams are called.
    pub upstream: Upstream,
    /// How callers' connections are treated.
    pub downstream: Downstream,
    /// How the process ends.
    pub shutdown: Shutdown,
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    ///
    /// Returns every problem of the file at once, or the one reason why it cannot be read.
    pub fn read(path: &Path, env: &Env) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError::new(vec![Problem::whole(format!("cannot be read: {error}"))]).in_file(path)
        })?;
        Self::parse(&text, env).map_err(|error| error.in_file(path))
    }

    /// Checks the text of a configuration file.
    ///
    /// # Errors
    ///
    /// Returns every problem at once.
    pub fn parse(text: &str, env: &Env) -> Result<Self, ConfigError> {
        let tree = tree::parse(text).map_err(|problem| ConfigError::new(vec![problem]))?;
        let (document, problems) = Document::from_tree(tree, env);
        document.into_config(problems)
    }

    /// The configuration of a server that was started without a file: a local durable store and
    /// listeners on loopback, with the overrides of the environment.
    ///
    /// # Errors
    ///
    /// Returns the problems that the overrides bring.
    pub fn embedded(env: &Env) -> Result<Self, ConfigError> {
        let (mut document, problems) = Document::from_tree(Value::Object(Default::default()), env);
        document.default_source();
        document.into_config(problems)
    }
}
