//! The one error of every layer: what went wrong, whose fault it is, and whether to try again.
//!
//! An [`Error`] is made without side effects and carries no body: only the HTTP end of the gateway
//! turns one into a response, in the dialect of the caller.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

/// A [`Result`](std::result::Result) whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong on the way of one call.
///
/// One pointer wide, so that `Result<Reply>` stays small.
///
/// ```
/// use aisix_core::error::{Error, ErrorKind};
///
/// let error = Error::invalid_request("messages must not be empty").with_param("messages");
/// assert_eq!(error.kind(), ErrorKind::InvalidRequest);
/// assert_eq!(error.status(), 400);
/// assert_eq!(error.param(), Some("messages"));
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Box<Inner>,
}

/// The classes of failure; each name is also the value of the metric label `error.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No key, a malformed one, an unknown one, or one that has expired or is disabled: 401.
    InvalidApiKey,
    /// The key is known, but may not do this: 403.
    PermissionDenied,
    /// No model of that name: 404.
    ModelNotFound,
    /// The path is none that the gateway answers: 404.
    RouteNotFound,
    /// The path is known, but not for this method: 405.
    MethodNotAllowed,
    /// The request is malformed, or asks what the target cannot express: 400.
    InvalidRequest,
    /// The body is larger than the limit: 413.
    PayloadTooLarge,
    /// The caller stopped half-way through the body, or took too long over it: 408.
    RequestTimeout,
    /// A rate limit is used up: 429.
    RateLimited,
    /// Too many calls at once: 429.
    ConcurrencyLimited,
    /// A guardrail refused the content: 422.
    ContentFilter,
    /// The upstream refused the request with a 4xx, whose status is kept.
    UpstreamRejected,
    /// The upstream failed with a 5xx, or with an error inside its answer: 502.
    UpstreamError,
    /// The upstream could not be reached, or the connection broke: 502.
    Transport,
    /// The upstream's answer could not be understood: 502.
    UpstreamDecode,
    /// A phase of the upstream call took too long: 504.
    Timeout,
    /// Every target of the model is out: 503.
    Unavailable,
    /// The gateway's own credential for the upstream is unusable: 401.
    Authentication,
    /// The caller went away before there was an answer: 499, seen only in logs and metrics.
    CallerGone,
    /// The gateway is not configured yet, or is shutting down: 503.
    NotReady,
    /// The configuration of the gateway is at fault: 500.
    Config,
    /// A defect of the gateway: 500.
    Internal,
}

/// Whether trying again can help, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAdvice {
    /// The same request will fail in the same way.
    Never,
    /// Another try may succeed.
    Retry,
    /// Another try may succeed, but not before this time has passed.
    After(Duration),
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    status: StatusCode,
    message: Cow<'static, str>,
    error_type: Option<Cow<'static, str>>,
    code: Option<Cow<'static, str>>,
    param: Option<Cow<'static, str>>,
    retry: RetryAdvice,
    headers: Option<Box<HeaderMap>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

// === impl ErrorKind ===

