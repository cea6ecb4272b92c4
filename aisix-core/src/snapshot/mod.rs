//! What one request sees of the configuration: immutable, compiled, swapped atomically.
//!
//! A [`Snapshot`] is made of the one before it and of the rows that changed. Its maps are
//! persistent: the two share all that did not change, so that one changed key among a hundred
//! thousand costs microseconds. A request takes one snapshot at its entry and sees the same one to
//! its end.
//!
//! - A row that cannot be read is rejected, with a reason in the [`Report`]; its last good value
//!   keeps serving.
//! - Of two rows of one kind with the same name, the one that was written first serves (by
//!   revision, then by id) and the other one is rejected; when the first goes away, the other takes
//!   over.
//! - A row may refer to one that has not arrived yet: it is linked when that one does.
//! - What layers keep for an entity hangs on its entry, in an [`AnyCell`]: `state` lives as long as
//!   the id does (counters, health), `bound` as long as the row's content (connections, prepared
//!   headers).
//!
//! ```
//! use aisix_core::resource::{Change, Id, Kind, Revision, Row};
//! use aisix_core::snapshot::Snapshot;
//!
//! let row = Row::new(Kind::Models, Id::new("m").unwrap(), serde_json::json!({
//!     "display_name": "acme/*", "provider": "acme",
//! }));
//! let snapshot = Snapshot::empty().apply(Revision::new(7), vec![Change::Put(row)]);
//!
//! let model = snapshot.model("acme/large").unwrap();
//! assert_eq!(model.upstream_name("acme/large"), "large");
//! assert!(snapshot.model("acme").is_none());
//! ```

mod cell;
mod compile;
mod entry;
mod handle;
mod lookup;
mod report;
mod table;

use std::sync::{Arc, OnceLock};

use rpds::{HashTrieMapSync, HashTrieSetSync};

pub use self::cell::AnyCell;
pub(crate) use self::compile::Work;
pub use self::entry::{
    ApiKeyEntry, CachePolicyEntry, Entry, GuardrailEntry, ModelEntry, ProviderKeyEntry,
};
pub use self::handle::{Changes, SnapshotHandle};
pub use self::report::{Rejected, Report, UnknownField};
use self::table::Table;
use crate::resource::{
    ApiKey, CachePolicy, Environment, Guardrail, Id, Model, ProviderKey, Revision,
};

/// The whole configuration at one revision, ready for use.
///
/// Cheap to clone: the maps are shared.
#[derive(Clone)]
pub struct Snapshot {
    revision: Revision,
    environment: Environment,
    provider_keys: Table<ProviderKey>,
    models: Table<Model>,
    api_keys: Table<ApiKey>,
    guardrails: Table<Guardrail>,
    cache_policies: Table<CachePolicy>,
    /// The models whose name ends with a star, by what stands before it.
    wildcards: HashTrieMapSync<Box<str>, Arc<ModelEntry>>,
    /// The models that refer to a provider key, by the id that they name.
    dependents: HashTrieMapSync<Box<str>, HashTrieSetSync<Id>>,
    /// The models by name; made when first asked for.
    sorted: Arc<OnceLock<Box<[Arc<ModelEntry>]>>>,
    report: Report,
}

#[cfg(test)]
mod tests;
