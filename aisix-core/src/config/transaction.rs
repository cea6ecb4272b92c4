use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::Revision;
use crate::resource::{Id, Kind};

/// Writes that happen together or not at all.
///
/// Uniqueness and references hold under concurrent writers when what they were decided on is part
/// of the transaction:
///
/// ```
/// use aisix_core::config::{Precondition, Revision, Transaction};
/// use aisix_core::resource::{Id, Kind};
///
/// // `listed` is the revision at which no model was called `gpt-4o`, and the provider key was there.
/// let listed = Revision::new(41);
/// let model = serde_json::json!({"display_name": "gpt-4o", "provider_key_id": "pk", "model_name": "gpt-4o"});
/// let transaction = Transaction::new()
///     .put(Kind::Models, Id::new("m").unwrap(), model, Precondition::Absent)
///     .unchanged_since(Kind::Models, listed)
///     .check(Kind::ProviderKeys, Id::new("pk").unwrap(), Precondition::Present);
/// assert_eq!(transaction.steps().len(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Transaction {
    steps: Vec<Step>,
}

/// What a row must be like for a [`Transaction`] to happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precondition {
    /// Anything.
    #[default]
    Any,
    /// Not there.
    Absent,
    /// There, in whatever version.
    Present,
    /// There, last written at this revision.
    At(Revision),
}

/// One part of a [`Transaction`].
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Writes a row.
    Put {
        /// The collection of the row.
        kind: Kind,
        /// Its identity there.
        id: Id,
        /// The document.
        value: Value,
        /// What the row must be like before.
        when: Precondition,
    },
    /// Deletes a row; one that is not there is no error, unless `when` demands it.
    Delete {
        /// The collection of the row.
        kind: Kind,
        /// Its identity there.
        id: Id,
        /// What the row must be like before.
        when: Precondition,
    },
    /// Writes nothing, only demands something.
    Check {
        /// The collection of the row.
        kind: Kind,
        /// Its identity there.
        id: Id,
        /// What the row must be like.
        when: Precondition,
    },
    /// Demands that no row of a collection was written after a revision; deletions do not count.
    UnchangedSince {
        /// The collection.
        kind: Kind,
        /// The last revision at which a row may have been written.
        revision: Revision,
    },
}

// === impl Transaction ===

impl Transaction {
    /// Makes a transaction without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a row. In one transaction, each row is written at most once.
    pub fn put(self, kind: Kind, id: Id, value: Value, when: Precondition) -> Self {
        self.with(Step::Put {
            kind,
            id,
            value,
            when,
        })
    }

    /// Deletes a row.
    pub fn delete(self, kind: Kind, id: Id, when: Precondition) -> Self {
        self.with(Step::Delete { kind, id, when })
    }

    /// Demands something of a row that is not written.
    pub fn check(self, kind: Kind, id: Id, when: Precondition) -> Self {
        self.with(Step::Check { kind, id, when })
    }

    /// Demands that no row of `kind` was written after `revision`.
    ///
    /// What was true of all rows when they were listed at that revision is then still true of
    /// those that are left: that none has a certain name, that none refers to a certain row.
    pub fn unchanged_since(self, kind: Kind, revision: Revision) -> Self {
        self.with(Step::UnchangedSince { kind, revision })
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps, in order.
    #[must_use]
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The first row that is written twice, which no store has to accept.
    #[must_use]
    pub fn written_twice(&self) -> Option<(Kind, &Id)> {
        let mut seen = HashSet::new();
        self.steps
            .iter()
            .filter_map(Step::written)
            .find(|row| !seen.insert(*row))
    }

    fn with(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl Extend<Step> for Transaction {
    fn extend<I: IntoIterator<Item = Step>>(&mut self, steps: I) {
        self.steps.extend(steps);
    }
}

// === impl Precondition ===

impl Precondition {
    /// Whether it holds of a row that was last written at `found`, or is not there.
    #[must_use]
    pub fn holds(self, found: Option<Revision>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::At(revision) => found == Some(revision),
        }
    }
}

// === impl Step ===

impl Step {
    /// The row that is written or deleted, if one is.
    #[must_use]
    pub fn written(&self) -> Option<(Kind, &Id)> {
        match self {
            Self::Put { kind, id, .. } | Self::Delete { kind, id, .. } => Some((*kind, id)),
            Self::Check { .. } | Self::UnchangedSince { .. } => None,
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The document may hold a secret.
        match self {
            Self::Put { kind, id, when, .. } => write!(f, "Put({kind}/{id}, {when:?})"),
            Self::Delete { kind, id, when } => write!(f, "Delete({kind}/{id}, {when:?})"),
            Self::Check { kind, id, when } => write!(f, "Check({kind}/{id}, {when:?})"),
            Self::UnchangedSince { kind, revision } => {
                write!(f, "UnchangedSince({kind}, {revision})")
            }
        }
    }
}
