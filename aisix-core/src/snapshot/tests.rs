use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{AnyCell, Snapshot, SnapshotHandle};
use crate::resource::{Change, Environment, Id, KeyHash, Kind, Revision, Row};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn row(kind: Kind, name: &str, revision: u64, value: Value) -> Row {
    Row::new(kind, id(name), value).at(Revision::new(revision))
}

fn model(name: &str, revision: u64, display_name: &str, provider_key: &str) -> Row {
    let value = json!({
        "display_name": display_name, "model_name": "m", "provider_key_id": provider_key,
    });
    row(Kind::Models, name, revision, value)
}

fn provider_key(name: &str, revision: u64, secret: &str) -> Row {
    let value = json!({"display_name": name, "api_key": secret});
    row(Kind::ProviderKeys, name, revision, value)
}

fn api_key(name: &str, revision: u64, plaintext: &str) -> Row {
    let value = json!({"key_hash": KeyHash::of(plaintext), "allowed_models": ["*"]});
    row(Kind::ApiKeys, name, revision, value)
}

fn put(snapshot: &Snapshot, row: Row) -> Snapshot {
    snapshot.apply(row.revision, vec![Change::Put(row)])
}

fn delete(snapshot: &Snapshot, kind: Kind, name: &str) -> Snapshot {
    snapshot.apply(
        snapshot.revision().next(),
        vec![Change::Delete(kind, id(name))],
    )
}

#[test]
fn finds_keys_by_hash_and_models_by_name() {
    let snapshot = Snapshot::empty().full(
        Revision::new(9),
        vec![
            api_key("k", 1, "sk-1"),
            model("m", 2, "gpt-4o", "pk"),
            provider_key("pk", 3, "sk-up"),
        ],
    );
    assert_eq!(snapshot.revision().get(), 9);
    assert_eq!(snapshot.api_key(&KeyHash::of("sk-1")).unwrap().id(), &"k");
    assert!(snapshot.api_key(&KeyHash::of("sk-2")).is_none());
    let model = snapshot.model("gpt-4o").unwrap();
    assert_eq!(model.provider_key().unwrap().id(), &"pk");
    assert!(snapshot.model("gpt").is_none());
    assert_eq!(snapshot.counts()[&Kind::Models], 1);
    assert!(snapshot.report().is_empty());
}

#[test]
fn the_longest_wildcard_wins_after_the_exact_name() {
    let mut snapshot = Snapshot::empty();
    for (index, name) in ["a/*", "a/b/*", "a/b/c"].into_iter().enumerate() {
        snapshot = put(&snapshot, model(&format!("m{index}"), 1, name, "pk"));
    }
    let found = |snapshot: &Snapshot, name| {
        let model = snapshot.model(name)?;
        Some(model.name().to_owned())
    };
    assert_eq!(found(&snapshot, "a/b/c").as_deref(), Some("a/b/c"));
    assert_eq!(found(&snapshot, "a/b/d").as_deref(), Some("a/b/*"));
    assert_eq!(found(&snapshot, "a/c").as_deref(), Some("a/*"));
    assert_eq!(found(&snapshot, "a/b/").as_deref(), Some("a/*"));
    for none in ["a/", "a", "b/c", "", "/"] {
        assert_eq!(found(&snapshot, none), None, "{none}");
    }
    let names: Vec<_> = snapshot.models().map(|model| model.name()).collect();
    assert_eq!(names, ["a/*", "a/b/*", "a/b/c"]);

    let all = put(&snapshot, model("all", 2, "*", "pk"));
    assert_eq!(found(&all, "b").as_deref(), Some("*"));
    let fewer = delete(&all, Kind::Models, "m1");
    assert_eq!(found(&fewer, "a/b/d").as_deref(), Some("a/*"));
    assert_eq!(fewer.models().len(), 3);
}

#[test]
fn names_the_upstream_model_of_a_wildcard() {
    let name = |display_name: &str, model_name: Option<&str>, asked: &str| {
        let mut value = json!({"display_name": display_name, "provider": "p"});
        if let Some(model_name) = model_name {
            value["model_name"] = model_name.into();
        }
        let snapshot = put(&Snapshot::empty(), row(Kind::Models, "m", 1, value));
        snapshot
            .model(asked)
            .unwrap()
            .upstream_name(asked)
            .into_owned()
    };
    assert_eq!(name("a/*", None, "a/b/c"), "b/c");
    assert_eq!(name("a/*", Some("*"), "a/b"), "b");
    assert_eq!(name("a/*", Some("x-*"), "a/b"), "x-b");
    assert_eq!(name("a/*", Some("fixed"), "a/b"), "fixed");
    assert_eq!(name("a", Some("b"), "a"), "b");
}