impl ErrorKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 22] = [
        Self::InvalidApiKey,
        Self::PermissionDenied,
        Self::ModelNotFound,
        Self::RouteNotFound,
        Self::MethodNotAllowed,
        Self::InvalidRequest,
        Self::PayloadTooLarge,
        Self::RequestTimeout,
        Self::RateLimited,
        Self::ConcurrencyLimited,
        Self::ContentFilter,
        Self::UpstreamRejected,
        Self::UpstreamError,
        Self::Transport,
        Self::UpstreamDecode,
        Self::Timeout,
        Self::Unavailable,
        Self::Authentication,
        Self::CallerGone,
        Self::NotReady,
        Self::Config,
        Self::Internal,
    ];

    /// The name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidApiKey => "invalid_api_key",
            Self::PermissionDenied => "permission_denied",
            Self::ModelNotFound => "model_not_found",
            Self::RouteNotFound => "route_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidRequest => "invalid_request",
            Self::PayloadTooLarge => "payload_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::RateLimited => "rate_limit_exceeded",
            Self::ConcurrencyLimited => "concurrency_limit_exceeded",
            Self::ContentFilter => "content_filter",
            Self::UpstreamRejected => "upstream_rejected",
            Self::UpstreamError => "upstream_error",
            Self::Transport => "transport_error",
            Self::UpstreamDecode => "upstream_decode_error",
            Self::Timeout => "timeout",
            Self::Unavailable => "all_candidates_unavailable",
            Self::Authentication => "authentication_error",
            Self::CallerGone => "caller_gone",
            Self::NotReady => "not_ready",
            Self::Config => "config",
            Self::Internal => "internal_error",
        }
    }

    /// The `error.type` that a caller reads, where the error brings none of its own.
    #[must_use]
    pub const fn error_type(self) -> &'static str {
        match self {
            Self::RouteNotFound
            | Self::MethodNotAllowed
            | Self::InvalidRequest
            | Self::PayloadTooLarge
            | Self::RequestTimeout
            | Self::UpstreamRejected => "invalid_request_error",
            Self::ConcurrencyLimited => "rate_limit_exceeded",
            Self::Config | Self::Internal => "internal_error",
            other => other.as_str(),
        }
    }

    /// The `error.code` that a caller reads, where the error brings none of its own.
    #[must_use]
    pub const fn default_code(self) -> Option<&'static str> {
        match self {
            Self::PermissionDenied => Some("model_access_forbidden"),
            Self::ModelNotFound
            | Self::InvalidApiKey
            | Self::RateLimited
            | Self::ConcurrencyLimited => Some(self.as_str()),
            _ => None,
        }
    }

    /// The HTTP status of an error that brings none of its own.
    #[must_use]
    pub fn default_status(self) -> StatusCode {
        match self {
            Self::InvalidApiKey | Self::Authentication => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::ModelNotFound | Self::RouteNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidRequest | Self::UpstreamRejected => StatusCode::BAD_REQUEST,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited | Self::ConcurrencyLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::ContentFilter => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UpstreamError | Self::Transport | Self::UpstreamDecode => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable | Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            // nginx's own for the same event; the registry has none.
            Self::CallerGone => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Config | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn default_retry(self) -> RetryAdvice {
        match self {
            Self::UpstreamError | Self::Transport | Self::UpstreamDecode | Self::Timeout => {
                RetryAdvice::Retry
            }
            _ => RetryAdvice::Never,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Error ===

impl Error {
    /// Makes an error of `kind` with a message that the caller may read.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                status: kind.default_status(),
                message: message.into(),
                error_type: None,
                code: None,
                param: None,
                retry: kind.default_retry(),
                headers: None,
                source: None,
            }),
        }
    }

    /// The request is malformed: 400.
    #[must_use]
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// The target cannot express `param`: 400, never silently dropped.
    #[must_use]
    pub fn unsupported(
        param: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid_request(message)
            .with_code("unsupported_parameter")
            .with_param(param)
    }

    /// The key is missing, malformed or unknown: 401.
    #[must_use]
    pub fn invalid_api_key(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidApiKey, message)
    }

    /// No model is called `name`: 404.
    #[must_use]
    pub fn model_not_found(name: &str) -> Self {
        Self::new(
            ErrorKind::ModelNotFound,
            format!("The model `{name}` does not exist or you do not have access to it."),
        )
        .with_param("model")
    }

    /// The connection to the upstream failed: 502.
    #[must_use]
    pub fn transport(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Transport, message)
    }

    /// The upstream's answer cannot be understood: 502.
    #[must_use]
    pub fn upstream_decode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::UpstreamDecode, message)
    }

    /// A phase took too long: 504.
    #[must_use]
    pub fn timeout(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Timeout, message)
    }

    /// The configuration cannot be read or applied.
    #[must_use]
    pub fn config(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::new(ErrorKind::Config, source.to_string()).with_source(source)
    }

    /// A defect of the gateway: 500.
    #[must_use]
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Answers with `status` instead of the one that the kind implies.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.inner.status = status;
        self
    }

    /// Says `error.type` as given, such as the upstream's own.
    #[must_use]
    pub fn with_type(mut self, error_type: impl Into<Cow<'static, str>>) -> Self {
        self.inner.error_type = Some(error_type.into());
        self
    }

    /// Sets `error.code`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.inner.code = Some(code.into());
        self
    }

    /// Names the parameter at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.inner.param = Some(param.into());
        self
    }

    /// Says whether and when to try again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryAdvice) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Sends `headers` with the answer, beside those of every answer.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.inner.headers = Some(Box::new(headers));
        self
    }

    /// Keeps the cause, for logs; it is never shown to a caller.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(Arc::from(source.into()));
        self
    }

    /// The class of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The HTTP status that the caller gets.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// What the caller reads.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// `error.type` as the caller reads it.
    #[must_use]
    pub fn error_type(&self) -> &str {
        self.inner
            .error_type
            .as_deref()
            .unwrap_or_else(|| self.inner.kind.error_type())
    }

    /// `error.code` as the caller reads it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.inner.code {
            Some(code) => Some(code),
            // An error that speaks with the upstream's voice gets no word of ours.
            None if self.inner.error_type.is_some() => None,
            None => self.inner.kind.default_code(),
        }
    }

    /// The parameter at fault.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        self.inner.param.as_deref()
    }

    /// Whether and when to try again.
    #[must_use]
    pub fn retry(&self) -> RetryAdvice {
        self.inner.retry
    }

    /// The headers to send with the answer.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.inner.headers.as_deref()
    }

    /// The time to wait that the error names, for `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.inner.retry {
            RetryAdvice::After(delay) => Some(delay),
            RetryAdvice::Never | RetryAdvice::Retry => None,
        }
    }

    /// Whether another try may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.inner.retry != RetryAdvice::Never
    }

    /// Whether the upstream, rather than the caller or the gateway, is at fault.
    #[must_use]
    pub fn is_upstream(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::UpstreamRejected
                | ErrorKind::UpstreamError
                | ErrorKind::Transport
                | ErrorKind::UpstreamDecode
                | ErrorKind::Timeout
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.kind, self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            status,
            message,
            error_type,
            code,
            param,
            retry,
            source,
            ..
        } = &*self.inner;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("status", status)
            .field("message", message)
            .field("type", error_type)
            .field("code", code)
            .field("param", param)
            .field("retry", retry)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_pointer_wide_and_crosses_threads() {
        fn assert_send_sync<T: Send + Sync + 'static>() {}
        assert_send_sync::<Error>();
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn kinds_have_distinct_names() {
        let mut names: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorKind::ALL.len());
    }

    #[test]
    fn speaks_with_the_upstreams_voice_when_given_its_type() {
        let error = Error::new(ErrorKind::RateLimited, "slow down").with_type("tokens");
        assert_eq!((error.error_type(), error.code()), ("tokens", None));
    }

    #[test]
    fn keeps_its_cause_out_of_what_the_caller_reads() {
        let error = Error::transport("upstream unreachable").with_source("10.0.0.7 refused");
        assert!(!error.to_string().contains("10.0.0.7"));
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("10.0.0.7 refused")
        );
    }
}
