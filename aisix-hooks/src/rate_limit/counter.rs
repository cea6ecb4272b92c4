use std::sync::atomic::{AtomicU64, Ordering};

/// Counts within the current window, without a lock: the number of the window and the count share
/// one word, of which the count has the lower `BITS`.
///
/// A call that read the clock just before another one entered the next window is counted there too,
/// so that nothing which was refused becomes allowed. A clock that is set back by more than a window
/// starts anew: were it waited for, a key would be refused for as long as the clock had been wrong.
#[derive(Debug, Default)]
pub(super) struct Counter<const BITS: u32> {
    word: AtomicU64,
}

/// Where something was counted, to be taken back there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// The number of the window.
    pub(super) window: u64,
    /// The window's count after that.
    pub(super) used: u64,
}

/// Requests: windows of a second fit until the year 2106, and four billion requests into each.
pub(super) type RequestCounter = Counter<32>;

/// Tokens: windows of a minute fit until the year 2097, and 270 billion tokens into each.
pub(super) type TokenCounter = Counter<38>;

impl<const BITS: u32> Counter<BITS> {
    const MAX: u64 = (1 << BITS) - 1;

    /// Counts one more, unless `limit` has been reached; the error is the count as it is.
    pub(super) fn try_increment(&self, window: u64, limit: u64) -> Result<Counted, u64> {
        let mut counted = Counted { window, used: 0 };
        let updated = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                let (window, count) = Self::enter(word, window);
                counted = Counted {
                    window,
                    used: count + 1,
                };
                (count < limit.min(Self::MAX)).then(|| Self::pack(window, count + 1))
            });
        updated.map(|_| counted).map_err(|_| counted.used - 1)
    }

    /// Takes back what was counted in `window`, if that is still the current one.
    pub(super) fn decrement(&self, window: u64) {
        // An error means that the window has passed, and the count with it.
        let _passed = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                let (current, count) = Self::unpack(word);
                (current == window && count > 0).then(|| Self::pack(current, count - 1))
            });
    }

    /// Counts `amount` more, whatever the limit.
    pub(super) fn add(&self, window: u64, amount: u64) {
        let _before = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                let (window, count) = Self::enter(word, window);
                Some(Self::pack(
                    window,
                    count.saturating_add(amount).min(Self::MAX),
                ))
            });
    }

    /// The count of the window.
    pub(super) fn used(&self, window: u64) -> u64 {
        Self::enter(self.word.load(Ordering::Acquire), window).1
    }

    /// The window to count in, and what it holds already.
    const fn enter(word: u64, window: u64) -> (u64, u64) {
        let (current, count) = Self::unpack(word);
        if window == current || window + 1 == current {
            (current, count)
        } else {
            (window, 0)
        }
    }

    const fn pack(window: u64, count: u64) -> u64 {
        window << BITS | count
    }

    const fn unpack(word: u64) -> (u64, u64) {
        (word >> BITS, word & Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_as_many_as_the_limit_says() {
        let counter = RequestCounter::default();
        let admitted = (0..10)
            .filter(|_| counter.try_increment(7, 3).is_ok())
            .count();
        assert_eq!((admitted, counter.used(7)), (3, 3));
        let anew = Counted { window: 8, used: 1 };
        assert_eq!(counter.try_increment(8, 3), Ok(anew));
    }

    #[test]
    fn gives_back_only_within_the_window() {
        let counter = RequestCounter::default();
        counter.try_increment(7, 1).unwrap();
        counter.decrement(7);
        let again = Counted { window: 7, used: 1 };
        assert_eq!(counter.try_increment(7, 1), Ok(again));
        counter.try_increment(8, 1).unwrap();
        counter.decrement(7);
        assert_eq!(counter.used(8), 1);
    }

    #[test]
    fn who_read_the_clock_before_the_window_changed_is_counted_in_the_new_one() {
        let counter = RequestCounter::default();
        counter.try_increment(8, 2).unwrap();
        let late = counter.try_increment(7, 2).unwrap();
        assert_eq!(late, Counted { window: 8, used: 2 });
        assert_eq!(counter.try_increment(7, 2), Err(2));
        counter.decrement(late.window);
        assert_eq!(counter.used(8), 1);
    }

    #[test]
    fn a_clock_that_was_wrong_and_is_set_back_locks_nobody_out() {
        let counter = RequestCounter::default();
        counter.try_increment(4_000, 1).unwrap();
        assert_eq!(counter.used(400), 0);
        assert!(counter.try_increment(400, 1).is_ok());
        assert_eq!(counter.try_increment(400, 1), Err(1));
    }

    #[test]
    fn counts_no_further_than_it_can() {
        let counter = TokenCounter::default();
        counter.add(1, u64::MAX);
        counter.add(1, 1);
        assert_eq!(counter.used(1), (1 << 38) - 1);
    }

    #[test]
    fn is_exact_under_concurrency() {
        let counter = RequestCounter::default();
        let admitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let counted = counter.try_increment(1, 1000);
                        admitted.fetch_add(u64::from(counted.is_ok()), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 1000);
    }
}
