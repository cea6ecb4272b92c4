use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aisix_core::resource::RateLimit;
use aisix_core::snapshot::{AnyCell, ApiKeyEntry, ModelEntry};

use super::counter::{RequestCounter, TokenCounter};
use super::headers::{Concurrent, Quota, Quotas};
use super::window::{Clock, Now, Window};

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

/// In which windows a request was counted. The clock does not tell: another call may have entered
/// the next window first.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub(super) struct Admission {
    windows: [Option<u64>; 4],
}

/// Which limit is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Requests { limit: u64, window: Window },
    Tokens { limit: u64, window: Window },
    Concurrency { limit: u64 },
}

/// What a key has used of its limits, in their shape: of each limit that it has, how much is used.
///
/// ```
/// use aisix_core::snapshot::Snapshot;
/// use aisix_hooks::rate_limit::used_by_key;
///
/// # let snapshot = Snapshot::empty();
/// # let hash = aisix_core::resource::KeyHash::of("sk");
/// if let Some(key) = snapshot.api_key(&hash) {
///     println!("{:?} of {:?}", used_by_key(key).rpm, key.resource().rate_limit);
/// }
/// ```
#[must_use]
pub fn used_by_key(key: &ApiKeyEntry) -> RateLimit {
    used(
        key.resource().rate_limit.as_ref(),
        key.state(),
        Clock::System.now(),
    )
}

/// What all callers together have used of a model's limits, as in [`used_by_key`].
#[must_use]
pub fn used_by_model(model: &ModelEntry) -> RateLimit {
    used(
        model.resource().rate_limit.as_ref(),
        model.state(),
        Clock::System.now(),
    )
}

impl Meter {
    /// The key's meter, if it has limits.
    pub(super) fn key(entry: &Arc<ApiKeyEntry>) -> Option<Self> {
        let limits = entry.resource().rate_limit.as_ref()?;
        (!limits.is_unlimited()).then(|| Self::Key(Arc::clone(entry)))
    }

    /// The model's meter, if it has limits.
    pub(super) fn model(entry: &Arc<ModelEntry>) -> Option<Self> {
        let limits = entry.resource().rate_limit.as_ref()?;
        (!limits.is_unlimited()).then(|| Self::Model(Arc::clone(entry)))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Key(_) => "API key",
            Self::Model(_) => "model",
        }
    }

    /// Counts a request, or counts nothing and says which limit is in the way.
    pub(super) fn admit(&self, now: Now, quotas: &mut Quotas) -> Result<Admission, Refusal> {
        let mut admission = Admission::default();
        let Some(limits) = self.limits() else {
            return Ok(admission);
        };
        let counters = self.counters();
        for (limit, window, counter) in token_limits(limits, counters) {
            let used = counter.used(window.index(now));
            quotas.tokens(Quota::new(limit, used, window.rest(now)));
            if used >= limit {
                return Err(Refusal::Tokens { limit, window });
            }
        }
        if let Some(limit) = limits.concurrency {
            let used = counters
                .enter(limit)
                .ok_or(Refusal::Concurrency { limit })?;
            quotas.concurrent(Concurrent::new(limit, used));
        }
        for (at, limit, window, counter) in request_limits(limits, counters) {
            let Ok(counted) = counter.try_increment(window.index(now), limit) else {
                self.take_back(&admission);
                return Err(Refusal::Requests { limit, window });
            };
            admission.windows[at] = Some(counted.window);
            quotas.requests(Quota::new(limit, counted.used, window.rest(now)));
        }
        Ok(admission)
    }

    /// Takes back an admission, or the part of one that was counted.
    pub(super) fn take_back(&self, admission: &Admission) {
        let Some(limits) = self.limits() else { return };
        for (at, _, _, counter) in request_limits(limits, self.counters()) {
            if let Some(window) = admission.windows[at] {
                counter.decrement(window);
            }
        }
        self.release();
    }

    /// Frees the place among the concurrent calls.
    pub(super) fn release(&self) {
        let limits = self.limits();
        if limits.is_some_and(|limits| limits.concurrency.is_some()) {
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

    /// Notes what is left of each limit, without counting.
    pub(super) fn observe(&self, now: Now, quotas: &mut Quotas) {
        let Some(limits) = self.limits() else { return };
        let counters = self.counters();
        for (limit, window, counter) in token_limits(limits, counters) {
            let used = counter.used(window.index(now));
            quotas.tokens(Quota::new(limit, used, window.rest(now)));
        }
        for (_, limit, window, counter) in request_limits(limits, counters) {
            let used = counter.used(window.index(now));
            quotas.requests(Quota::new(limit, used, window.rest(now)));
        }
        if let Some(limit) = limits.concurrency {
            let used = counters.in_flight.load(Ordering::Acquire);
            quotas.concurrent(Concurrent::new(limit, used));
        }
    }

    fn limits(&self) -> Option<&RateLimit> {
        match self {
            Self::Key(entry) => entry.resource().rate_limit.as_ref(),
            Self::Model(entry) => entry.resource().rate_limit.as_ref(),
        }
    }

    fn counters(&self) -> &Counters {
        let cell = match self {
            Self::Key(entry) => entry.state(),
            Self::Model(entry) => entry.state(),
        };
        cell.get_or_init(Counters::default)
    }
}

impl Counters {
    /// Takes a place among the concurrent calls; how many are taken then.
    fn enter(&self, limit: u64) -> Option<u64> {
        let entered = self
            .in_flight
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                (n < limit).then_some(n + 1)
            });
        entered.ok().map(|before| before + 1)
    }
}

