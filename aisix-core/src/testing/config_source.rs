use std::collections::HashSet;
use std::future::poll_fn;
use std::time::Duration;

use tokio::time::timeout;

use crate::config::{BoxStream, ConfigEvent, ConfigSource, Driver, Revision};
use crate::resource::Row;
use crate::snapshot::SnapshotHandle;

/// How long a source may take over its first state.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to listen to a source that may have nothing to say.
const SILENCE: Duration = Duration::from_millis(200);

/// Checks that a source keeps the contract of [`ConfigSource`], as far as that shows without
/// writing to it ([`config_store`](super::config_store) checks the rest).
///
/// ```
/// use aisix_core::config::MemoryStore;
/// use aisix_core::testing;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// testing::config_source(MemoryStore::new()).await;
/// # });
/// ```
///
/// # Panics
///
/// When it does not, or when there is no complete state within 30 seconds.
pub async fn config_source(source: impl ConfigSource) {
    let mut first = source.watch();
    let (revision, rows) = full(&mut first).await;
    assert_distinct(&rows);
    assert_in_order(&mut first, revision).await;

    let mut second = source.watch();
    let (again, _) = full(&mut second).await;
    assert!(
        again >= revision,
        "a later stream begins at revision {again}, an earlier one at {revision}"
    );
    drop(first);
    assert_in_order(&mut second, again).await;

    let handle = SnapshotHandle::default();
    let mut driver = Driver::new(source, handle.clone());
    let applied = timeout(PATIENCE, driver.applied()).await;
    applied
        .unwrap_or_else(|_| panic!("a driver gets no state within {PATIENCE:?}"))
        .unwrap_or_else(|error| panic!("a driver gets no state: {error}"));
    assert!(driver.status().connected());
    assert!(handle.load().revision() >= again);
}

/// The next event.
pub(super) async fn next(stream: &mut BoxStream<'static, ConfigEvent>) -> ConfigEvent {
    let event = timeout(PATIENCE, poll_fn(|cx| stream.as_mut().poll_next(cx))).await;
    event
        .unwrap_or_else(|_| panic!("no event within {PATIENCE:?}"))
        .unwrap_or_else(|| panic!("the stream of a source has no end"))
}

/// The first complete state.
pub(super) async fn full(stream: &mut BoxStream<'static, ConfigEvent>) -> (Revision, Vec<Row>) {
    loop {
        match next(stream).await {
            ConfigEvent::Full { revision, rows } => return (revision, rows),
            ConfigEvent::Lost(_) => {}
            ConfigEvent::Delta { .. } => panic!("changes before the first complete state"),
        }
    }
}

/// Each identity once.
pub(super) fn assert_distinct(rows: &[Row]) {
    let mut seen = HashSet::new();
    for row in rows {
        let fresh = seen.insert((row.kind, &row.id));
        assert!(fresh, "`{}/{}` is there twice", row.kind, row.id);
    }
}

/// Whatever is said next, revisions do not go back.
async fn assert_in_order(stream: &mut BoxStream<'static, ConfigEvent>, mut last: Revision) {
    while let Ok(event) = timeout(SILENCE, poll_fn(|cx| stream.as_mut().poll_next(cx))).await {
        match event {
            Some(ConfigEvent::Full { revision, .. } | ConfigEvent::Delta { revision, .. }) => {
                assert!(revision >= last, "revision {revision} after {last}");
                last = revision;
            }
            Some(ConfigEvent::Lost(_)) => {}
            None => panic!("the stream of a source has no end"),
        }
    }
}
