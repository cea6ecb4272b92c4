use std::fmt;

use serde_json::Value;

use super::{Id, Kind, Revision};

/// One document as a source delivers it: not yet looked into.
///
/// `Debug` leaves the document out, since it may hold a secret.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// The collection that the row is in.
    pub kind: Kind,
    /// Its identity there.
    pub id: Id,
    /// The document.
    pub value: Value,
    /// When the row was last written, as far as the source knows.
    pub revision: Revision,
    pub(crate) unreadable: Option<Box<str>>,
}

/// What happened to one row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// It was written: new, or in place of the one with the same identity.
    Put(Row),
    /// It was deleted.
    Delete(Kind, Id),
}

// === impl Row ===

impl Row {
    /// Makes a row whose revision is not known.
    #[must_use]
    pub fn new(kind: Kind, id: Id, value: Value) -> Self {
        Self {
            kind,
            id,
            value,
            revision: Revision::ZERO,
            unreadable: None,
        }
    }

    /// Makes a row of the bytes that a store holds.
    ///
    /// Bytes that are no JSON make a row too, one that is rejected with that reason when it is
    /// applied: a source need not decide what becomes of it.
    ///
    /// ```
    /// use aisix_core::resource::{Id, Kind, Row};
    ///
    /// let row = Row::from_json(Kind::Models, Id::new("1").unwrap(), b"{oops");
    /// assert!(row.unreadable().unwrap().starts_with("not JSON: "));
    /// ```
    #[must_use]
    pub fn from_json(kind: Kind, id: Id, bytes: &[u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(value) => Self::new(kind, id, value),
            Err(error) => Self {
                unreadable: Some(format!("not JSON: {error}").into()),
                ..Self::new(kind, id, Value::Null)
            },
        }
    }

    /// Says when the row was last written.
    #[must_use]
    pub fn at(mut self, revision: Revision) -> Self {
        self.revision = revision;
        self
    }

    /// Why the stored bytes are no document, if they are none.
    #[must_use]
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// The unique name in the document, if it has one: see [`Kind::name_field`].
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.value.get(self.kind.name_field())?.as_str()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

// === impl Change ===

impl Change {
    /// The collection of the row.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Put(row) => row.kind,
            Self::Delete(kind, _) => *kind,
        }
    }

    /// The identity of the row.
    #[must_use]
    pub fn id(&self) -> &Id {
        match self {
            Self::Put(row) => &row.id,
            Self::Delete(_, id) => id,
        }
    }
}
