use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::timeout;

/// How long cut connections get to be dropped, before the process ends without them.
const CUT_GRACE: Duration = Duration::from_millis(500);

/// How a process ends without dropping what it has promised: shared by all its listeners.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    inner: Arc<Inner>,
}

/// How far a [`Drain`] has come; it only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Everything is served.
    Serving = 0,
    /// Everything is served, but `/readyz` says that it will end.
    Unready = 1,
    /// Nothing is accepted, idle connections close, requests in flight go on.
    Closing = 2,
    /// What is still in flight is cut.
    Cut = 3,
    /// All is over.
    Done = 4,
}

/// A piece of work that a [`Drain`] waits for, until it is dropped.
#[derive(Debug)]
pub struct Hold {
    inner: Arc<Inner>,
}

/// Resolves once a [`Drain`] has reached a phase.
#[derive(Debug)]
pub struct Reached {
    inner: Arc<Inner>,
    phase: Phase,
    wait: Option<Wait>,
}

#[derive(Debug, Default)]
struct Inner {
    phase: AtomicU8,
    moved: Arc<Notify>,
    holds: AtomicUsize,
    released: Notify,
}

#[derive(Debug)]
struct Wait {
    /// Kept for its place among those to be woken.
    _notified: Pin<Box<OwnedNotified>>,
    since: Phase,
    waker: Waker,
}

impl Drain {
    /// A drain of a process that serves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        self.inner.phase()
    }

    /// Resolves once `phase` has been reached.
    pub fn reached(&self, phase: Phase) -> Reached {
        Reached {
            inner: Arc::clone(&self.inner),
            phase,
            wait: None,
        }
    }

    /// Makes the end wait for a piece of work.
    pub fn hold(&self) -> Hold {
        self.inner.holds.fetch_add(1, Ordering::Relaxed);
        Hold {
            inner: Arc::clone(&self.inner),
        }
    }

    /// Goes through all phases: stays [`Phase::Unready`] for `min`, lets requests in flight finish
    /// for at most `max`, and cuts the rest. Resolves when all is over.
    pub async fn shut_down(&self, min: Duration, max: Duration) {
        self.advance(Phase::Unready);
        if !min.is_zero() && timeout(min, self.reached(Phase::Cut)).await.is_ok() {
            tracing::debug!("the minimal drain was cut short");
        }
        self.advance(Phase::Closing);
        let finished = async {
            tokio::select! {
                () = self.released() => true,
                () = self.reached(Phase::Cut) => false,
            }
        };
        if timeout(max, finished).await != Ok(true) {
            let left = self.inner.holds.load(Ordering::Relaxed);
            tracing::warn!(connections = left, "cutting what is still in flight");
            self.advance(Phase::Cut);
            // An error says that somebody did not let go, which is what the grace is for.
            timeout(CUT_GRACE, self.released())
                .await
                .unwrap_or_default();
        }
        self.advance(Phase::Done);
    }

    /// Cuts what is in flight, now.
    pub fn cut(&self) {
        self.advance(Phase::Cut);
    }

    /// Waits for SIGTERM or SIGINT, then [shuts down](Self::shut_down); a second signal cuts.
    ///
    /// # Errors
    ///
    /// Returns an error when the process cannot listen to signals, which is known at once and not
    /// only when the future is polled.
    pub fn on_signals(
        &self,
        min: Duration,
        max: Duration,
    ) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let mut signals = Signals::new()?;
        let drain = self.clone();
        Ok(async move {
            let name = signals.next().await;
            tracing::info!(signal = name, "shutting down");
            let mut over = std::pin::pin!(drain.shut_down(min, max));
            tokio::select! {
                () = &mut over => {}
                _ = signals.next() => {
                    drain.cut();
                    over.await;
                }
            }
        })
    }

    async fn released(&self) {
        while self.inner.holds.load(Ordering::Acquire) > 0 {
            self.inner.released.notified().await;
        }
    }

    fn advance(&self, phase: Phase) {
        self.inner.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.inner.moved.notify_waiters();
    }
}

impl Inner {
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Serving,
            1 => Phase::Unready,
            2 => Phase::Closing,
            3 => Phase::Cut,
            _ => Phase::Done,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.inner.holds.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Keeps a permit for a waiter that is about to look.
            self.inner.released.notify_one();
        }
    }
}

impl Future for Reached {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.inner.phase();
            if now >= self.phase {
                self.wait = None;
                return Poll::Ready(());
            }
            // Every connection polls this each time that it wakes. The notification sits behind a
            // lock that all of them share, so it is touched only when something has changed.
            if let Some(wait) = &self.wait
                && wait.since == now
                && wait.waker.will_wake(cx.waker())
            {
                return Poll::Pending;
            }
            let mut notified = Box::pin(Arc::clone(&self.inner.moved).notified_owned());
            // The phase is read again after this, so that a move in between is seen.
            if notified.as_mut().poll(cx).is_pending() && self.inner.phase() == now {
                self.wait = Some(Wait {
                    _notified: notified,
                    since: now,
                    waker: cx.waker().clone(),
                });
                return Poll::Pending;
            }
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn goes_through_its_phases_in_order() {
        let drain = Drain::new();
        let hold = drain.hold();
        let shutting = tokio::spawn({
            let drain = drain.clone();
            async move { drain.shut_down(secs(2), secs(30)).await }
        });
        drain.reached(Phase::Unready).await;
        assert_eq!(drain.phase(), Phase::Unready);
        let start = tokio::time::Instant::now();
        drain.reached(Phase::Closing).await;
        assert!(start.elapsed() >= secs(2));
        drop(hold);
        shutting.await.unwrap();
        assert_eq!(drain.phase(), Phase::Done);
        assert!(start.elapsed() < secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn cuts_what_does_not_finish() {
        let drain = Drain::new();
        let _hold = drain.hold();
        let start = tokio::time::Instant::now();
        drain.shut_down(Duration::ZERO, secs(30)).await;
        let took = start.elapsed();
        assert!(took >= secs(30) && took < secs(31), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_process_ends_at_once() {
        let start = tokio::time::Instant::now();
        Drain::new().shut_down(Duration::ZERO, secs(30)).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_ends_every_wait() {
        let drain = Drain::new();
        let hold = drain.hold();
        let shutting = tokio::spawn({
            let drain = drain.clone();
            async move { drain.shut_down(secs(60), secs(60)).await }
        });
        drain.reached(Phase::Unready).await;
        let start = tokio::time::Instant::now();
        drain.cut();
        drain.reached(Phase::Cut).await;
        drop(hold);
        shutting.await.unwrap();
        assert!(start.elapsed() < secs(1));
    }

    #[tokio::test]
    async fn a_waiter_survives_a_phase_that_is_not_its_own() {
        let drain = Drain::new();
        let waiting = tokio::spawn(drain.reached(Phase::Closing));
        tokio::task::yield_now().await;
        drain.advance(Phase::Unready);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drain.advance(Phase::Closing);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_signal_drains_and_a_second_one_cuts() {
        let drain = Drain::new();
        let hold = drain.hold();
        let ending = drain.on_signals(Duration::ZERO, secs(60)).unwrap();
        let ending = tokio::spawn(ending);
        kill("-TERM");
        drain.reached(Phase::Closing).await;
        assert_eq!(drain.phase(), Phase::Closing);
        kill("-INT");
        drain.reached(Phase::Cut).await;
        drop(hold);
        ending.await.unwrap();
    }

    fn kill(signal: &str) {
        let own = std::process::id().to_string();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args([signal, &own]).status().unwrap().success());
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }
}
