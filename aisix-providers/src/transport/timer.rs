//! A timer that is cheap to start over.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;
use tokio::time::sleep_until;

/// Watches one deadline after another.
///
/// To start a new one, or none, only moves a number. The sleep below stays registered for the deadline it
/// was made for; when it fires too early, it is reset to the one that holds by then.
#[derive(Debug, Default)]
pub(super) struct Timer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub(super) fn start(&mut self, limit: Duration) {
        // A limit beyond the end of time is none.
        self.deadline = Instant::now().checked_add(limit);
    }

    pub(super) fn stop(&mut self) {
        self.deadline = None;
    }

    pub(super) fn is_running(&self) -> bool {
        self.deadline.is_some()
    }

    /// Is ready once the deadline has passed, and pending as long as there is none.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(cx));
        if sleep.deadline() < deadline {
            sleep.as_mut().reset(deadline);
            ready!(sleep.as_mut().poll(cx));
        }
        self.deadline = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn expired(timer: &mut Timer) -> Duration {
        let start = Instant::now();
        poll_fn(|cx| timer.poll_expired(cx)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn fires_at_the_latest_deadline() {
        let mut timer = Timer::default();
        timer.start(Duration::from_secs(10));
        let early = tokio::time::timeout(Duration::from_secs(9), expired(&mut timer));
        assert!(early.await.is_err());

        timer.start(Duration::from_secs(10));
        let elapsed = expired(&mut timer).await;
        assert!(elapsed >= Duration::from_secs(10) && elapsed < Duration::from_secs(11));

        timer.start(Duration::from_secs(1));
        assert!(expired(&mut timer).await < Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn never_fires_when_stopped_or_beyond_the_end_of_time() {
        let mut timer = Timer::default();
        timer.start(Duration::MAX);
        assert!(!timer.is_running());
        timer.start(Duration::from_secs(1));
        timer.stop();
        let waited = tokio::time::timeout(Duration::from_secs(60), expired(&mut timer));
        assert!(waited.await.is_err());
    }
}