#[test]
fn a_rejected_row_keeps_its_last_good_value() {
    let good = put(&Snapshot::empty(), model("m", 1, "gpt-4o", "pk"));
    let bad = row(
        Kind::Models,
        "m",
        2,
        json!({"display_name": "gpt-4o", "timeout": "x"}),
    );
    let after = put(&good, bad);
    assert_eq!(after.model("gpt-4o").unwrap().revision().get(), 1);
    let rejected: Vec<_> = after.report().rejected().collect();
    assert_eq!(rejected.len(), 1);
    assert_eq!(
        (rejected[0].id.as_str(), rejected[0].pointer.as_str()),
        ("m", "/timeout")
    );
    assert_eq!(rejected[0].last_good, Some(Revision::new(1)));

    let broken = put(
        &after,
        Row::from_json(Kind::Models, id("n"), b"{").at(Revision::new(3)),
    );
    let shown = serde_json::to_value(broken.report()).unwrap();
    assert!(
        shown["rejected"][1]["reason"]
            .as_str()
            .unwrap()
            .starts_with("not JSON")
    );
    assert_eq!(shown["rejected"][1]["last_good"], Value::Null);

    let mended = put(&broken, model("m", 4, "gpt-4o", "pk"));
    assert_eq!(mended.report().rejected_len(), 1);
    assert!(delete(&mended, Kind::Models, "n").report().is_empty());
    assert!(broken.full(Revision::new(5), vec![]).report().is_empty());
}

#[test]
fn of_two_rows_with_one_name_the_earlier_one_serves_until_it_goes() {
    let later = put(&Snapshot::empty(), model("b", 2, "same", "pk"));
    let both = put(&later, model("a", 1, "same", "pk"));
    assert_eq!(both.model("same").unwrap().id(), &"a");
    let reasons: Vec<_> = both.report().rejected().collect();
    assert_eq!(
        (reasons[0].id.as_str(), reasons[0].pointer.as_str()),
        ("b", "/display_name")
    );
    assert!(reasons[0].reason.contains("`a`"));
    assert_eq!((both.counts()[&Kind::Models], both.models().len()), (1, 1));

    let renamed = put(&both, model("a", 3, "other", "pk"));
    assert_eq!(renamed.model("same").unwrap().id(), &"b");
    assert!(renamed.report().is_empty());
    let gone = delete(&both, Kind::Models, "a");
    assert_eq!(gone.model("same").unwrap().id(), &"b");
    assert_eq!(
        both.model("same").unwrap().id(),
        &"a",
        "snapshots do not change"
    );
}

#[test]
fn a_provider_key_may_come_later_and_go() {
    let alone = put(&Snapshot::empty(), model("m", 1, "gpt-4o", "pk"));
    assert!(alone.model("gpt-4o").unwrap().provider_key().is_none());
    let linked = put(&alone, provider_key("pk", 2, "sk"));
    let key = |snapshot: &Snapshot| {
        let model = snapshot.model("gpt-4o").unwrap();
        model.provider_key().map(|key| key.revision().get())
    };
    assert_eq!(key(&linked), Some(2));
    assert_eq!(key(&put(&linked, provider_key("pk", 3, "sk"))), Some(3));
    assert_eq!(key(&delete(&linked, Kind::ProviderKeys, "pk")), None);
    assert_eq!(key(&put(&linked, model("m", 4, "gpt-4o", "other"))), None);
}

