use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::unfold::unfold;
use super::{
    BoxFuture, BoxStream, Change, CommitError, ConfigEvent, ConfigSource, ConfigStore, Listing,
    Page, Precondition, Revision, Step, Transaction,
};
use crate::error::{Error, Result};
use crate::resource::{Id, Kind, Row};

/// A store in memory: for tests, and for hosts that configure in code.
///
/// Cheap to clone; all clones are the same store. Nothing outlives the process.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    revision: watch::Sender<Revision>,
}

#[derive(Default)]
struct State {
    revision: Revision,
    rows: BTreeMap<(Kind, Id), Row>,
    /// The latest commits, one for each revision. A stream that has fallen further behind gets a
    /// complete state.
    log: VecDeque<(Revision, Vec<Change>)>,
}

const LOG_LEN: usize = 1024;

// === impl MemoryStore ===

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a store of these rows, as if written in one commit.
    #[must_use]
    pub fn with_rows(rows: impl IntoIterator<Item = Row>) -> Self {
        let store = Self::new();
        let changes = rows.into_iter().map(Change::Put).collect();
        store.shared.write(&mut store.shared.state(), changes);
        store
    }

    /// Adds a row, for configurations that are written in code.
    ///
    /// ```
    /// use aisix_core::config::MemoryStore;
    /// use aisix_core::resource::Kind;
    /// use serde_json::json;
    ///
    /// let model = json!({"display_name": "demo", "provider": "mock", "model_name": "echo"});
    /// let store = MemoryStore::new().with(Kind::Models, "demo", model);
    /// # drop(store);
    /// ```
    ///
    /// # Panics
    ///
    /// `id` is no [`Id`].
    #[must_use]
    #[track_caller]
    #[expect(
        clippy::expect_used,
        reason = "an id that is written in code is a constant"
    )]
    pub fn with(self, kind: Kind, id: &str, value: Value) -> Self {
        self.put(kind, Id::new(id).expect("a valid id"), value);
        self
    }

    /// Writes one row, whatever is there.
    #[expect(clippy::must_use_candidate, reason = "called for what it does")]
    pub fn put(&self, kind: Kind, id: Id, value: Value) -> Revision {
        let change = Change::Put(Row::new(kind, id, value));
        self.shared.write(&mut self.shared.state(), vec![change])
    }

    /// Deletes one row, if it is there.
    #[expect(clippy::must_use_candidate, reason = "called for what it does")]
    pub fn delete(&self, kind: Kind, id: Id) -> Revision {
        let change = Change::Delete(kind, id);
        self.shared.write(&mut self.shared.state(), vec![change])
    }

    fn try_commit(&self, transaction: Transaction) -> Result<Revision, CommitError> {
        if let Some((kind, id)) = transaction.written_twice() {
            let message = format!("`{kind}/{id}` is written twice in one transaction");
            return Err(Error::config(message).into());
        }
        let mut state = self.shared.state();
        for step in transaction.steps() {
            state.demand(step)?;
        }
        if transaction.is_empty() {
            return Ok(state.revision);
        }
        let changes = transaction.into_steps().into_iter().filter_map(change);
        Ok(self.shared.write(&mut state, changes.collect()))
    }
}

impl ConfigSource for MemoryStore {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        let shared = Arc::clone(&self.shared);
        let revisions = shared.revision.subscribe();
        Box::pin(unfold((shared, revisions, None), next))
    }
}

impl ConfigStore for MemoryStore {
    fn get<'a>(&'a self, kind: Kind, id: &'a Id) -> BoxFuture<'a, Result<Option<Row>>> {
        let row = self.shared.state().rows.get(&(kind, id.clone())).cloned();
        Box::pin(std::future::ready(Ok(row)))
    }

