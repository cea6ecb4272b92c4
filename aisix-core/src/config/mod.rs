//! Where the configuration comes from.
//!
//! A [`ConfigSource`] says what there is and then what changes; a [`ConfigStore`] can also be
//! written to. The [`Driver`] turns what a source says into snapshots: it is a future that the host
//! runs, and it keeps the last good state while the source is away.
//!
//! | source | for |
//! | --- | --- |
//! | [`MemoryStore`] | tests, and hosts that configure in code |
//! | [`PollSource`] | anything that can be asked for all rows |
//! | `FileSource` (feature `file`) | a resources file |
//! | `aisix_etcd::EtcdStore` | etcd |
//!
//! ```
//! use aisix_core::config::{Driver, MemoryStore};
//! use aisix_core::resource::{Id, Kind};
//! use aisix_core::snapshot::SnapshotHandle;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> aisix_core::error::Result<()> {
//! let store = MemoryStore::new();
//! store.put(Kind::Models, Id::new("gpt-4o").unwrap(), serde_json::json!({
//!     "display_name": "gpt-4o", "provider": "openai", "model_name": "gpt-4o",
//! }));
//!
//! let handle = SnapshotHandle::default();
//! let mut driver = Driver::new(store.clone(), handle.clone());
//! driver.applied().await?;                        // the first state is there, or an error
//! tokio::spawn(driver);                           // and the host sees to what follows
//!
//! assert!(handle.load().model("gpt-4o").is_some());
//! # Ok(())
//! # }
//! ```

mod driver;
#[cfg(feature = "file")]
mod file;
mod memory;
mod poll;
mod source;
mod status;
mod store;
mod transaction;
mod unfold;

pub use self::driver::Driver;
#[cfg(feature = "file")]
pub use self::file::{
    FileProblem, FileProblems, FileSource, Reload, read_resources, write_resources,
};
pub use self::memory::MemoryStore;
pub use self::poll::PollSource;
pub use self::source::{BoxStream, ConfigEvent, ConfigSource};
pub use self::status::Status;
pub use self::store::{BoxFuture, CommitError, ConfigStore, Conflict, Listing, Page};
pub use self::transaction::{Precondition, Step, Transaction};
pub use crate::resource::{Change, Revision};

#[cfg(test)]
mod tests;
