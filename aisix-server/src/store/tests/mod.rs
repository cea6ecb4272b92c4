//! What the store promises, on a real disk.

mod contract;
mod export;
mod kill;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aisix_core::config::Change;
use aisix_core::config::ConfigEvent;
use aisix_core::config::ConfigSource;
use aisix_core::config::ConfigStore;
use aisix_core::config::Page;
use aisix_core::config::Precondition;
use aisix_core::config::Revision;
use aisix_core::config::Transaction;
use aisix_core::resource::Id;
use aisix_core::resource::Kind;
use futures_util::FutureExt;
use futures_util::StreamExt;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::EmbeddedStore;
use super::OpenError;

#[tokio::test]
async fn keeps_rows_and_revisions_when_it_is_opened_again() {
    let (directory, store) = store();
    assert_eq!(store.revision(), Revision::ZERO);
    let first = store.commit(put("a", 1, Precondition::Absent)).await;
    let second = store
        .commit(put("b", 2, Precondition::Absent))
        .await
        .unwrap();
    let before = store.all().await.unwrap();
    drop(store);

    let store = EmbeddedStore::open(directory.path()).unwrap();
    assert_eq!(store.revision(), second);
    assert_eq!(store.all().await.unwrap(), before);
    assert_eq!(before.rows[0].revision, first.unwrap());
    let stale = store
        .commit(put("b", 3, Precondition::At(Revision::new(1))))
        .await;
    assert!(stale.unwrap_err().is_conflict());
    let third = store.commit(put("b", 3, Precondition::At(second))).await;
    assert_eq!(third.unwrap(), Revision::new(3));
}

#[tokio::test]
async fn keeps_a_document_as_it_was_written() {
    let (_directory, store) = store();
    let document =
        json!({"z": 1, "a": 0.1, "ä": "\u{2028}\"\\", "n": [null, -0.0, 1e300, u64::MAX]});
    let id = id("d");
    let write = Transaction::new().put(
        Kind::Models,
        id.clone(),
        document.clone(),
        Precondition::Any,
    );
    store.commit(write).await.unwrap();
    let row = store.get(Kind::Models, &id).await.unwrap().unwrap();
    assert_eq!(row.value.to_string(), document.to_string());
}

#[tokio::test]
async fn one_at_a_time_has_it_open() {
    let (directory, store) = store();
    let clone = store.clone();
    drop(store);

    let refused = EmbeddedStore::open(directory.path()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    let line = refused.to_string();
    let path = directory.path().display();
    assert_eq!(
        line,
        format!("the store {path} is in use by another process")
    );

    drop(clone);
    EmbeddedStore::open(directory.path()).unwrap();
}

#[tokio::test]
async fn only_its_owner_may_look_into_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("var/data");
    let store = EmbeddedStore::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    for file in ["aisix.redb", "aisix.lock"] {
        assert_eq!(mode(&path.join(file)), 0o600, "{file}");
    }
    drop(store);

    let database = path.join("aisix.redb");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
    EmbeddedStore::open(&path).unwrap();
    assert_eq!(mode(&database), 0o600);
}

#[test]
fn finishes_a_database_whose_making_was_cut_short() {
    for length in [1, 8, 9, 4096, 1 << 20] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("aisix.redb"), vec![0; length]).unwrap();
        let store = EmbeddedStore::open(directory.path()).unwrap();
        assert_eq!(store.revision(), Revision::ZERO);
    }
}

#[test]
fn touches_no_file_that_is_none_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("aisix.redb");
    fs::write(&file, "the only copy of my thesis").unwrap();
    let refused = EmbeddedStore::open(directory.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Unreadable { .. }), "{refused}");
    assert_eq!(refused.to_string().lines().count(), 1);
    assert_eq!(fs::read(file).unwrap(), b"the only copy of my thesis");
}

#[test]
fn refuses_a_format_of_later_times() {
    let directory = tempfile::tempdir().unwrap();
    drop(EmbeddedStore::open(directory.path()).unwrap());
    let database = redb::Database::open(directory.path().join("aisix.redb")).unwrap();
    let write = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    write.open_table(meta).unwrap().insert("format", 2).unwrap();
    write.commit().unwrap();
    drop(database);

    let refused = EmbeddedStore::open(directory.path()).unwrap_err();
    assert!(
        matches!(refused, OpenError::Newer { format: 2, .. }),
        "{refused}"
    );
}

