use std::fmt;

use serde_json::{Map, Value};

/// What one wire format says beyond the neutral model, kept with the name of that format.
///
/// It holds *fields*, which carry meaning and are written back by the dialect that read them, and
/// *notes*, which record how that dialect spelled what the neutral fields hold (`max_tokens` or
/// `max_completion_tokens`, `null` or nothing) and which every other dialect may ignore.
///
/// An empty one is a null pointer: it costs eight bytes and no allocation.
///
/// ```
/// use aisix_core::conversation::Extra;
///
/// let mut extra = Extra::default();
/// extra.insert("openai.chat", "store", true.into());
///
/// assert_eq!(extra.get("openai.chat", "store"), Some(&true.into()));
/// assert_eq!(extra.get("anthropic.messages", "store"), None);
/// assert_eq!(extra.foreign_to("anthropic.messages").collect::<Vec<_>>(), ["store"]);
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Extra {
    inner: Option<Box<Inner>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    origin: &'static str,
    fields: Map<String, Value>,
    notes: Vec<&'static str>,
}

impl Extra {
    /// Makes one that says where its owner came from, and nothing else yet.
    #[must_use]
    pub fn new(origin: &'static str) -> Self {
        Self::with_fields(origin, Map::new())
    }

    /// Keeps `fields` of `origin`; empty ones leave only the origin.
    #[must_use]
    pub fn with_fields(origin: &'static str, fields: Map<String, Value>) -> Self {
        Self {
            inner: Some(Box::new(Inner {
                origin,
                fields,
                notes: Vec::new(),
            })),
        }
    }

    /// Keeps `fields` of `origin`, or nothing at all when there are none.
    #[must_use]
    pub fn from_rest(origin: &'static str, fields: Map<String, Value>) -> Self {
        if fields.is_empty() {
            Self::default()
        } else {
            Self::with_fields(origin, fields)
        }
    }

    /// The dialect that the fields and notes belong to.
    #[must_use]
    pub fn origin(&self) -> Option<&'static str> {
        self.inner.as_ref().map(|inner| inner.origin)
    }

    /// Whether there is neither a field nor a note.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner
            .as_ref()
            .is_none_or(|inner| inner.fields.is_empty() && inner.notes.is_empty())
    }

    /// The fields, if they are those of `origin`.
    #[must_use]
    pub fn fields(&self, origin: &str) -> Option<&Map<String, Value>> {
        self.of(origin).map(|inner| &inner.fields)
    }

    /// One field of `origin`.
    #[must_use]
    pub fn get(&self, origin: &str, name: &str) -> Option<&Value> {
        self.fields(origin)?.get(name)
    }

    /// Sets one field of `origin`. What another dialect left here is dropped.
    pub fn insert(&mut self, origin: &'static str, name: impl Into<String>, value: Value) {
        self.entry(origin).fields.insert(name.into(), value);
    }

    /// Takes one field of `origin` out.
    pub fn remove(&mut self, origin: &str, name: &str) -> Option<Value> {
        self.inner
            .as_mut()
            .filter(|inner| inner.origin == origin)?
            .fields
            .shift_remove(name)
    }

    /// Records how `origin` spelled its owner.
    pub fn note(&mut self, origin: &'static str, note: &'static str) {
        let inner = self.entry(origin);
        if !inner.notes.contains(&note) {
            inner.notes.push(note);
        }
    }

    /// Whether `origin` left this note.
    #[must_use]
    pub fn has_note(&self, origin: &str, note: &str) -> bool {
        self.of(origin)
            .is_some_and(|inner| inner.notes.contains(&note))
    }

    /// The names of the fields that `dialect` did not read itself and has to map or refuse.
    pub fn foreign_to(&self, dialect: &str) -> impl Iterator<Item = &str> {
        self.inner
            .as_ref()
            .filter(|inner| inner.origin != dialect)
            .into_iter()
            .flat_map(|inner| inner.fields.keys().map(String::as_str))
    }

    fn of(&self, origin: &str) -> Option<&Inner> {
        self.inner.as_deref().filter(|inner| inner.origin == origin)
    }

    fn entry(&mut self, origin: &'static str) -> &mut Inner {
        let foreign = self.origin().is_some_and(|own| own != origin);
        if foreign {
            self.inner = None;
        }
        self.inner.get_or_insert_with(|| {
            Box::new(Inner {
                origin,
                fields: Map::new(),
                notes: Vec::new(),
            })
        })
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Some(inner) => inner.fmt(f),
            None => f.write_str("Extra"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_pointer_wide() {
        assert_eq!(size_of::<Extra>(), size_of::<usize>());
    }

    #[test]
    fn notes_are_not_foreign_fields() {
        let mut extra = Extra::default();
        extra.note("a", "max_tokens");
        assert!(extra.has_note("a", "max_tokens"));
        assert!(!extra.has_note("b", "max_tokens"));
        assert_eq!(extra.foreign_to("b").count(), 0);
    }

    #[test]
    fn a_second_origin_replaces_the_first() {
        let mut extra = Extra::default();
        extra.insert("a", "x", 1.into());
        extra.insert("b", "y", 2.into());
        assert_eq!(extra.get("a", "x"), None);
        assert_eq!(extra.get("b", "y"), Some(&2.into()));
    }
}
