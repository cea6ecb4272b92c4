use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;

use super::{Change, Revision};
use crate::error::Error;
use crate::resource::Row;

/// An owned stream, on the heap so that its type can be named.
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// Something that says what the gateway is configured with, and what changes.
///
/// # What an implementation keeps
///
/// - The first event of a stream is a [`Full`](ConfigEvent::Full) state at a revision (or
///   [`Lost`](ConfigEvent::Lost), any number of times, until there is one).
/// - Then every change after that revision follows, in order, none lost, forever.
/// - A gap (a compaction, a long outage) shows as a fresh complete state, never as silence.
/// - The stream tries again by itself, with a backoff; it does not end. What has been lost is back
///   with the next `Full` or `Delta`, which may be empty.
/// - Each call of [`watch`](Self::watch) gives a stream of its own. Nothing happens before it is
///   polled.
/// - A row that cannot be read is handed on all the same ([`Row::from_json`]).
///
/// `aisix_core::testing::config_source` checks it (feature `testing`).
pub trait ConfigSource: Send + Sync + 'static {
    /// First a complete state, then every change after it.
    fn watch(&self) -> BoxStream<'static, ConfigEvent>;
}

/// What a [`ConfigSource`] says.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigEvent {
    /// All that there is; what is not in it is gone.
    Full {
        /// The revision of the state.
        revision: Revision,
        /// All rows, each identity once.
        rows: Vec<Row>,
    },
    /// What has changed since the event before; applied as one.
    Delta {
        /// The revision after the changes.
        revision: Revision,
        /// The changes, in order.
        changes: Vec<Change>,
    },
    /// The source is away for now; the last state serves.
    Lost(Error),
}

// === impl ConfigSource ===

impl<T: ConfigSource + ?Sized> ConfigSource for Arc<T> {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        (**self).watch()
    }
}

impl<T: ConfigSource + ?Sized> ConfigSource for Box<T> {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        (**self).watch()
    }
}

// === impl ConfigEvent ===

impl ConfigEvent {
    /// All that there is.
    #[must_use]
    pub fn full(revision: impl Into<Revision>, rows: Vec<Row>) -> Self {
        Self::Full {
            revision: revision.into(),
            rows,
        }
    }

    /// What has changed.
    #[must_use]
    pub fn delta(revision: impl Into<Revision>, changes: Vec<Change>) -> Self {
        Self::Delta {
            revision: revision.into(),
            changes,
        }
    }

    /// The source is away.
    #[must_use]
    pub fn lost(error: Error) -> Self {
        Self::Lost(error)
    }
}