#[test]
fn says_what_is_wrong_with_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    let refused = EmbeddedStore::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Io { .. }));
    assert!(
        refused
            .to_string()
            .starts_with(&format!("the store {} cannot", path.display()))
    );
}

#[tokio::test]
async fn tells_each_commit_to_one_who_keeps_up() {
    let (_directory, store) = store();
    let mut events = store.watch();
    store.commit(put("a", 1, Precondition::Any)).await.unwrap();
    // Nothing happens before a stream is polled.
    let Some(ConfigEvent::Full { revision, rows }) = events.next().await else {
        panic!("a complete state first");
    };
    assert_eq!((revision, rows.len()), (Revision::new(1), 1));
    assert!(events.next().now_or_never().is_none());

    for n in 2..20 {
        let write = put("a", n, Precondition::Any).delete(Kind::Models, id("b"), Precondition::Any);
        store.commit(write).await.unwrap();
    }
    for n in 2..20 {
        let Some(ConfigEvent::Delta { revision, changes }) = events.next().await else {
            panic!("a delta for commit {n}");
        };
        assert_eq!(revision, Revision::new(n));
        let [Change::Put(row), Change::Delete(Kind::Models, _)] = &changes[..] else {
            panic!("{changes:?}");
        };
        assert_eq!((row.revision, &row.value["n"]), (revision, &json!(n)));
    }
    assert!(events.next().now_or_never().is_none());
}

#[tokio::test]
async fn shows_the_whole_state_to_one_who_fell_far_behind() {
    let (_directory, store) = store();
    let mut events = store.watch();
    events.next().await.unwrap();
    store.commit(many(0..3000)).await.unwrap();
    store.commit(many(0..3000)).await.unwrap();

    let Some(ConfigEvent::Full { revision, rows }) = events.next().await else {
        panic!("a complete state");
    };
    assert_eq!((revision, rows.len()), (Revision::new(2), 3000));
}

#[tokio::test]
async fn commits_also_when_nobody_waits_for_the_answer() {
    let (_directory, store) = store();
    assert!(
        store
            .commit(put("a", 1, Precondition::Any))
            .now_or_never()
            .is_none()
    );
    let mut events = store.watch();
    while store.get(Kind::Models, &id("a")).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    events.next().await.unwrap();
}

#[tokio::test]
async fn pages_through_many_rows_at_one_revision() {
    let (_directory, store) = store();
    store.commit(many(0..250)).await.unwrap();
    let mut page = Page::first(100);
    let mut seen = Vec::new();
    loop {
        let listing = store.list(Kind::Models, page).await.unwrap();
        let Some(last) = listing.rows.last() else {
            break;
        };
        page = Page::first(100).with_after(last.id.clone());
        seen.extend(listing.rows.into_iter().map(|row| row.id));
    }
    assert_eq!(seen.len(), 250);
    assert!(seen.is_sorted());
}

#[test]
fn its_debug_output_holds_no_rows() {
    let (_directory, store) = store();
    let text = format!("{store:?}");
    assert!(
        text.contains("revision") && !text.contains("disk"),
        "{text}"
    );
}

#[tokio::test]
async fn opens_with_ten_thousand_rows() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    store.commit(many(0..10_000)).await.unwrap();
    drop(store);

    let began = std::time::Instant::now();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    println!("opened in {:?}", began.elapsed());
    let began = std::time::Instant::now();
    let rows = store.all().await.unwrap().rows;
    println!("{} rows read in {:?}", rows.len(), began.elapsed());
    assert_eq!(rows.len(), 10_000);
}

fn store() -> (TempDir, EmbeddedStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    (directory, store)
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn put(name: &str, n: u64, when: Precondition) -> Transaction {
    Transaction::new().put(Kind::Models, id(name), model(name, n), when)
}

fn many(range: std::ops::Range<u64>) -> Transaction {
    range.fold(Transaction::new(), |transaction, n| {
        let name = format!("model-{n}");
        transaction.put(Kind::Models, id(&name), model(&name, n), Precondition::Any)
    })
}

fn model(name: &str, n: u64) -> Value {
    json!({"display_name": name, "provider": "mock", "model_name": "demo", "n": n})
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
