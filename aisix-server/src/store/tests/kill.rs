//! What is left after `kill -9`. A process that is killed is this test program, told by
//! [`DIRECTORY`] to be one.

use std::env;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use aisix_core::config::ConfigStore;
use aisix_core::config::Precondition;
use aisix_core::config::Transaction;
use aisix_core::resource::Kind;
use aisix_core::resource::Row;

use super::EmbeddedStore;
use super::id;
use super::model;

const DIRECTORY: &str = "AISIX_TEST_STORE_TO_COMMIT_TO";
const ACKNOWLEDGED: &str = "acknowledged ";

/// So many rows are written by each commit.
const WIDTH: u64 = 5;

#[tokio::test]
async fn holds_every_acknowledged_commit_and_none_half_after_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..8 {
        let acknowledged = commit_until_killed(directory.path(), last, round);
        let store = EmbeddedStore::open(directory.path()).unwrap();
        let revision = store.revision().get();
        // The commit under way when the process was killed may have happened too.
        let expected = acknowledged..=acknowledged + 1;
        assert!(
            expected.contains(&revision),
            "{revision} is not in {expected:?}"
        );
        assert!(acknowledged >= last + 3, "{acknowledged} after {last}");
        assert_undivided(&store.all().await.unwrap().rows, revision);
        last = revision;
    }
}

#[test]
fn is_free_again_once_its_owner_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, mut lines) = start(directory.path());
    lines.next().unwrap();
    let refused = EmbeddedStore::open(directory.path()).unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("is in use by another process")
    );
    child.kill().unwrap();
    child.wait().unwrap();
    EmbeddedStore::open(directory.path()).unwrap();
}

/// Runs when the test above starts this program again, and at no other time.
#[tokio::test]
async fn commits_until_it_is_killed() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        return;
    };
    let store = EmbeddedStore::open(Path::new(&directory)).unwrap();
    loop {
        let n = store.revision().get() + 1;
        let once = id(&format!("once-{n}"));
        let write = (0..WIDTH).fold(Transaction::new(), |transaction, at| {
            let name = format!("each-{at}");
            transaction.put(Kind::Models, id(&name), model(&name, n), Precondition::Any)
        });
        let write = write.put(
            Kind::Guardrails,
            once,
            model("once", n),
            Precondition::Absent,
        );
        assert_eq!(store.commit(write).await.unwrap().get(), n);
        writeln!(std::io::stdout(), "{ACKNOWLEDGED}{n}").unwrap();
    }
}

/// Starts a process that commits, kills it in the middle of that, and returns the last commit that
/// it was told has happened.
fn commit_until_killed(directory: &Path, last: u64, round: u64) -> u64 {
    let (mut child, mut lines) = start(directory);
    let enough = last + 3 + 5 * round;
    let mut acknowledged = last;
    while acknowledged < enough {
        acknowledged = lines.next().expect("a process that lives");
    }
    // Somewhere within a commit, and each time somewhere else.
    std::thread::sleep(Duration::from_micros(130 * round));
    child.kill().unwrap();
    child.wait().unwrap();
    lines.last().unwrap_or(acknowledged)
}

fn start(directory: &Path) -> (Child, impl Iterator<Item = u64>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "store::tests::kill::commits_until_it_is_killed"])
        .args(["--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged = lines.filter_map(|line| {
        let line = line.unwrap();
        // The first line may begin with the name of the test.
        let (_, n) = line.split_once(ACKNOWLEDGED)?;
        n.parse().ok()
    });
    (child, acknowledged)
}

/// Each commit up to `revision` is there with all its rows, and nothing of a later one.
fn assert_undivided(rows: &[Row], revision: u64) {
    let of = |kind| rows.iter().filter(move |row| row.kind == kind);
    assert_eq!(of(Kind::Models).count() as u64, WIDTH);
    for row in of(Kind::Models) {
        assert_eq!(row.value["n"], revision, "{row:?}");
        assert_eq!(row.revision.get(), revision, "{row:?}");
    }
    let mut once: Vec<_> = of(Kind::Guardrails)
        .map(|row| row.value["n"].as_u64())
        .collect();
    once.sort_unstable();
    assert_eq!(once, (1..=revision).map(Some).collect::<Vec<_>>());
}