#[test]
fn state_survives_and_bound_is_fresh_when_what_it_is_derived_from_changes() {
    let first = Snapshot::empty().full(
        Revision::new(1),
        vec![model("m", 1, "gpt-4o", "pk"), provider_key("pk", 1, "sk")],
    );
    let model_of = |snapshot: &Snapshot| Arc::clone(snapshot.model("gpt-4o").unwrap());
    model_of(&first).state().get_or_init(|| 1_u8);
    model_of(&first).bound().get_or_init(|| 1_u8);

    let has = |snapshot: &Snapshot| {
        let model = model_of(snapshot);
        (
            model.state().get::<u8>().is_some(),
            model.bound().get::<u8>().is_some(),
        )
    };
    let same = put(
        &put(&first, model("m", 2, "gpt-4o", "pk")),
        provider_key("pk", 2, "sk"),
    );
    assert_eq!(
        has(&same),
        (true, true),
        "nothing has changed but the revisions"
    );
    let other_key = put(&first, provider_key("pk", 2, "sk-new"));
    assert_eq!(has(&other_key), (true, false));
    let renamed = put(
        &first,
        row(
            Kind::Models,
            "m",
            2,
            json!({
                "display_name": "gpt-4o", "model_name": "n", "provider_key_id": "pk",
            }),
        ),
    );
    assert_eq!(has(&renamed), (true, false));
    let unlinked = delete(&first, Kind::ProviderKeys, "pk");
    assert_eq!(has(&unlinked), (true, false));
    let again = first.full(
        Revision::new(7),
        vec![provider_key("pk", 1, "sk"), model("m", 1, "gpt-4o", "pk")],
    );
    assert_eq!(
        has(&again),
        (true, true),
        "a complete state that says nothing new"
    );
    let recreated = put(
        &delete(&first, Kind::Models, "m"),
        model("m", 3, "gpt-4o", "pk"),
    );
    assert_eq!(has(&recreated), (false, false));
}

#[test]
fn resolves_references_in_credentials_or_rejects_them() {
    let environment = Environment::new(|name| (name == "KEY").then(|| "sk-1".to_owned()));
    let empty = Snapshot::empty().with_environment(environment);
    let secret = |snapshot: &Snapshot| {
        let key = snapshot.provider_key("pk")?.resource().api_key.clone()?;
        Some(key.expose().to_owned())
    };
    let resolved = put(&empty, provider_key("pk", 1, "${KEY}"));
    assert_eq!(secret(&resolved).as_deref(), Some("sk-1"));
    let unset = put(&resolved, provider_key("pk", 2, "${OTHER}"));
    assert_eq!(secret(&unset).as_deref(), Some("sk-1"));
    let rejected = unset.report().rejected().next().unwrap();
    assert_eq!(rejected.pointer, "/api_key");
    assert!(rejected.reason.contains("`OTHER`"));
    let without = put(&Snapshot::empty(), provider_key("pk", 1, "${KEY}"));
    assert_eq!(
        (secret(&without), without.report().rejected_len()),
        (None, 1)
    );
}

#[test]
fn reports_fields_that_nobody_knows() {
    let mut value = json!({"display_name": "a", "provider": "p", "model_name": "m"});
    value["colour"] = "red".into();
    let snapshot = put(&Snapshot::empty(), row(Kind::Models, "m", 1, value));
    assert!(snapshot.model("a").is_some());
    let unknown: Vec<_> = snapshot.report().unknown_fields().collect();
    assert_eq!(
        (unknown[0].id.as_str(), unknown[0].pointer),
        ("m", "/colour")
    );
    assert!(put(&snapshot, model("m", 2, "a", "pk")).report().is_empty());
}

#[test]
fn a_cell_holds_one_value_of_each_type_made_once() {
    let cell = AnyCell::new();
    let made = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let make = || made.fetch_add(1, Ordering::Relaxed);
                assert_eq!(*cell.get_or_init(make), 0);
                // A type of its own may be asked for while another one is made.
                assert_eq!(
                    cell.get_or_init(|| cell.get_or_init(|| 'a').to_string()),
                    "a"
                );
            });
        }
    });
    assert_eq!(made.into_inner(), 1);
    assert_eq!(cell.get::<char>(), Some(&'a'));
    assert_eq!(cell.get::<u8>(), None);
}

#[test]
fn frees_old_snapshots_where_they_are_replaced() {
    let handle = SnapshotHandle::default();
    let held = handle.load();
    handle.store(put(&held, api_key("k", 1, "sk")));
    assert_eq!(handle.sweep(), 1);
    assert_eq!(
        Arc::strong_count(&held),
        2,
        "the last one to let go is not the request"
    );
    drop(held);
    assert_eq!(handle.sweep(), 0);
}

