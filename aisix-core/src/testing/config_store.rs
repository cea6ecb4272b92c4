#![expect(
    clippy::expect_used,
    reason = "a suite panics when the contract is broken"
)]

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use serde_json::{Value, json};

use super::config_source::{assert_distinct, config_source, full, next};
use crate::config::{
    BoxFuture, Change, CommitError, ConfigEvent, ConfigStore, Page, Precondition, Revision,
    Transaction,
};
use crate::resource::{Id, Kind, Row};

/// Checks that a store keeps the contract of [`ConfigStore`], and of
/// [`ConfigSource`](crate::config::ConfigSource).
///
/// The store must be empty and nobody else's. At the end there are some rows left in it.
///
/// ```
/// use aisix_core::config::MemoryStore;
/// use aisix_core::testing;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// testing::config_store(MemoryStore::new()).await;
/// # });
/// ```
///
/// # Panics
///
/// When it does not.
pub async fn config_store(store: impl ConfigStore) {
    let store = Arc::new(store);
    let suite = Suite(Arc::clone(&store));
    suite.reads_what_was_written().await;
    suite.demands_what_a_precondition_says().await;
    suite.lists_in_pages().await;
    suite.commits_whole_or_not_at_all().await;
    suite.notices_other_writers_of_a_collection().await;
    suite.lets_one_of_many_writers_win().await;
    suite.tells_watchers_of_every_commit().await;
    suite.shows_a_new_watcher_the_whole_state().await;
    config_source(store).await;
}

struct Suite<S>(Arc<S>);

type State = BTreeMap<(Kind, Id), (Value, Revision)>;

impl<S: ConfigStore> Suite<S> {
    async fn reads_what_was_written(&self) {
        let id = id("written");
        assert!(self.get(&id).await.is_none());
        let written = self.commit(put(&id, 1, Precondition::Any)).await;
        let row = self.get(&id).await.expect("the row that was written");
        assert_eq!(row.value, model("written", 1));
        assert_eq!(row.revision, written);

        let again = self.commit(put(&id, 2, Precondition::Any)).await;
        assert!(again > written, "revision {again} after {written}");
        let row = self.get(&id).await.expect("the row that was written");
        assert_eq!((row.value, row.revision), (model("written", 2), again));

        let deleted = self.commit(delete(&id, Precondition::Any)).await;
        assert!(deleted > again, "revision {deleted} after {again}");
        assert!(self.get(&id).await.is_none());
        self.commit(delete(&id, Precondition::Any)).await;
    }

    async fn demands_what_a_precondition_says(&self) {
        use Precondition::{Absent, At, Present};

        let id = id("demanded");
        self.refuse(put(&id, 0, Present)).await;
        self.refuse(delete(&id, Present)).await;
        self.refuse(put(&id, 0, At(Revision::new(1)))).await;
        let first = self.commit(put(&id, 1, Absent)).await;
        self.refuse(put(&id, 0, Absent)).await;
        let second = self.commit(put(&id, 2, At(first))).await;
        self.refuse(put(&id, 0, At(first))).await;
        self.refuse(delete(&id, At(first))).await;
        let check = |when| Transaction::new().check(Kind::Models, id.clone(), when);
        self.commit(check(Present)).await;
        self.commit(check(At(second))).await;
        self.refuse(check(Absent)).await;
        let row = self.get(&id).await.expect("the row that was written");
        assert_eq!((row.value, row.revision), (model("demanded", 2), second));
        self.commit(delete(&id, At(second))).await;
        self.commit(check(Absent)).await;
    }

    async fn lists_in_pages(&self) {
        // `page-10` sorts before `page-2`; and other kinds do not get in the way.
        let ids: Vec<_> = ["page-1", "page-10", "page-2", "page-3"].map(id).into();
        for id in ids.iter().rev() {
            self.commit(put(id, 1, Precondition::Absent)).await;
        }
        let key = json!({"display_name": "page"});
        let other =
            Transaction::new().put(Kind::ProviderKeys, ids[0].clone(), key, Precondition::Any);
        let last = self.commit(other).await;

        assert_eq!(self.page(Page::all()).await, ids);
        assert_eq!(self.page(Page::first(2)).await, ids[..2]);
        let rest = Page::first(9).with_after(ids[1].clone());
        assert_eq!(self.page(rest).await, ids[2..]);
        assert!(self.page(Page::all().with_after(id("z"))).await.is_empty());
        let before_all = Page::first(1).with_after(id("a"));
        assert_eq!(self.page(before_all).await, ids[..1]);

        let all = self.0.all().await.expect("all rows");
        assert!(all.revision >= last);
        assert_distinct(&all.rows);
        assert_eq!(all.rows.len(), 5);

        let empty = self.0.list(Kind::Guardrails, Page::all()).await;
        assert!(empty.expect("an empty list").rows.is_empty());
    }

    async fn commits_whole_or_not_at_all(&self) {
        let (a, b) = (id("whole-a"), id("whole-b"));
        let both = |when| {
            Transaction::new()
                .put(Kind::Models, a.clone(), model("a", 1), Precondition::Any)
                .put(Kind::Models, b.clone(), model("b", 1), when)
        };
        self.refuse(both(Precondition::Present)).await;
        assert!(self.get(&a).await.is_none() && self.get(&b).await.is_none());

        let revision = self.commit(both(Precondition::Absent)).await;
        for id in [&a, &b] {
            let row = self.get(id).await.expect("the row that was written");
            assert_eq!(row.revision, revision);
        }

        let twice = both(Precondition::Any).delete(Kind::Models, a.clone(), Precondition::Any);
        let refused = self.0.commit(twice).await;
        assert!(matches!(refused, Err(CommitError::Other(_))), "{refused:?}");
        assert!(self.get(&a).await.is_some());
    }

