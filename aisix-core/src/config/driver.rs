use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use super::status::State;
use super::{BoxStream, ConfigEvent, ConfigSource, Status};
use crate::error::{Error, Result};
use crate::snapshot::{SnapshotHandle, Work};

/// The future that turns what a source says into snapshots.
///
/// It is for the host to run, usually as a task of its own, and never ends; dropping it stops the
/// watching, and the last state keeps serving. It needs a tokio runtime with time.
///
/// # Cancellation
///
/// [`applied`](Self::applied) may be cancelled and called again: what has been done is not lost.
#[must_use = "a driver does nothing unless it is run"]
pub struct Driver {
    events: Option<BoxStream<'static, ConfigEvent>>,
    work: Option<Box<Work>>,
    handle: SnapshotHandle,
    sweep: Option<Pin<Box<Sleep>>>,
    configured: bool,
    status: watch::Sender<State>,
}

enum Progress {
    Applied,
    Lost(Error),
}

/// How many rows are read in one go: about a millisecond of work.
const STEPS: usize = 256;

/// How many events are handled in one go, before other tasks get their turn.
const TURNS: usize = 32;

const SWEEP_EVERY: Duration = Duration::from_secs(1);

// === impl Driver ===

impl Driver {
    /// Applies what `source` says to `handle`.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the driver is the source's one user"
    )]
    pub fn new(source: impl ConfigSource, handle: SnapshotHandle) -> Self {
        Self {
            events: Some(source.watch()),
            work: None,
            handle,
            sweep: None,
            configured: false,
            status: watch::Sender::default(),
        }
    }

    /// How the driver fares.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::new(self.status.subscribe())
    }

    /// Runs the driver until the first complete state has been applied.
    ///
    /// Waits as long as the source does; a limit is for the caller to set.
    ///
    /// # Errors
    ///
    /// When the source is lost before that. The driver can still be run: it goes on trying.
    pub async fn applied(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_applied(cx)).await
    }

    fn poll_applied(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while !self.configured {
            if self.events.is_none() {
                return Poll::Ready(Err(ended()));
            }
            if let Progress::Lost(error) = ready!(self.poll_progress(cx)) {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        loop {
            if let Some(work) = &mut self.work {
                if !work.step(STEPS) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                self.store();
                return Poll::Ready(Progress::Applied);
            }
            let Some(events) = &mut self.events else {
                return Poll::Pending;
            };
            match ready!(events.as_mut().poll_next(cx)) {
                Some(ConfigEvent::Lost(error)) => return Poll::Ready(self.lost(error)),
                Some(event) => self.begin(event),
                None => {
                    self.events = None;
                    return Poll::Ready(self.lost(ended()));
                }
            }
        }
    }

    fn begin(&mut self, event: ConfigEvent) {
        let from = self.handle.load();
        match event {
            ConfigEvent::Full { revision, rows } => {
                self.work = Some(Box::new(Work::full(&from, revision, rows)));
            }
            ConfigEvent::Delta { revision, .. } if !self.configured => {
                tracing::warn!(%revision, "the source sent changes before a complete state");
            }
            ConfigEvent::Delta { revision, changes } => {
                self.work = Some(Box::new(Work::delta(&from, revision, changes)));
            }
            ConfigEvent::Lost(_) => {}
        }
    }

    fn store(&mut self) {
        let Some(work) = self.work.take() else { return };
        let snapshot = work.run();
        let revision = snapshot.revision();
        self.handle.store(snapshot);
        self.configured = true;
        self.status.send_modify(|state| {
            state.connect(true);
            state.applied = Some(revision);
        });
        tracing::debug!(%revision, "configuration applied");
    }

    fn lost(&self, error: Error) -> Progress {
        // Before there is a state, it is for the host to say what is wrong.
        if self.configured {
            tracing::warn!(%error, "the source of the configuration is lost; the last state serves");
        }
        self.status.send_modify(|state| {
            state.connect(false);
            state.last_error = Some(error.message().into());
        });
        Progress::Lost(error)
    }

    /// Frees old snapshots when the last request that holds one has ended.
    fn poll_sweep(&mut self, cx: &mut Context<'_>) {
        loop {
            if self.sweep.is_none() && self.handle.sweep() > 0 {
                self.sweep = Some(Box::pin(sleep(SWEEP_EVERY)));
            }
            let Some(sleep) = &mut self.sweep else { return };
            if sleep.as_mut().poll(cx).is_pending() {
                return;
            }
            self.sweep = None;
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut turns = 0;
        while self.poll_progress(cx).is_ready() {
            turns += 1;
            if turns == TURNS {
                cx.waker().wake_by_ref();
                break;
            }
        }
        self.poll_sweep(cx);
        Poll::Pending
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.status.send_modify(|state| {
            state.connect(false);
            state
                .last_error
                .get_or_insert_with(|| "the driver is gone".into());
        });
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("handle", &self.handle)
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}

fn ended() -> Error {
    Error::config("the source of the configuration has ended")
}
