use std::time::Duration;

use aisix_core::call::Call;
use aisix_core::error::{Error, ErrorKind, RetryAdvice};

/// How often, and after how long, a call is tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) retries: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { retries: 2 }
    }
}

impl Policy {
    /// How long to wait before `call`, of which a try after `tried` others has ended in `error`, is
    /// tried again; `None` when it is not.
    pub(super) fn delay(self, call: &Call, tried: u32, error: &Error) -> Option<Duration> {
        let configured = call
            .model_entry()
            .and_then(|model| model.resource().retries);
        if tried >= configured.unwrap_or(self.retries) || !error.is_upstream() {
            return None;
        }
        // A refusal is final, also one that says when to come back: that is for the caller. An
        // answer that cannot be read has been worked for, and would be paid for twice.
        if error.status().is_client_error() || error.kind() == ErrorKind::UpstreamDecode {
            return None;
        }
        match error.retry() {
            RetryAdvice::After(delay) => (delay <= LONGEST_RETRY_AFTER).then_some(delay),
            RetryAdvice::Retry => Some(backoff(tried).mul_f64(fastrand::f64())),
            _ => None,
        }
    }
}

fn backoff(tried: u32) -> Duration {
    FIRST.saturating_mul(1 << tried.min(16)).min(LONGEST)
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(2);
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_two_seconds() {
        let waits = [0, 1, 2, 3, 4, 99].map(|tried| backoff(tried).as_millis());
        assert_eq!(waits, [250, 500, 1000, 2000, 2000, 2000]);
    }
}
