//! The embedded store: the configuration in one durable file, for a gateway without etcd.
//!
//! | file of `store.path` | holds |
//! | --- | --- |
//! | `aisix.redb` | the rows, each with the revision at which it was written, and the revision itself |
//! | `aisix.lock` | nothing; the process that has the store open holds a lock on it |
//!
//! A commit is answered once it is on the disk, whole or not at all, so that what was answered
//! survives a `kill -9` and a loss of power. Rows are stored as they were written, secrets too:
//! the directory is made for its owner alone, and so are the files.

mod disk;
mod embedded;
mod error;
mod export;
mod file;
mod log;

pub use embedded::EmbeddedStore;
pub use error::OpenError;
pub use export::export;

#[cfg(test)]
mod tests;
