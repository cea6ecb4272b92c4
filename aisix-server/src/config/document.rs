use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::Admin;
use super::Cache;
use super::Config;
use super::ConfigError;
use super::Downstream;
use super::Env;
use super::Etcd;
use super::Observability;
use super::Problem;
use super::Proxy;
use super::RateLimit;
use super::Shutdown;
use super::Source;
use super::Store;
use super::Upstream;
use super::check;
use super::env;
use super::schema::Schema;
use super::tree;
use super::unknown;

/// The configuration file as it is written, before its sections are seen together.
///
/// Its JSON Schema is what overrides and unknown keys are judged by.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Document {
    /// Resources come from etcd. One of three sources.
    pub etcd: Option<Etcd>,
    /// Resources come from this YAML or JSON file. One of three sources.
    pub resources_file: Option<PathBuf>,
    /// Resources live in a store of this process. One of three sources.
    pub store: Option<Store>,
    /// The listener of the client API.
    pub proxy: Proxy,
    /// The Admin API; without this section its port stays unbound.
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

impl Document {
    /// Makes a document of a parsed file; whatever does not fit is reported and left at its
    /// default, so that one run shows every problem.
    pub fn from_tree(mut tree: Value, env: &Env) -> (Self, Vec<Problem>) {
        let schema = Schema::of::<Self>();
        let mut problems = Vec::new();
        if tree.is_null() {
            tree = Value::Object(Default::default());
        }
        if !tree.is_object() {
            problems.push(Problem::whole("is no mapping of sections".to_owned()));
            return (Self::default(), problems);
        }
        tree::prune_nulls(&mut tree);
        env::expand(&mut tree, &schema, env, &mut problems);
        env::overlay(&mut tree, &schema, env, &mut problems);
        unknown::remove(&mut tree, &schema, &mut problems);
        let document = tree::read(tree, &mut problems);
        (document, problems)
    }

    /// Chooses the store that a server without a configuration file uses, unless the environment
    /// has chosen a source.
    pub fn default_source(&mut self) {
        if self.etcd.is_none() && self.resources_file.is_none() {
            self.store.get_or_insert_default().demo = true;
        }
    }

    /// Checks what only shows when the sections are seen together.
    ///
    /// # Errors
    ///
    /// Returns `problems`, those found so far, and the new ones.
    pub fn into_config(self, mut problems: Vec<Problem>) -> Result<Config, ConfigError> {
        check::document(&self, &mut problems);
        let source = match (self.etcd, self.resources_file, self.store) {
            (Some(etcd), None, None) => Some(Source::Etcd(Box::new(etcd))),
            (None, Some(path), None) => Some(Source::File(path)),
            (None, None, Some(store)) => Some(Source::Store(store)),
            _ => None,
        };
        let Some(source) = source.filter(|_| problems.is_empty()) else {
            return Err(ConfigError::new(problems));
        };
        Ok(Config {
            source,
            proxy: self.proxy,
            admin: self.admin.filter(|admin| admin.enabled),
            observability: self.observability,
            cache: self.cache,
            ratelimit: self.ratelimit,
            upstream: self.upstream,
            downstream: self.downstream,
            shutdown: self.shutdown,
        })
    }
}