    fn list(&self, kind: Kind, page: Page) -> BoxFuture<'_, Result<Listing>> {
        let listing = self.shared.state().list(kind, page);
        Box::pin(std::future::ready(Ok(listing)))
    }

    fn all(&self) -> BoxFuture<'_, Result<Listing>> {
        let listing = self.shared.state().all();
        Box::pin(std::future::ready(Ok(listing)))
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move { self.try_commit(transaction) })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        f.debug_struct("MemoryStore")
            .field("revision", &state.revision)
            .field("rows", &state.rows.len())
            .finish()
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, state: &mut State, mut changes: Vec<Change>) -> Revision {
        let revision = state.revision.next();
        state.revision = revision;
        for change in &mut changes {
            match change {
                Change::Put(row) => {
                    row.revision = revision;
                    state.rows.insert((row.kind, row.id.clone()), row.clone());
                }
                Change::Delete(kind, id) => {
                    state.rows.remove(&(*kind, id.clone()));
                }
            }
        }
        state.log.push_back((revision, changes));
        if state.log.len() > LOG_LEN {
            state.log.pop_front();
        }
        self.revision.send_replace(revision);
        revision
    }
}

// === impl State ===

impl State {
    fn demand(&self, step: &Step) -> Result<(), CommitError> {
        let (kind, id, when) = match step {
            Step::Put { kind, id, when, .. }
            | Step::Delete { kind, id, when }
            | Step::Check { kind, id, when } => (*kind, id, *when),
            Step::UnchangedSince { kind, revision } => {
                return self.demand_unchanged(*kind, *revision);
            }
        };
        let found = match when {
            Precondition::Any => None,
            _ => self.rows.get(&(kind, id.clone())).map(|row| row.revision),
        };
        if when.holds(found) {
            Ok(())
        } else {
            Err(CommitError::conflict(kind, Some(id.clone())))
        }
    }

    fn demand_unchanged(&self, kind: Kind, revision: Revision) -> Result<(), CommitError> {
        let mut rows = self.rows.values().filter(|row| row.kind == kind);
        match rows.any(|row| row.revision > revision) {
            true => Err(CommitError::conflict(kind, None)),
            false => Ok(()),
        }
    }

    fn list(&self, kind: Kind, page: Page) -> Listing {
        // No id sorts before the first one, so that a kind without an id to begin after needs a
        // filter and not a bound.
        let from = match page.after {
            Some(after) => Bound::Excluded((kind, after)),
            None => Bound::Unbounded,
        };
        let rows = self.rows.range((from, Bound::Unbounded));
        let rows = rows
            .map(|(_, row)| row)
            .filter(|row| row.kind == kind)
            .take(page.limit.unwrap_or(usize::MAX))
            .cloned();
        Listing::new(self.revision, rows.collect())
    }

    fn all(&self) -> Listing {
        Listing::new(self.revision, self.rows.values().cloned().collect())
    }

    /// What a stream that has seen `last` is to be told next.
    fn after(&self, last: Option<Revision>) -> Option<ConfigEvent> {
        let Some(last) = last else {
            return Some(self.all().into_event());
        };
        if last >= self.revision {
            return None;
        }
        let behind = self.revision.get() - last.get();
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        let event = match self.log.len().checked_sub(behind) {
            Some(index) => {
                let (revision, changes) = self.log.get(index)?;
                ConfigEvent::delta(*revision, changes.clone())
            }
            None => self.all().into_event(),
        };
        Some(event)
    }
}

type Watch = (Arc<Shared>, watch::Receiver<Revision>, Option<Revision>);

async fn next((shared, mut revisions, last): Watch) -> (ConfigEvent, Watch) {
    loop {
        revisions.mark_unchanged();
        let event = shared.state().after(last);
        if let Some(event) = event {
            let (ConfigEvent::Full { revision, .. } | ConfigEvent::Delta { revision, .. }) = event
            else {
                continue;
            };
            return (event, (shared, revisions, Some(revision)));
        }
        // Fails only without a sender, which `shared` holds.
        if revisions.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn change(step: Step) -> Option<Change> {
    match step {
        Step::Put {
            kind, id, value, ..
        } => Some(Change::Put(Row::new(kind, id, value))),
        Step::Delete { kind, id, .. } => Some(Change::Delete(kind, id)),
        Step::Check { .. } | Step::UnchangedSince { .. } => None,
    }
}
