use std::hash::Hash;
use std::sync::Arc;

use rpds::HashTrieMapSync;

use super::Entry;
use crate::resource::{ApiKey, CachePolicy, Guardrail, Id, KeyHash, Model, ProviderKey, Resource};

/// A resource that is known by a unique name.
pub(super) trait Named: Resource {
    /// The name as it is looked up; as it is kept, it is owned.
    type Key: ?Sized + Hash + Eq + ToOwned<Owned: Hash + Eq>;

    fn key(&self) -> &Self::Key;
}

type Owned<R> = <<R as Named>::Key as ToOwned>::Owned;

/// The last good value of every row of one kind, by id and by name.
pub(super) struct Table<R: Named> {
    rows: HashTrieMapSync<Id, Arc<Entry<R>>>,
    claims: HashTrieMapSync<Owned<R>, Claim<R>>,
}

/// Who claims one name: `first` serves, `rest` waits.
pub(super) struct Claim<R> {
    pub(super) first: Arc<Entry<R>>,
    // Rarely anybody: one pointer for every name, rather than two.
    pub(super) rest: Option<Arc<Vec<Arc<Entry<R>>>>>,
}

/// What became of the claims to one name.
pub(super) struct Turn<R> {
    pub(super) before: Option<Claim<R>>,
    pub(super) after: Option<Claim<R>>,
}

// === impl Table ===

impl<R: Named> Table<R> {
    /// How many names are served.
    pub(super) fn len(&self) -> usize {
        self.claims.size()
    }

    /// The row with that id, whether it serves or waits for its name.
    pub(super) fn row(&self, id: &str) -> Option<&Arc<Entry<R>>> {
        self.rows.get(id)
    }

    /// The row with that id, if it serves.
    pub(super) fn serving_row(&self, id: &str) -> Option<&Arc<Entry<R>>> {
        let entry = self.rows.get(id)?;
        self.named(entry.resource().key())
            .filter(|first| Arc::ptr_eq(first, entry))
    }

    /// The row that serves that name.
    pub(super) fn named(&self, key: &R::Key) -> Option<&Arc<Entry<R>>> {
        self.claims.get(key).map(|claim| &claim.first)
    }

    pub(super) fn serving(&self) -> impl Iterator<Item = &Arc<Entry<R>>> {
        self.claims.values().map(|claim| &claim.first)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &Id> {
        self.rows.keys()
    }

    /// Puts a row, in place of the one with the same id.
    pub(super) fn put(&mut self, entry: Entry<R>) -> Vec<Turn<R>> {
        let entry = Arc::new(entry);
        let old = self.rows.get(entry.id().as_str()).map(Arc::clone);
        self.rows.insert_mut(entry.id().clone(), Arc::clone(&entry));
        let mut turns = Vec::with_capacity(1);
        if let Some(old) = old.filter(|old| old.resource().key() != entry.resource().key()) {
            turns.push(self.turn(&old, None));
        }
        turns.push(self.turn(&entry, Some(Arc::clone(&entry))));
        turns
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<(Arc<Entry<R>>, Turn<R>)> {
        let old = Arc::clone(self.rows.get(id)?);
        self.rows.remove_mut(id);
        let turn = self.turn(&old, None);
        Some((old, turn))
    }

    /// Replaces the claim of `whose` to its name by that of `by`, or ends it.
    fn turn(&mut self, whose: &Entry<R>, by: Option<Arc<Entry<R>>>) -> Turn<R> {
        let key = whose.resource().key();
        let before = self.claims.get(key).cloned();
        let after = Claim::among(before.as_ref(), whose.id(), by);
        match &after {
            Some(claim) => self.claims.insert_mut(key.to_owned(), claim.clone()),
            None => {
                self.claims.remove_mut(key);
            }
        }
        Turn { before, after }
    }
}

impl<R: Named> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            claims: self.claims.clone(),
        }
    }
}

impl<R: Named> Default for Table<R> {
    fn default() -> Self {
        Self {
            rows: HashTrieMapSync::new_sync(),
            claims: HashTrieMapSync::new_sync(),
        }
    }
}

// === impl Claim ===

impl<R> Claim<R> {
    /// Those of `before` but the one called `id`, and `by`: the earliest one first.
    fn among(before: Option<&Self>, id: &Id, by: Option<Arc<Entry<R>>>) -> Option<Self> {
        let rivals = before
            .into_iter()
            .flat_map(Self::iter)
            .filter(|entry| entry.id() != id);
        let mut all: Vec<_> = rivals.map(Arc::clone).chain(by).collect();
        if all.len() > 1 {
            all.sort_unstable_by(|a, b| (a.revision(), a.id()).cmp(&(b.revision(), b.id())));
        }
        let mut all = all.into_iter();
        let first = all.next()?;
        let rest = (all.len() > 0).then(|| Arc::new(all.collect()));
        Some(Self { first, rest })
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Entry<R>>> {
        std::iter::once(&self.first).chain(self.waiting())
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &Arc<Entry<R>>> {
        self.rest.iter().flat_map(|rest| rest.iter())
    }
}

impl<R> Clone for Claim<R> {
    fn clone(&self) -> Self {
        Self {
            first: Arc::clone(&self.first),
            rest: self.rest.as_ref().map(Arc::clone),
        }
    }
}

// === impl Turn ===

impl<R> Turn<R> {
    /// The rows that served or serve now.
    pub(super) fn served(&self) -> impl Iterator<Item = &Id> {
        let claims = self.before.iter().chain(&self.after);
        claims.map(|claim| claim.first.id())
    }
}

// === impl Named ===

impl Named for ApiKey {
    type Key = KeyHash;

    fn key(&self) -> &KeyHash {
        &self.key_hash
    }
}

impl Named for Model {
    type Key = str;

    fn key(&self) -> &str {
        &self.display_name
    }
}

impl Named for ProviderKey {
    type Key = str;

    fn key(&self) -> &str {
        &self.display_name
    }
}

impl Named for Guardrail {
    type Key = str;

    fn key(&self) -> &str {
        &self.name
    }
}

impl Named for CachePolicy {
    type Key = str;

    fn key(&self) -> &str {
        &self.name
    }
}
