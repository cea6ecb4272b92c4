#![expect(clippy::disallowed_types, reason = "the one place where it is allowed")]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::Snapshot;
use crate::resource::Revision;

/// Where the current [`Snapshot`] is: read by each request, replaced by the
/// [`Driver`](crate::config::Driver).
///
/// Cheap to clone; all clones show the same.
#[derive(Clone)]
pub struct SnapshotHandle {
    shared: Arc<Shared>,
}

/// Tells of each new snapshot; see [`SnapshotHandle::changes`].
#[derive(Clone, Debug)]
pub struct Changes {
    revisions: watch::Receiver<Revision>,
    shared: Arc<Shared>,
}

struct Shared {
    current: ArcSwap<Snapshot>,
    /// Old snapshots that a request may still hold. While they are here, no request is the last one
    /// to let go of one, and to pay for freeing it.
    retired: Mutex<Vec<Arc<Snapshot>>>,
    revisions: watch::Sender<Revision>,
}

// === impl SnapshotHandle ===

impl SnapshotHandle {
    /// Makes a handle that shows `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            shared: Arc::new(Shared {
                revisions: watch::Sender::new(snapshot.revision()),
                current: ArcSwap::from_pointee(snapshot),
                retired: Mutex::default(),
            }),
        }
    }

    /// The current snapshot.
    #[must_use]
    pub fn load(&self) -> Arc<Snapshot> {
        self.shared.current.load_full()
    }

    /// Shows `snapshot` from now on; frees the old ones that nobody holds.
    pub fn store(&self, snapshot: Snapshot) {
        let revision = snapshot.revision();
        let old = self.shared.current.swap(Arc::new(snapshot));
        self.shared.retire(old);
        self.sweep();
        self.shared.revisions.send_replace(revision);
    }

    /// Frees the old snapshots that nobody holds any more; gives how many are left.
    #[expect(clippy::must_use_candidate, reason = "called for what it does")]
    pub fn sweep(&self) -> usize {
        let mut retired = self.shared.retired();
        let (free, held) = std::mem::take(&mut *retired)
            .into_iter()
            .partition(|snapshot| Arc::strong_count(snapshot) == 1);
        *retired = held;
        let left = retired.len();
        // Freeing takes its time: not under the lock.
        drop(retired);
        drop::<Vec<_>>(free);
        left
    }

    /// Tells of each snapshot that is stored from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes {
            revisions: self.shared.revisions.subscribe(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Default for SnapshotHandle {
    fn default() -> Self {
        Self::new(Snapshot::empty())
    }
}

impl fmt::Debug for SnapshotHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shared, f)
    }
}

// === impl Changes ===

impl Changes {
    /// Waits for a snapshot that this value has not told of yet; several at once are told of as
    /// one.
    ///
    /// Cancel safe: a snapshot is told of only when the future is ready.
    pub async fn next(&mut self) -> Arc<Snapshot> {
        if self.revisions.changed().await.is_err() {
            // `shared` holds the sender.
            std::future::pending::<()>().await;
        }
        self.shared.current.load_full()
    }
}

// === impl Shared ===

impl Shared {
    fn retire(&self, snapshot: Arc<Snapshot>) {
        self.retired().push(snapshot);
    }

    fn retired(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Snapshot>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotHandle")
            .field("current", &self.current.load())
            .finish_non_exhaustive()
    }
}
