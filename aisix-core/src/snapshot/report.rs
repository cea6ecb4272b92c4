use std::fmt;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::table::Turn;
use crate::resource::{Id, Invalid, Kind, Revision};

/// What is wrong with the rows of a source, for `/status/config`.
#[derive(Clone)]
pub struct Report {
    invalid: RedBlackTreeMapSync<(Kind, Id), Arc<Rejected>>,
    waiting: RedBlackTreeMapSync<(Kind, Id), Arc<Rejected>>,
    unknown: RedBlackTreeMapSync<(Kind, Id), Arc<[String]>>,
}

/// A row that does not serve as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rejected {
    /// The collection of the row.
    pub kind: Kind,
    /// Its identity there.
    pub id: Id,
    /// The JSON pointer of what is wrong; empty for the whole document.
    pub pointer: String,
    /// Why it is wrong.
    pub reason: String,
    /// When the rejected row was written.
    pub revision: Revision,
    /// When the value was written that serves in its place, if there is one.
    pub last_good: Option<Revision>,
}

/// A field that nobody knows, in a row that serves all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnknownField<'a> {
    /// The collection of the row.
    pub kind: Kind,
    /// Its identity there.
    pub id: &'a Id,
    /// The JSON pointer of the field.
    pub pointer: &'a str,
}

// === impl Report ===

impl Report {
    /// The rows that are rejected, by kind and id.
    pub fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        let waiting = self
            .waiting
            .iter()
            .filter(|(key, _)| !self.invalid.contains_key(key));
        let mut all: Vec<_> = self.invalid.iter().chain(waiting).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all.into_iter().map(|(_, rejected)| &**rejected)
    }

    /// How many rows are rejected.
    #[must_use]
    pub fn rejected_len(&self) -> usize {
        let both = |key: &&(Kind, Id)| !self.invalid.contains_key(*key);
        self.invalid.size() + self.waiting.keys().filter(both).count()
    }

    /// The fields that nobody knows, by kind and id of their row.
    pub fn unknown_fields(&self) -> impl Iterator<Item = UnknownField<'_>> {
        self.unknown.iter().flat_map(|((kind, id), pointers)| {
            pointers.iter().map(|pointer| UnknownField {
                kind: *kind,
                id,
                pointer,
            })
        })
    }

    /// Whether there is nothing to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.invalid.is_empty() && self.waiting.is_empty() && self.unknown.is_empty()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &(Kind, Id)> {
        self.invalid.keys()
    }

    pub(super) fn reject(
        &mut self,
        kind: Kind,
        id: &Id,
        revision: Revision,
        invalid: &Invalid,
        last_good: Option<Revision>,
    ) {
        tracing::warn!(%kind, %id, %revision, reason = %invalid, "row rejected");
        let rejected = Rejected {
            kind,
            id: id.clone(),
            pointer: invalid.pointer().to_owned(),
            reason: invalid.reason().to_owned(),
            revision,
            last_good,
        };
        self.invalid
            .insert_mut((kind, id.clone()), Arc::new(rejected));
    }

    pub(super) fn accept(&mut self, kind: Kind, id: &Id, unknown: Vec<String>) {
        let clean = unknown.is_empty();
        if clean && self.invalid.is_empty() && self.unknown.is_empty() {
            return;
        }
        let key = (kind, id.clone());
        self.invalid.remove_mut(&key);
        if clean {
            self.unknown.remove_mut(&key);
        } else {
            self.unknown.insert_mut(key, unknown.into());
        }
    }

    pub(super) fn forget(&mut self, kind: Kind, id: &Id) {
        self.accept(kind, id, Vec::new());
    }

    /// Notes who waits for a name now, and who no longer does.
    pub(super) fn turn<R>(&mut self, kind: Kind, turn: &Turn<R>) {
        for entry in turn.before.iter().flat_map(|claim| claim.waiting()) {
            self.waiting.remove_mut(&(kind, entry.id().clone()));
        }
        let Some(after) = &turn.after else { return };
        for entry in after.waiting() {
            let key = (kind, entry.id().clone());
            let rejected = Rejected {
                kind,
                id: entry.id().clone(),
                pointer: format!("/{}", kind.name_field()),
                reason: format!("`{}` has the same one and serves", after.first.id()),
                revision: entry.revision(),
                last_good: None,
            };
            self.waiting.insert_mut(key, Arc::new(rejected));
        }
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            invalid: RedBlackTreeMapSync::new_sync(),
            waiting: RedBlackTreeMapSync::new_sync(),
            unknown: RedBlackTreeMapSync::new_sync(),
        }
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rejected: Vec<_> = self.rejected().collect();
        let unknown: Vec<_> = self.unknown_fields().collect();
        let mut report = serializer.serialize_struct("Report", 2)?;
        report.serialize_field("rejected", &rejected)?;
        report.serialize_field("unknown_fields", &unknown)?;
        report.end()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("rejected", &self.rejected().collect::<Vec<_>>())
            .field("unknown_fields", &self.unknown_fields().collect::<Vec<_>>())
            .finish()
    }
}