#[tokio::test]
async fn tells_of_each_new_snapshot() {
    let handle = SnapshotHandle::default();
    let mut changes = handle.changes();
    for revision in 1..3 {
        handle.store(put(&handle.load(), api_key("k", revision, "sk")));
        assert_eq!(changes.next().await.revision().get(), revision);
    }
    let next = changes.next();
    let silence = std::time::Duration::from_millis(1);
    assert!(tokio::time::timeout(silence, next).await.is_err());
}

#[test]
fn crosses_threads() {
    fn assert_send_sync<T: Send + Sync + 'static>() {}
    assert_send_sync::<Snapshot>();
    assert_send_sync::<SnapshotHandle>();
    assert_send_sync::<super::ModelEntry>();
}

// === any history ends in the same state ===

/// What a history leaves behind: of each row the last good version, and whether the last one was
/// bad.
type Expected = BTreeMap<(Kind, Id), (Option<Row>, bool)>;

#[derive(Clone, Debug)]
enum Act {
    Changes(Vec<(Draft, bool)>),
    Full(Vec<Draft>),
}

/// A row in few bits: which, and what is in it.
#[derive(Clone, Debug)]
struct Draft {
    kind: usize,
    id: u8,
    name: u8,
    link: u8,
    bad: bool,
}

const NAMES: [&str; 5] = ["n", "v/*", "v/n", "v/w/*", "*"];

fn draft() -> impl Strategy<Value = Draft> {
    (
        0..3_usize,
        0..4_u8,
        0..5_u8,
        0..4_u8,
        prop::bool::weighted(0.15),
    )
        .prop_map(|(kind, id, name, link, bad)| Draft {
            kind,
            id,
            name,
            link,
            bad,
        })
}

fn act() -> impl Strategy<Value = Act> {
    let put_or_delete = (draft(), prop::bool::weighted(0.7));
    prop_oneof![
        4 => prop::collection::vec(put_or_delete, 1..4).prop_map(Act::Changes),
        1 => prop::collection::vec(draft(), 0..10).prop_map(Act::Full),
    ]
}

impl Draft {
    fn row(&self, revision: u64) -> Row {
        let name = NAMES[usize::from(self.name)];
        let id = format!("i{}", self.id);
        let (kind, mut value) = match self.kind {
            0 => (
                Kind::ProviderKeys,
                json!({"display_name": name, "api_key": "k"}),
            ),
            1 => {
                let link = format!("i{}", self.link);
                let value =
                    json!({"display_name": name, "provider_key_id": link, "model_name": "m"});
                (Kind::Models, value)
            }
            _ => (
                Kind::ApiKeys,
                json!({"key_hash": KeyHash::of(name), "allowed_models": []}),
            ),
        };
        if self.bad {
            value[kind.name_field()] = Value::Null;
        }
        row(kind, &id, revision, value)
    }
}

fn expect(expected: &mut Expected, row: Row, bad: bool) {
    let entry = expected.entry((row.kind, row.id.clone())).or_default();
    entry.1 = bad;
    if !bad {
        entry.0 = Some(row);
    }
}

fn play(acts: &[Act]) -> (Snapshot, Expected) {
    let mut snapshot = Snapshot::empty();
    let mut expected = Expected::new();
    for (index, act) in acts.iter().enumerate() {
        let revision = index as u64 / 2 + 1;
        match act {
            Act::Changes(drafts) => {
                let mut changes = Vec::new();
                for (draft, put) in drafts {
                    let row = draft.row(revision);
                    if *put {
                        expect(&mut expected, row.clone(), draft.bad);
                        changes.push(Change::Put(row));
                    } else {
                        expected.remove(&(row.kind, row.id.clone()));
                        changes.push(Change::Delete(row.kind, row.id));
                    }
                }
                snapshot = snapshot.apply(Revision::new(revision), changes);
            }
            Act::Full(drafts) => {
                let rows: BTreeMap<_, _> = drafts
                    .iter()
                    .map(|draft| (draft.row(revision), draft.bad))
                    .map(|(row, bad)| ((row.kind, row.id.clone()), (row, bad)))
                    .collect();
                expected.retain(|key, _| rows.contains_key(key));
                for (row, bad) in rows.values() {
                    expect(&mut expected, row.clone(), *bad);
                }
                let rows = rows.into_values().map(|(row, _)| row).collect();
                snapshot = snapshot.full(Revision::new(revision), rows);
            }
        }
    }
    (snapshot, expected)
}

