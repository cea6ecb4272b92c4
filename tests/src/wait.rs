//! Waiting with an end: a test that hangs says what it hung on.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long anything may take that should be at once; generous, since two cores run everything.
pub const SOON: Duration = Duration::from_secs(20);

/// Awaits `future`, or panics after [`SOON`] with what was awaited.
#[track_caller]
pub fn soon<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        match tokio::time::timeout(SOON, future).await {
            Ok(value) => value,
            Err(_) => panic!("{caller}: waited {SOON:?} for {what}"),
        }
    }
}

/// Asks `probe` again and again until it gives a value, or panics after [`SOON`].
#[track_caller]
pub fn until<T, F, P>(what: &str, mut probe: P) -> impl Future<Output = T>
where
    P: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    soon(what, async move {
        loop {
            if let Some(value) = probe().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

/// Waits until a wall-clock window of `window` has at least `need` left, so that a test of a
/// limit does not straddle two windows.
pub async fn clear_of_boundary(window: Duration, need: Duration) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is after 1970");
    let into = Duration::from_nanos((now.as_nanos() % window.as_nanos()) as u64);
    let left = window - into;
    if left < need {
        tokio::time::sleep(left + Duration::from_millis(50)).await;
    }
}
