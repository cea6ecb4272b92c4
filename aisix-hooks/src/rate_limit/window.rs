#[cfg(test)]
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A stretch of the wall clock within which something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Second,
    Minute,
    Hour,
    Day,
}

/// A moment of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Now(Duration);

/// Tells the time of day.
#[derive(Clone, Debug, Default)]
pub(super) enum Clock {
    #[default]
    System,
    /// Stands still until a test sets it, so that no test meets the end of a window by chance.
    #[cfg(test)]
    Manual(Arc<AtomicU64>),
}

impl Window {
    const fn secs(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }

    /// The number of the window that `now` falls into.
    pub(super) const fn index(self, now: Now) -> u64 {
        now.0.as_secs() / self.secs()
    }

    /// How long the window of `now` still lasts; never zero.
    pub(super) fn rest(self, now: Now) -> Duration {
        Duration::from_secs((self.index(now) + 1) * self.secs()) - now.0
    }
}

impl Now {
    #[cfg(test)]
    pub(super) const fn at_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl Clock {
    pub(super) fn now(&self) -> Now {
        match self {
            // A clock before 1970 counts from there.
            Self::System => Now(SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()),
            #[cfg(test)]
            Self::Manual(millis) => Now::at_millis(millis.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_aligned_to_the_wall_clock() {
        let now = Now::at_millis(90_250);
        assert_eq!(
            (Window::Second.index(now), Window::Minute.index(now)),
            (90, 1)
        );
        assert_eq!(Window::Second.rest(now), Duration::from_millis(750));
        assert_eq!(Window::Minute.rest(now), Duration::from_millis(29_750));
        assert_eq!(
            Window::Day.rest(Now::at_millis(0)),
            Duration::from_secs(86_400)
        );
    }
}