    async fn notices_other_writers_of_a_collection(&self) {
        let (mine, other) = (id("mine"), id("other"));
        let listed = self.commit(put(&other, 1, Precondition::Any)).await;
        let guarded =
            |n, since| put(&mine, n, Precondition::Any).unchanged_since(Kind::Models, since);
        let own = self.commit(guarded(1, listed)).await;
        self.refuse(guarded(2, listed)).await;
        self.commit(delete(&other, Precondition::Any)).await;
        self.commit(guarded(3, own)).await;
    }

    async fn lets_one_of_many_writers_win(&self) {
        let id = id("counter");
        let mut revision = self.commit(put(&id, 0, Precondition::Any)).await;
        for round in 1..=5 {
            let writers =
                (0..8).map(|_| self.0.commit(put(&id, round, Precondition::At(revision))));
            let results = join(writers.collect()).await;
            let mut won = results.into_iter().filter_map(Result::ok);
            revision = won.next().expect("one writer wins");
            assert_eq!(won.count(), 0, "more than one writer won");
        }
    }

    async fn tells_watchers_of_every_commit(&self) {
        let mut early = self.0.watch();
        let (mut seen, rows) = full(&mut early).await;
        let mut state = state_of(rows);
        let mut last = seen;
        for n in 0..50 {
            let (a, b) = (id(&format!("told-{}", n % 7)), id("told"));
            let transaction = Transaction::new()
                .put(Kind::Models, a.clone(), model("a", n), Precondition::Any)
                .put(Kind::Models, b.clone(), model("b", n), Precondition::Any);
            last = self.commit(transaction).await;
            if n % 5 == 0 {
                last = self.commit(delete(&a, Precondition::Present)).await;
            }
        }
        while seen < last {
            match next(&mut early).await {
                ConfigEvent::Full { revision, rows } => {
                    state = state_of(rows);
                    seen = revision;
                }
                ConfigEvent::Delta { revision, changes } => {
                    assert!(revision >= seen, "revision {revision} after {seen}");
                    changes
                        .into_iter()
                        .for_each(|change| apply(&mut state, change));
                    seen = revision;
                }
                ConfigEvent::Lost(_) => {}
            }
            assert_undivided(&state);
        }
        assert_eq!(state, self.state().await);
    }

    async fn shows_a_new_watcher_the_whole_state(&self) {
        let (_, rows) = full(&mut self.0.watch()).await;
        assert_distinct(&rows);
        assert_eq!(state_of(rows), self.state().await);
    }

    async fn get(&self, id: &Id) -> Option<Row> {
        self.0.get(Kind::Models, id).await.expect("a read")
    }

    async fn page(&self, page: Page) -> Vec<Id> {
        let listing = self.0.list(Kind::Models, page).await.expect("a page");
        listing.rows.into_iter().map(|row| row.id).collect()
    }

    async fn state(&self) -> State {
        state_of(self.0.all().await.expect("all rows").rows)
    }

    async fn commit(&self, transaction: Transaction) -> Revision {
        let shown = format!("{transaction:?}");
        let result = self.0.commit(transaction).await;
        result.unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    async fn refuse(&self, transaction: Transaction) {
        let shown = format!("{transaction:?}");
        match self.0.commit(transaction).await {
            Err(error) if error.is_conflict() => {}
            Err(error) => panic!("{shown} fails for another reason: {error}"),
            Ok(_) => panic!("{shown} happened against its precondition"),
        }
    }
}

fn id(text: &str) -> Id {
    Id::new(text).expect("an id")
}

fn model(name: &str, n: u64) -> Value {
    json!({"display_name": name, "provider": "mock", "model_name": "m", "timeout": n})
}

fn put(id: &Id, n: u64, when: Precondition) -> Transaction {
    Transaction::new().put(Kind::Models, id.clone(), model(id.as_str(), n), when)
}

fn delete(id: &Id, when: Precondition) -> Transaction {
    Transaction::new().delete(Kind::Models, id.clone(), when)
}

fn state_of(rows: Vec<Row>) -> State {
    let mut state = State::new();
    for row in rows {
        apply(&mut state, Change::Put(row));
    }
    state
}

fn apply(state: &mut State, change: Change) {
    match change {
        Change::Put(row) => {
            state.insert((row.kind, row.id), (row.value, row.revision));
        }
        Change::Delete(kind, id) => {
            state.remove(&(kind, id));
        }
    }
}

/// `told` is written together with one of the `told-…`, which may be deleted again after that.
fn assert_undivided(state: &State) {
    let number = |id: &str| {
        let (value, _) = state.get(&(Kind::Models, Id::new(id).ok()?))?;
        value["timeout"].as_u64()
    };
    let Some(together) = number("told") else {
        return;
    };
    let newest = (0..7).filter_map(|n| number(&format!("told-{n}"))).max();
    assert!(
        newest <= Some(together),
        "one half of a commit was shown alone"
    );
}

/// Runs futures side by side.
async fn join<T>(futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut waiting = futures;
    let mut done = Vec::new();
    poll_fn(|cx| {
        waiting.retain_mut(|future| match future.as_mut().poll(cx) {
            Poll::Ready(value) => {
                done.push(value);
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    done
}
