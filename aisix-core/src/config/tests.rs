use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;

use super::*;
use crate::error::{Error, Result};
use crate::resource::{Id, Kind, Row};
use crate::snapshot::{Snapshot, SnapshotHandle};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn row(name: &str, timeout: u64) -> Row {
    let value = json!({
        "display_name": name, "provider": "mock", "model_name": "m", "timeout": timeout,
    });
    Row::new(Kind::Models, id(name), value)
}

/// Says what it is told to, and then nothing.
struct Script(Mutex<Vec<ConfigEvent>>);

impl Script {
    fn new(events: impl IntoIterator<Item = ConfigEvent>) -> Self {
        Self(Mutex::new(events.into_iter().collect()))
    }
}

impl ConfigSource for Script {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        let events = std::mem::take(&mut *self.0.lock().unwrap());
        Box::pin(stream::iter(events).chain(stream::pending()))
    }
}

struct Ended;

impl ConfigSource for Ended {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        Box::pin(stream::iter([ConfigEvent::full(1, vec![])]))
    }
}

fn names(handle: &SnapshotHandle) -> Vec<String> {
    let snapshot = handle.load();
    snapshot
        .models()
        .map(|model| model.name().to_owned())
        .collect()
}

#[tokio::test]
async fn applies_the_first_state_and_then_the_changes() {
    let script = Script::new([
        ConfigEvent::full(5, vec![row("a", 1), row("b", 1)]),
        ConfigEvent::delta(
            6,
            vec![
                Change::Put(row("c", 1)),
                Change::Delete(Kind::Models, id("a")),
            ],
        ),
    ]);
    let handle = SnapshotHandle::default();
    let mut driver = Driver::new(script, handle.clone());
    let status = driver.status();
    assert_eq!(
        (status.connected(), status.applied_revision()),
        (false, None)
    );

    driver.applied().await.unwrap();
    assert_eq!(names(&handle), ["a", "b"]);
    assert_eq!(
        (status.connected(), status.applied_revision()),
        (true, Some(5.into()))
    );
    driver
        .applied()
        .now_or_never()
        .expect("at once the second time")
        .unwrap();

    assert!(
        (&mut driver).now_or_never().is_none(),
        "a driver never ends"
    );
    assert_eq!(names(&handle), ["b", "c"]);
    assert_eq!(status.applied_revision(), Some(6.into()));
    drop(driver);
    assert!(!status.connected());
}

#[tokio::test]
async fn keeps_the_last_state_while_the_source_is_lost() {
    let script = Script::new([
        ConfigEvent::full(5, vec![row("a", 1)]),
        ConfigEvent::lost(Error::config("etcd is away")),
    ]);
    let handle = SnapshotHandle::default();
    let mut driver = Driver::new(script, handle.clone());
    let status = driver.status();
    assert!((&mut driver).now_or_never().is_none());
    assert_eq!(names(&handle), ["a"]);
    assert!(!status.connected());
    assert_eq!(status.last_error().as_deref(), Some("etcd is away"));
    assert_eq!(status.applied_revision(), Some(5.into()));
}

#[tokio::test]
async fn says_why_there_is_no_first_state_and_goes_on_trying() {
    let script = Script::new([
        ConfigEvent::lost(Error::config("no route")),
        ConfigEvent::delta(4, vec![Change::Put(row("ignored", 1))]),
        ConfigEvent::full(5, vec![row("a", 1)]),
    ]);
    let handle = SnapshotHandle::default();
    let mut driver = Driver::new(script, handle.clone());
    let error = driver.applied().await.unwrap_err();
    assert_eq!(error.message(), "no route");
    driver.applied().await.unwrap();
    assert_eq!(names(&handle), ["a"]);
    assert!(driver.status().connected());
}

#[tokio::test]
async fn a_source_that_ends_counts_as_lost() {
    let mut driver = Driver::new(Ended, SnapshotHandle::default());
    driver.applied().await.unwrap();
    assert!((&mut driver).now_or_never().is_none());
    assert!(!driver.status().connected());

    let silent = Script::new([]);
    let mut driver = Driver::new(silent, SnapshotHandle::default());
    assert!(
        driver.applied().now_or_never().is_none(),
        "no limit of its own"
    );
}

