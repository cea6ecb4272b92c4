use std::cmp::Reverse;
use std::fmt::{self, Write};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// How much of one limit is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    limit: u64,
    remaining: u64,
    reset: Duration,
}

/// How many of the concurrent calls are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Concurrent {
    limit: u64,
    remaining: u64,
}

/// The strictest limit of each sort: the one with the least left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quotas {
    requests: Option<Quota>,
    tokens: Option<Quota>,
    concurrent: Option<Concurrent>,
}

impl Quota {
    pub(super) fn new(limit: u64, used: u64, reset: Duration) -> Self {
        Self {
            limit,
            remaining: limit.saturating_sub(used),
            reset,
        }
    }

    /// Of two limits with as much left, the one that is stricter lasts longer.
    fn strictness(&self) -> (u64, Reverse<Duration>) {
        (self.remaining, Reverse(self.reset))
    }
}

impl Concurrent {
    pub(super) fn new(limit: u64, used: u64) -> Self {
        Self {
            limit,
            remaining: limit.saturating_sub(used),
        }
    }
}

impl Quotas {
    pub(super) fn requests(&mut self, quota: Quota) {
        keep_strictest(&mut self.requests, quota, Quota::strictness);
    }

    pub(super) fn tokens(&mut self, quota: Quota) {
        keep_strictest(&mut self.tokens, quota, Quota::strictness);
    }

    pub(super) fn concurrent(&mut self, concurrent: Concurrent) {
        keep_strictest(&mut self.concurrent, concurrent, |concurrent| {
            concurrent.remaining
        });
    }

    /// How long it takes until nothing is used up any more; zero when nothing is.
    pub(super) fn exhausted_for(&self) -> Duration {
        [self.requests, self.tokens]
            .into_iter()
            .flatten()
            .filter(|quota| quota.remaining == 0)
            .map(|quota| quota.reset)
            .max()
            .unwrap_or_default()
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        if let Some(Quota {
            limit,
            remaining,
            reset,
        }) = self.requests
        {
            headers.insert(LIMIT_REQUESTS, limit.into());
            headers.insert(REMAINING_REQUESTS, remaining.into());
            headers.insert(RESET_REQUESTS, go_duration(reset));
        }
        if let Some(Quota {
            limit,
            remaining,
            reset,
        }) = self.tokens
        {
            headers.insert(LIMIT_TOKENS, limit.into());
            headers.insert(REMAINING_TOKENS, remaining.into());
            headers.insert(RESET_TOKENS, go_duration(reset));
        }
        if let Some(Concurrent { limit, remaining }) = self.concurrent {
            headers.insert(LIMIT_CONCURRENT, limit.into());
            headers.insert(REMAINING_CONCURRENT, remaining.into());
        }
    }
}

fn keep_strictest<T, K: Ord>(slot: &mut Option<T>, new: T, strictness: impl Fn(&T) -> K) {
    match slot {
        Some(kept) if strictness(kept) <= strictness(&new) => {}
        _ => *slot = Some(new),
    }
}

fn go_duration(duration: Duration) -> HeaderValue {
    let mut text = Text {
        bytes: [0; 32],
        len: 0,
    };
    // The buffer holds the longest duration there is.
    let _fits = write_go_duration(&mut text, duration);
    HeaderValue::from_bytes(&text.bytes[..text.len])
        .unwrap_or_else(|_| HeaderValue::from_static("0s"))
}

/// A duration as Go prints it, and OpenAI in these headers: `120ms`, `1s`, `6m0s`, `1h0m0s`.
fn write_go_duration(out: &mut impl Write, duration: Duration) -> fmt::Result {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis < 1000 {
        return write!(out, "{}ms", millis.max(1));
    }
    let secs = millis.div_ceil(1000);
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    match (hours, minutes) {
        (0, 0) => write!(out, "{secs}s"),
        (0, _) => write!(out, "{minutes}m{secs}s"),
        _ => write!(out, "{hours}h{minutes}m{secs}s"),
    }
}

struct Text {
    bytes: [u8; 32],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes
            .get_mut(self.len..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

const LIMIT_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");
const LIMIT_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-limit-tokens");
const REMAINING_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-tokens");
const RESET_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-reset-tokens");
const LIMIT_CONCURRENT: HeaderName = HeaderName::from_static("x-ratelimit-limit-concurrent");
const REMAINING_CONCURRENT: HeaderName =
    HeaderName::from_static("x-ratelimit-remaining-concurrent");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_durations_as_openai_does() {
        let text = |millis| {
            go_duration(Duration::from_millis(millis))
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(text(0), "1ms");
        assert_eq!(text(120), "120ms");
        assert_eq!(text(1001), "2s");
        assert_eq!(text(360_000), "6m0s");
        assert_eq!(text(86_400_000), "24h0m0s");
    }

    #[test]
    fn what_is_used_up_the_longest_says_when_to_come_back() {
        let mut quotas = Quotas::default();
        assert_eq!(quotas.exhausted_for(), Duration::ZERO);
        quotas.requests(Quota::new(5, 5, Duration::from_secs(1)));
        quotas.requests(Quota::new(9, 9, Duration::from_secs(60)));
        quotas.requests(Quota::new(9, 8, Duration::from_secs(3600)));
        quotas.tokens(Quota::new(7, 9, Duration::from_secs(30)));
        assert_eq!(quotas.exhausted_for(), Duration::from_secs(60));
        let mut headers = HeaderMap::new();
        quotas.write(&mut headers);
        assert_eq!(headers["x-ratelimit-limit-requests"], "9");
        assert_eq!(headers["x-ratelimit-reset-requests"], "1m0s");
    }

    #[test]
    fn keeps_the_limit_with_the_least_left() {
        let mut quotas = Quotas::default();
        quotas.requests(Quota::new(100, 10, Duration::from_secs(60)));
        quotas.requests(Quota::new(5, 1, Duration::from_secs(1)));
        quotas.requests(Quota::new(1000, 10, Duration::from_secs(3600)));
        let mut headers = HeaderMap::new();
        quotas.write(&mut headers);
        assert_eq!(headers["x-ratelimit-limit-requests"], "5");
        assert_eq!(headers["x-ratelimit-remaining-requests"], "4");
        assert_eq!(headers["x-ratelimit-reset-requests"], "1s");
        assert_eq!(headers.len(), 3);
    }
}
