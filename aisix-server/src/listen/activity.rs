use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

/// What one connection is doing, for the timeouts to judge by. Only its own tasks touch it.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    /// A first request has come.
    started: AtomicBool,
    /// Bytes have come since this was last cleared.
    read: AtomicBool,
    in_flight: AtomicUsize,
    /// When the last request ended, as milliseconds since `opened`.
    ended: AtomicU64,
    /// Whether anybody asks for `ended`, which costs a look at the clock.
    stamps: bool,
}

/// A request, from its arrival to the end of its answer's body.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Activity {
    pub(super) fn new(stamps: bool) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            started: AtomicBool::new(false),
            read: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            ended: AtomicU64::new(0),
            stamps,
        })
    }

    pub(super) fn request(self: &Arc<Self>) -> InFlight {
        self.started.store(true, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(super) fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    pub(super) fn saw_bytes(&self) {
        self.read.store(true, Ordering::Relaxed);
    }

    pub(super) fn expect_bytes(&self) {
        self.read.store(false, Ordering::Relaxed);
    }

    pub(super) fn has_seen_bytes(&self) -> bool {
        self.read.load(Ordering::Relaxed)
    }

    /// Since when there has been no request; `None` while there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let idle = self.in_flight.load(Ordering::Relaxed) == 0;
        idle.then(|| self.opened + Duration::from_millis(self.ended.load(Ordering::Relaxed)))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.stamps {
            let ended = self.0.opened.elapsed().as_millis();
            let ended = u64::try_from(ended).unwrap_or(u64::MAX);
            self.0.ended.store(ended, Ordering::Relaxed);
        }
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
