use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aisix_core::resource::RateLimit;
use aisix_core::snapshot::{ApiKeyEntry, ModelEntry};

use super::counter::{RequestCounter, TokenCounter};
use super::headers::{Concurrent, Quota, Quotas};
use super::window::{Now, Window};

/// What has limits: a key or a model, with the counters that live in its cell.
#[derive(Clone, Debug)]
pub(super) enum Meter {
    Key(Arc<ApiKeyEntry>),
    Model(Arc<ModelEntry>),
}

/// The counters of one resource; only those of its limits are in use.
#[derive(Debug, Default)]
struct Counters {
    second: RequestCounter,
    minute: RequestCounter,
    hour: RequestCounter,
    day: RequestCounter,
    tokens_minute: TokenCounter,
    tokens_day: TokenCounter,
    in_flight: AtomicU64,
}

/// Which limit refuses, and for how long at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Requests {
        limit: u64,
        window: Window,
        retry_after: Duration,
    },
    Tokens {
        limit: u64,
        window: Window,
        retry_after: Duration,
    },
    Concurrency {
        limit: u64,
    },
}

impl Meter {
    /// The key's or the model's meter, if it has limits.
    pub(super) fn key(entry: &Arc<ApiKeyEntry>) -> Option<Self> {
        entry
            .resource()
            .rate_limit
            .is_some()
            .then(|| Self::Key(Arc::clone(entry)))
    }

    pub(super) fn model(entry: &Arc<ModelEntry>) -> Option<Self> {
        entry
            .resource()
            .rate_limit
            .is_some()
            .then(|| Self::Model(Arc::clone(entry)))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Key(_) => "API key",
            Self::Model(_) => "model",
        }
    }

    /// Counts a request, or counts nothing and says which limit is in the way.
    pub(super) fn admit(&self, now: Now, quotas: &mut Quotas) -> Result<(), Refusal> {
        let Some(limits) = self.limits() else {
            return Ok(());
        };
        let counters = self.counters();
        for (limit, window, counter) in token_limits(limits, counters) {
            let used = counter.used(window.index(now));
            let retry_after = window.rest(now);
            quotas.tokens(Quota::new(limit, used, retry_after));
            if used >= limit {
                return Err(Refusal::Tokens {
                    limit,
                    window,
                    retry_after,
                });
            }
        }
        if let Some(limit) = limits.concurrency {
            let taken = counters
                .in_flight
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                    (n < limit).then_some(n + 1)
                });
            quotas.concurrent(Concurrent::new(
                limit,
                taken.map_or(limit, |before| before + 1),
            ));
            if taken.is_err() {
                return Err(Refusal::Concurrency { limit });
            }
        }
        for (at, (limit, window, counter)) in request_limits(limits, counters).enumerate() {
            let counted = counter.try_increment(window.index(now), limit);
            let retry_after = window.rest(now);
            let used = counted.unwrap_or_else(|used| used);
            quotas.requests(Quota::new(limit, used, retry_after));
            if counted.is_err() {
                for (_, window, counter) in request_limits(limits, counters).take(at) {
                    counter.decrement(window.index(now));
                }
                self.release();
                return Err(Refusal::Requests {
                    limit,
                    window,
                    retry_after,
                });
            }
        }
        Ok(())
    }

    /// Takes back an admission.
    pub(super) fn take_back(&self, now: Now) {
        let Some(limits) = self.limits() else { return };
        for (_, window, counter) in request_limits(limits, self.counters()) {
            counter.decrement(window.index(now));
        }
        self.release();
    }

    /// Frees the place among the concurrent calls.
    pub(super) fn release(&self) {
        if self
            .limits()
            .is_some_and(|limits| limits.concurrency.is_some())
        {
            self.counters().in_flight.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Counts the tokens of a call that has ended.
    pub(super) fn charge(&self, tokens: u64, now: Now) {
        let Some(limits) = self.limits() else { return };
        for (_, window, counter) in token_limits(limits, self.counters()) {
            counter.add(window.index(now), tokens);
        }
    }

    fn limits(&self) -> Option<&RateLimit> {
        match self {
            Self::Key(entry) => entry.resource().rate_limit.as_ref(),
            Self::Model(entry) => entry.resource().rate_limit.as_ref(),
        }
    }

    fn counters(&self) -> &Counters {
        match self {
            Self::Key(entry) => entry.state().get_or_init(Counters::default),
            Self::Model(entry) => entry.state().get_or_init(Counters::default),
        }
    }
}

fn request_limits<'a>(
    limits: &'a RateLimit,
    counters: &'a Counters,
) -> impl Iterator<Item = (u64, Window, &'a RequestCounter)> {
    [
        (limits.rps, Window::Second, &counters.second),
        (limits.rpm, Window::Minute, &counters.minute),
        (limits.rph, Window::Hour, &counters.hour),
        (limits.rpd, Window::Day, &counters.day),
    ]
    .into_iter()
    .filter_map(|(limit, window, counter)| limit.map(|limit| (limit, window, counter)))
}

fn token_limits<'a>(
    limits: &'a RateLimit,
    counters: &'a Counters,
) -> impl Iterator<Item = (u64, Window, &'a TokenCounter)> {
    [
        (limits.tpm, Window::Minute, &counters.tokens_minute),
        (limits.tpd, Window::Day, &counters.tokens_day),
    ]
    .into_iter()
    .filter_map(|(limit, window, counter)| limit.map(|limit| (limit, window, counter)))
}