impl Refusal {
    /// Notes that nothing is left of the limit that refused, whatever has been given back since.
    pub(super) fn note(self, now: Now, quotas: &mut Quotas) {
        match self {
            Self::Requests { limit, window } => {
                quotas.requests(Quota::new(limit, limit, window.rest(now)));
            }
            Self::Tokens { limit, window } => {
                quotas.tokens(Quota::new(limit, limit, window.rest(now)));
            }
            Self::Concurrency { limit } => quotas.concurrent(Concurrent::new(limit, limit)),
        }
    }

    /// How long at least another try is in vain.
    pub(super) fn lasts(self, now: Now) -> Duration {
        match self {
            Self::Requests { window, .. } | Self::Tokens { window, .. } => window.rest(now),
            // Nobody knows when a call will end.
            Self::Concurrency { .. } => Duration::from_secs(1),
        }
    }
}

pub(super) fn used(limits: Option<&RateLimit>, cell: &AnyCell, now: Now) -> RateLimit {
    let mut used = RateLimit::default();
    let Some(limits) = limits else { return used };
    let counters = cell.get_or_init(Counters::default);
    let requests = [&mut used.rps, &mut used.rpm, &mut used.rph, &mut used.rpd];
    for (at, _, window, counter) in request_limits(limits, counters) {
        *requests[at] = Some(counter.used(window.index(now)));
    }
    let tokens = |window: Window, counter: &TokenCounter| counter.used(window.index(now));
    used.tpm = limits
        .tpm
        .map(|_| tokens(Window::Minute, &counters.tokens_minute));
    used.tpd = limits
        .tpd
        .map(|_| tokens(Window::Day, &counters.tokens_day));
    used.concurrency = limits
        .concurrency
        .map(|_| counters.in_flight.load(Ordering::Acquire));
    used
}

fn request_limits<'a>(
    limits: &RateLimit,
    counters: &'a Counters,
) -> impl Iterator<Item = (usize, u64, Window, &'a RequestCounter)> + use<'a> {
    [
        (limits.rps, Window::Second, &counters.second),
        (limits.rpm, Window::Minute, &counters.minute),
        (limits.rph, Window::Hour, &counters.hour),
        (limits.rpd, Window::Day, &counters.day),
    ]
    .into_iter()
    .enumerate()
    .filter_map(|(at, (limit, window, counter))| limit.map(|limit| (at, limit, window, counter)))
}

fn token_limits<'a>(
    limits: &RateLimit,
    counters: &'a Counters,
) -> impl Iterator<Item = (u64, Window, &'a TokenCounter)> + use<'a> {
    [
        (limits.tpm, Window::Minute, &counters.tokens_minute),
        (limits.tpd, Window::Day, &counters.tokens_day),
    ]
    .into_iter()
    .filter_map(|(limit, window, counter)| limit.map(|limit| (limit, window, counter)))
}
