use std::io;
use std::path::PathBuf;

/// Why a store cannot be opened; its `Display` is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Somebody has it open.
    #[error("the store {} is in use by another process", .path.display())]
    InUse {
        /// The directory of the store.
        path: PathBuf,
    },
    /// It is laid out in a way that this version does not know.
    #[error("the store {} was written by a newer version of aisix (format {format})", .path.display())]
    Newer {
        /// The directory of the store.
        path: PathBuf,
        /// The format that it is in.
        format: u64,
    },
    /// The directory or a file in it cannot be made or read.
    #[error("the store {} cannot be opened: {source}", .path.display())]
    Io {
        /// The directory of the store.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is damaged, or is none of ours.
    #[error("the store {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The directory of the store.
        path: PathBuf,
        /// What the database says.
        source: Box<redb::Error>,
    },
}
