//! What can go wrong on the way to an upstream, in words that a caller may read.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aisix_core::error::Error;
use http::uri::Authority;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A part of an upstream call that has a time limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connect,
    Tls,
    Headers,
    Body,
}

/// The cause of an error, with the address that its message must not name.
#[derive(Debug)]
struct At {
    authority: Authority,
    cause: BoxError,
}

#[derive(Debug)]
struct Elapsed(Duration);

/// The phase took longer than `limit`.
pub(super) fn timed_out(phase: Phase, authority: &Authority, limit: Duration) -> Error {
    let message = match phase {
        Phase::Connect => "connecting to the upstream timed out",
        Phase::Tls => "the TLS handshake with the upstream timed out",
        Phase::Headers => "the upstream did not answer in time",
        Phase::Body => "the upstream's answer stalled",
    };
    Error::timeout(message).with_source(At::new(authority, Elapsed(limit)))
}

/// The phase failed, and not for lack of time.
pub(super) fn failed(phase: Phase, authority: &Authority, cause: impl Into<BoxError>) -> Error {
    let message = match phase {
        Phase::Connect => "could not connect to the upstream",
        Phase::Tls => "the TLS handshake with the upstream failed",
        Phase::Headers => "the connection to the upstream broke before it answered",
        Phase::Body => "the connection to the upstream broke in the middle of its answer",
    };
    Error::transport(message).with_source(At::new(authority, cause))
}

/// Whether HTTP/2 says that the upstream has not looked at the request.
pub(super) fn is_unprocessed(error: &hyper::Error) -> bool {
    let Some(error) = error
        .source()
        .and_then(|source| source.downcast_ref::<h2::Error>())
    else {
        return false;
    };
    match error.reason() {
        // RFC 9113, 6.8: a stream above the last one that a GOAWAY names was not processed.
        Some(h2::Reason::NO_ERROR) => error.is_go_away() && error.is_remote(),
        // RFC 9113, 8.7: no processing has occurred.
        Some(h2::Reason::REFUSED_STREAM) => error.is_reset() && error.is_remote(),
        _ => false,
    }
}

impl At {
    fn new(authority: &Authority, cause: impl Into<BoxError>) -> Self {
        Self {
            authority: authority.clone(),
            cause: cause.into(),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.authority, self.cause)
    }
}

impl StdError for At {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no progress within {:?}", self.0)
    }
}

impl StdError for Elapsed {}
