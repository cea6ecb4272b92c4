use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::conversation::Usage;
use crate::error::{Error, ErrorKind};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The last byte has gone out.
    Complete,
    /// The gateway refused the call: no upstream is at fault.
    Refused,
    /// The upstream refused, failed, or broke off.
    UpstreamError,
    /// A phase of the upstream call took too long.
    Timeout,
    /// The caller left before the end.
    CallerGone,
}

/// What there is to say about a call when it has ended: what it cost, and how it went.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub(super) end: End,
    pub(super) status: StatusCode,
    pub(super) error: Option<ErrorKind>,
    pub(super) usage: Usage,
    pub(super) estimated: bool,
    pub(super) duration: Duration,
    pub(super) time_to_first_token: Option<Duration>,
    pub(super) bytes: u64,
}

// === impl End ===

impl End {
    /// Where a call ends that failed with `error`.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::CallerGone => Self::CallerGone,
            _ if error.is_upstream() => Self::UpstreamError,
            _ => Self::Refused,
        }
    }

    /// The name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Refused => "refused",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::CallerGone => "caller_gone",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Outcome ===

impl Outcome {
    /// How the call ended.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// The status that the caller was sent; of a call that ended before the first byte, the status
    /// of its error, which is 499 when the caller has left.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What failed, if something did.
    #[must_use]
    pub fn error(&self) -> Option<ErrorKind> {
        self.error
    }

    /// The tokens used.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Whether the usage is a guess, because the call ended before anybody had counted.
    #[must_use]
    pub fn is_estimated(&self) -> bool {
        self.estimated
    }

    /// From the arrival of the request to its end.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// From the arrival of the request to the first event of the answer with content.
    #[must_use]
    pub fn time_to_first_token(&self) -> Option<Duration> {
        self.time_to_first_token
    }

    /// The bytes of the answer that were handed over for sending.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
