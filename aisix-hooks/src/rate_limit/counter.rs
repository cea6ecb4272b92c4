use std::sync::atomic::{AtomicU64, Ordering};

/// Counts within the current window, without a lock: the number of the window and the count share
/// one word, of which the count has the lower `BITS`.
///
/// A clock that steps back keeps counting in the window that it had reached, so that nothing which
/// was refused becomes allowed by it.
#[derive(Debug, Default)]
pub(super) struct Counter<const BITS: u32> {
    word: AtomicU64,
}

/// Requests: windows of a second fit until the year 2106, and four billion requests into each.
pub(super) type RequestCounter = Counter<32>;

/// Tokens: windows of a minute fit until the year 2097, and 270 billion tokens into each.
pub(super) type TokenCounter = Counter<38>;

impl<const BITS: u32> Counter<BITS> {
    const MAX: u64 = (1 << BITS) - 1;

    /// Counts one more, unless `limit` has been reached; the count after that, or else as it is.
    pub(super) fn try_increment(&self, window: u64, limit: u64) -> Result<u64, u64> {
        let mut used = 0;
        let updated = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                let (window, count) = Self::enter(word, window);
                used = count;
                (count < limit.min(Self::MAX)).then(|| Self::pack(window, count + 1))
            });
        updated.map(|_| used + 1).map_err(|_| used)
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
        if window > current {
            (window, 0)
        } else {
            (current, count)
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
        assert_eq!(
            counter.try_increment(8, 3),
            Ok(1),
            "a new window starts anew"
        );
    }

    #[test]
    fn gives_back_only_within_the_window() {
        let counter = RequestCounter::default();
        counter.try_increment(7, 1).unwrap();
        counter.decrement(7);
        assert_eq!(counter.try_increment(7, 1), Ok(1));
        counter.try_increment(8, 1).unwrap();
        counter.decrement(7);
        assert_eq!(counter.used(8), 1);
    }

    #[test]
    fn a_clock_that_steps_back_frees_nothing() {
        let counter = RequestCounter::default();
        counter.try_increment(8, 1).unwrap();
        assert_eq!(counter.try_increment(7, 1), Err(1));
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
        let admitted: usize = std::thread::scope(|scope| {
            let race = || {
                (0..100)
                    .filter(|_| counter.try_increment(1, 1000).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(race)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(admitted, 1000);
    }
}
