use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::{ConfigEvent, ConfigSource, Revision, Transaction};
use crate::error::{Error, Result};
use crate::resource::{Id, Kind, Row};

/// An owned future, on the heap so that its type can be named.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`ConfigSource`] that can be written to.
///
/// # What an implementation keeps
///
/// - Each commit has a revision of its own, greater than those before it, and reaches a watcher
///   undivided, in one event.
/// - A commit happens whole or not at all; its preconditions hold at the moment when it happens,
///   whoever else writes.
/// - A read sees every commit that was answered before it.
///
/// `aisix_core::testing::config_store` checks it (feature `testing`).
pub trait ConfigStore: ConfigSource {
    /// One row, if it is there.
    fn get<'a>(&'a self, kind: Kind, id: &'a Id) -> BoxFuture<'a, Result<Option<Row>>>;

    /// The rows of a kind by id, a page at a time, at one revision.
    fn list(&self, kind: Kind, page: Page) -> BoxFuture<'_, Result<Listing>>;

    /// The rows of every kind, by kind and id, at one revision.
    fn all(&self) -> BoxFuture<'_, Result<Listing>>;

    /// Writes; gives the revision of the commit.
    ///
    /// A transaction without steps changes nothing and gives the current revision.
    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>>;
}

/// Which part of a list to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Only rows whose id is greater.
    pub after: Option<Id>,
    /// Only so many.
    pub limit: Option<usize>,
}

/// Rows, and the revision of the store when they were read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Listing {
    /// The revision of the store.
    pub revision: Revision,
    /// The rows, each with the revision at which it was last written.
    pub rows: Vec<Row>,
}

/// Why a commit did not happen.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommitError {
    /// A precondition did not hold.
    Conflict(Conflict),
    /// The store failed; whether the commit happened may be unknown.
    Other(Error),
}

/// The precondition that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The collection that it is about.
    pub kind: Kind,
    /// The row that it is about; `None` for a whole collection, or where the store cannot tell.
    pub id: Option<Id>,
}

// === impl ConfigStore ===

#[deny(clippy::missing_trait_methods)]
impl<T: ConfigStore + ?Sized> ConfigStore for Arc<T> {
    fn get<'a>(&'a self, kind: Kind, id: &'a Id) -> BoxFuture<'a, Result<Option<Row>>> {
        (**self).get(kind, id)
    }

    fn list(&self, kind: Kind, page: Page) -> BoxFuture<'_, Result<Listing>> {
        (**self).list(kind, page)
    }

    fn all(&self) -> BoxFuture<'_, Result<Listing>> {
        (**self).all()
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        (**self).commit(transaction)
    }
}

// === impl Page ===

impl Page {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The first `limit` rows.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self::default().with_limit(limit)
    }

    /// Begins after the row with that id.
    #[must_use]
    pub fn with_after(mut self, id: Id) -> Self {
        self.after = Some(id);
        self
    }

    /// Reads at most so many rows.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

// === impl Listing ===

impl Listing {
    /// Rows as they were at a revision.
    #[must_use]
    pub fn new(revision: Revision, rows: Vec<Row>) -> Self {
        Self { revision, rows }
    }

    /// The rows as the first event of a source.
    #[must_use]
    pub fn into_event(self) -> ConfigEvent {
        ConfigEvent::full(self.revision, self.rows)
    }
}

// === impl CommitError ===

impl CommitError {
    /// The precondition on one row did not hold.
    #[must_use]
    pub fn conflict(kind: Kind, id: Option<Id>) -> Self {
        Self::Conflict(Conflict { kind, id })
    }

    /// Whether a precondition did not hold, so that reading again and trying again may help.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(Conflict { kind, id: Some(id) }) => {
                write!(f, "`{kind}/{id}` is not as the transaction demands")
            }
            Self::Conflict(Conflict { kind, id: None }) => {
                write!(f, "`{kind}` has changed meanwhile")
            }
            Self::Other(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Conflict(_) => None,
            Self::Other(error) => Some(error),
        }
    }
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}
