use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;

use hyper::rt::Sleep;
use hyper::rt::Timer;

use super::activity::Activity;

/// The timer of hyper's `header_read_timeout`, which starts when the first byte of a head comes.
///
/// hyper starts it as soon as it waits for the next head, so that a usual timer would close every
/// connection that its caller keeps for later.
#[derive(Clone, Debug)]
pub(super) struct HeadTimer {
    activity: Arc<Activity>,
    timeout: Duration,
}

#[derive(Debug)]
struct HeadSleep {
    timer: HeadTimer,
    running: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl HeadTimer {
    pub(super) fn new(activity: Arc<Activity>, timeout: Duration) -> Self {
        Self { activity, timeout }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        self.activity.expect_bytes();
        Box::pin(HeadSleep {
            timer: self.clone(),
            running: None,
        })
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(self.timeout)
    }
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    /// hyper polls it after each read that did not complete a head.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.running.is_none() {
            if !this.timer.activity.has_seen_bytes() {
                return Poll::Pending; // The read wakes the task.
            }
            this.running = Some(Box::pin(tokio::time::sleep(this.timer.timeout)));
        }
        if let Some(running) = &mut this.running {
            ready!(running.as_mut().poll(cx));
        }
        Poll::Ready(())
    }
}