#[tokio::test]
async fn applies_a_large_state_in_steps() {
    let rows = (0..1000).map(|n| row(&format!("m{n}"), 1)).collect();
    let script = Script::new([ConfigEvent::full(1, rows)]);
    let handle = SnapshotHandle::default();
    let mut driver = Driver::new(script, handle.clone());
    assert!(
        driver.applied().now_or_never().is_none(),
        "lets others run in between"
    );
    driver.applied().await.unwrap();
    assert_eq!(handle.load().models().len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn frees_old_snapshots_when_the_last_request_has_ended() {
    let store = MemoryStore::new();
    let handle = SnapshotHandle::default();
    let mut driver = Driver::new(store.clone(), handle.clone());
    driver.applied().await.unwrap();
    let held = handle.load();
    store.put(Kind::Models, id("a"), row("a", 1).value);
    let weak = Arc::downgrade(&held);
    let driver = tokio::task::spawn(driver);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(names(&handle), ["a"]);
    drop(held);
    assert!(weak.upgrade().is_some());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(weak.upgrade().is_none());
    driver.abort();
}

#[tokio::test]
async fn a_memory_store_keeps_the_contracts() {
    crate::testing::config_store(MemoryStore::new()).await;
    crate::testing::config_source(MemoryStore::with_rows([row("a", 1), row("b", 1)])).await;
}

#[tokio::test]
async fn a_watcher_that_fell_behind_gets_a_complete_state() {
    let store = MemoryStore::new();
    let mut events = store.watch();
    assert!(matches!(
        events.next().await,
        Some(ConfigEvent::Full { .. })
    ));
    store.put(Kind::Models, id("a"), row("a", 0).value);
    let Some(ConfigEvent::Delta { changes, .. }) = events.next().await else {
        panic!("expected a change");
    };
    assert_eq!(changes[0].id(), &id("a"));
    for n in 0..3000 {
        store.put(Kind::Models, id("a"), row("a", n).value);
    }
    let Some(ConfigEvent::Full { revision, rows }) = events.next().await else {
        panic!("expected a complete state");
    };
    assert_eq!((revision.get(), rows.len()), (3001, 1));
    assert!(events.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn polling_finds_what_has_changed() {
    let answers = [
        Ok(vec![row("a", 1), row("b", 1)]),
        Ok(vec![row("b", 1), row("a", 1)]),
        Ok(vec![row("a", 2), row("c", 1)]),
        Err(Error::config("database is away")),
        Ok(vec![row("c", 1), row("a", 2)]),
    ];
    let answers: Mutex<Vec<Result<Vec<Row>>>> = Mutex::new(answers.into_iter().rev().collect());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let source = PollSource::new(Duration::from_secs(30), move || {
        count.fetch_add(1, Ordering::Relaxed);
        let answer = answers.lock().unwrap().pop();
        async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    });
    let mut events = source.watch();
    assert_eq!(
        asked.load(Ordering::Relaxed),
        0,
        "nothing happens before the first poll"
    );

    let mut snapshot = Snapshot::empty();
    let mut seen = Vec::new();
    for _ in 0..4 {
        match events.next().await.unwrap() {
            ConfigEvent::Full { revision, rows } => snapshot = snapshot.full(revision, rows),
            ConfigEvent::Delta { revision, changes } => {
                seen.push(changes.len());
                snapshot = snapshot.apply(revision, changes);
            }
            ConfigEvent::Lost(_) => seen.push(99),
        }
    }
    assert_eq!(
        seen,
        [3, 99, 0],
        "b deleted, a written, c new; lost; back with nothing new"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    let names: Vec<_> = snapshot.models().map(|model| model.name()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(snapshot.model("a").unwrap().resource().timeout, Some(2));
}

#[tokio::test]
async fn a_poll_source_keeps_the_contract() {
    let source = PollSource::new(Duration::from_millis(5), || async { Ok(vec![row("a", 1)]) });
    crate::testing::config_source(source).await;
}

#[test]
fn a_transaction_does_not_print_documents() {
    let secret = json!({"display_name": "a", "api_key": "sk-hidden"});
    let transaction =
        Transaction::new().put(Kind::ProviderKeys, id("a"), secret, Precondition::Absent);
    assert!(!format!("{transaction:?}").contains("hidden"));
}

#[test]
fn is_to_be_run_as_a_task() {
    fn assert_send<T: Send + Unpin + 'static>(_: &T) {}
    let driver = Driver::new(MemoryStore::new(), SnapshotHandle::default());
    assert_send(&driver);
    assert!(size_of_val(&driver) < 400, "{}", size_of_val(&driver));
}
