use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Etcd;

/// Where the resources come from: exactly one.
#[derive(Clone, Debug)]
pub enum Source {
    /// An etcd cluster.
    Etcd(Box<Etcd>),
    /// A resources file.
    File(PathBuf),
    /// A store of this process.
    Store(Store),
}

/// `store`: a durable store in a directory of this machine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Store {
    /// The directory, made at the first start.
    pub path: PathBuf,
    /// Whether a store that nothing was ever written to is filled with a demonstration: only when
    /// the server was started without a configuration.
    #[serde(skip)]
    pub demo: bool,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: PathBuf::from("./data"),
            demo: false,
        }
    }
}