/// Everything that can be seen of a snapshot's contents.
fn view(snapshot: &Snapshot) -> Vec<String> {
    let mut seen = BTreeSet::new();
    for model in snapshot.models() {
        let key = model.provider_key().map(|key| (key.id(), key.revision()));
        seen.insert(format!("{} {model:?} {key:?}", model.name()));
    }
    for key in snapshot.provider_keys() {
        seen.insert(format!(
            "pk {key:?} {}",
            snapshot.provider_key(key.id()).is_some()
        ));
    }
    for key in snapshot.api_keys() {
        seen.insert(format!("key {key:?}"));
    }
    for name in ["n", "v/n", "v/x", "v/w/x", "v/", "x", "v/*"] {
        let found = snapshot.model(name).map(|model| model.id());
        seen.insert(format!("{name} -> {found:?}"));
    }
    for number in 0..4 {
        let id = format!("i{number}");
        seen.insert(format!("{id} -> {}", snapshot.provider_key(&id).is_some()));
    }
    seen.insert(format!("{:?}", snapshot.counts()));
    seen.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_history_ends_in_the_state_that_a_fresh_list_gives(acts in prop::collection::vec(act(), 1..12)) {
        let (snapshot, expected) = play(&acts);
        let good = expected.values().filter_map(|(row, _)| row.clone()).collect();
        let fresh = Snapshot::empty().full(snapshot.revision(), good);
        prop_assert_eq!(view(&snapshot), view(&fresh));

        let bad = expected.iter().filter(|(_, (_, bad))| *bad).map(|(key, _)| key.clone());
        let waiting = fresh.report().rejected().map(|row| (row.kind, row.id.clone()));
        let rejected: BTreeSet<_> = bad.chain(waiting).collect();
        let reported: Vec<_> =
            snapshot.report().rejected().map(|row| (row.kind, row.id.clone())).collect();
        prop_assert_eq!(snapshot.report().rejected_len(), rejected.len());
        prop_assert_eq!(reported, rejected.into_iter().collect::<Vec<_>>());
    }
}

// === what it costs ===

/// Prints times and sizes; a machine under load must not fail it. Run with
/// `cargo test -p aisix-core --profile release-test -- --nocapture costs`.
#[test]
fn one_changed_key_among_many_costs_little() {
    let many = if cfg!(debug_assertions) {
        5_000
    } else {
        100_000
    };
    let rows = (0..many)
        .map(|n| {
            let value = json!({
                "key_hash": KeyHash::of(format!("sk-{n}")),
                "display_name": format!("key number {n}"),
                "allowed_models": ["gpt-4o", "gpt-4o-mini", "anthropic/*"],
                "rate_limit": {"rpm": 60, "tpm": 100_000},
                "team_id": "team-1", "user_id": format!("user-{n}"),
            });
            row(
                Kind::ApiKeys,
                &format!("00000000-0000-0000-0000-{n:012}"),
                1,
                value,
            )
        })
        .collect::<Vec<_>>();
    let before = resident();
    let snapshot = rows.chunks(1000).fold(Snapshot::empty(), |snapshot, rows| {
        let changes = rows.iter().cloned().map(Change::Put).collect();
        snapshot.apply(Revision::new(1), changes)
    });
    let after = resident();

    let start = now();
    drop(Snapshot::empty().full(Revision::new(1), rows));
    let full = start.elapsed();
    let mut next = snapshot.clone();
    let mut times: Vec<_> = (0..200_u64)
        .map(|n| {
            let name = format!("00000000-0000-0000-0000-{:012}", n * 97 % 5_000);
            let row = api_key(&name, n + 2, &format!("new-{n}"));
            let start = now();
            next = put(&next, row);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let (one, slowest) = (times[100], times[199]);
    let hash = KeyHash::of("sk-42");
    let start = now();
    for _ in 0..10_000 {
        assert!(
            std::hint::black_box(&snapshot)
                .api_key(std::hint::black_box(&hash))
                .is_some()
        );
    }
    let lookup = start.elapsed() / 10_000;
    println!(
        "{many} keys: complete state {full:?}, one change {one:?} (at most {slowest:?}), lookup {lookup:?}, {} bytes a key",
        after.saturating_sub(before) / many
    );
    assert_eq!(next.counts()[&Kind::ApiKeys], many);
}

fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// The memory of the process in bytes; 0 where nobody says.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
