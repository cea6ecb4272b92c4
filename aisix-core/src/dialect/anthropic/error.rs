use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::dialect::openai::{excerpt, retry_advice};
use crate::error::{Error, ErrorKind, RetryAdvice};
use crate::{json, sse};

/// Reads an answer with a status of failure.
///
/// A 4xx is the upstream's word to the caller and is passed on; of anything else the caller learns
/// only the class, and the body goes to the logs.
pub(super) fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let report = Report::read(body);
    let retry = retry_advice(status, headers, report.is_final());
    let error = if status.is_client_error() {
        report.into_rejection(status)
    } else {
        report.into_failure(status).with_source(excerpt(body))
    };
    error.with_retry(retry)
}

/// Reads the `error` of an event, or of an answer whose status said that all is well.
pub(super) fn read_reported(error: &Value) -> Error {
    let report = Report::from_error(error);
    let status = report.status();
    if status.is_client_error() {
        let retry = retry_advice(status, &HeaderMap::new(), report.is_final());
        return report.into_rejection(status).with_retry(retry);
    }
    let source = error.to_string();
    report
        .into_failure(status)
        .with_source(excerpt(source.as_bytes()))
        .with_retry(RetryAdvice::Retry)
}

/// Writes `{"type": "error", "error": {"type", "message"}}`.
pub(super) fn write_error(error: &Error, out: &mut BytesMut) {
    out.put_slice(br#"{"type":"error","error":{"type":"#);
    json::write_string(out, error_type(error));
    out.put_slice(br#","message":"#);
    json::write_string(out, error.message());
    out.put_slice(b"}}");
}

/// Writes the event that ends a broken stream; without one, half an answer looks whole to the SDKs.
pub(super) fn write_stream_error(error: &Error, out: &mut BytesMut) {
    let mut body = BytesMut::new();
    write_error(error, &mut body);
    sse::write_event(out, Some("error"), &body);
}

/// The type in Anthropic's words: the error's own if it is one, else that of the status.
fn error_type(error: &Error) -> &str {
    let own = TYPES.iter().find(|(_, name)| *name == error.error_type());
    if let Some((_, name)) = own {
        return name;
    }
    match error.status().as_u16() {
        429 => "rate_limit_error",
        503 => "overloaded_error",
        status => TYPES
            .iter()
            .find(|(known, _)| *known == status)
            .map(|(_, name)| *name)
            .unwrap_or(if status < 500 {
                "invalid_request_error"
            } else {
                "api_error"
            }),
    }
}

/// What an error body says, as far as it says anything.
#[derive(Debug, Default)]
struct Report {
    message: Option<String>,
    error_type: Option<String>,
    code: Option<String>,
}

impl Report {
    fn read(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        Self::from_error(value.get("error").unwrap_or(&value))
    }

    fn from_error(error: &Value) -> Self {
        let text = |value: Option<&Value>| value?.as_str().map(str::to_owned);
        Self {
            message: text(error.get("message")).or_else(|| text(Some(error))),
            error_type: text(error.get("type")),
            code: text(error.pointer("/details/error_code")),
        }
    }

    /// The status that the same words have outside a stream.
    fn status(&self) -> StatusCode {
        let known = TYPES
            .iter()
            .find(|(_, name)| self.error_type.as_deref() == Some(name));
        known
            .and_then(|(status, _)| StatusCode::from_u16(*status).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Limits of spending do not go away by waiting.
    fn is_final(&self) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| code.ends_with("spend_limit_reached"))
    }

    fn into_rejection(self, status: StatusCode) -> Error {
        let code = self.code_in_common_words();
        let message = self.message.map_or_else(
            || {
                let status = status.as_u16();
                Cow::Owned(format!(
                    "The upstream refused the request with status {status}."
                ))
            },
            Cow::Owned,
        );
        let mut error = Error::new(ErrorKind::UpstreamRejected, message).with_status(status);
        if let Some(error_type) = self.error_type {
            error = error.with_type(error_type);
        }
        match code {
            Some(code) => error.with_code(code),
            None => error,
        }
    }

    /// Anthropic has codes for few things; callers of other formats look for these.
    fn code_in_common_words(&self) -> Option<String> {
        let message = self.message.as_deref().unwrap_or_default();
        let common = match self.error_type.as_deref()? {
            "not_found_error" if message.starts_with("model:") => "model_not_found",
            "rate_limit_error" => "rate_limit_exceeded",
            "request_too_large" => "request_too_large",
            _ if message.starts_with("prompt is too long") => "context_length_exceeded",
            _ => return self.code.clone(),
        };
        self.code.clone().or_else(|| Some(common.to_owned()))
    }

    fn into_failure(self, status: StatusCode) -> Error {
        match self.error_type.as_deref() {
            Some(kind @ "overloaded_error") => {
                Error::new(ErrorKind::UpstreamError, "The upstream is overloaded.")
                    .with_status(StatusCode::SERVICE_UNAVAILABLE)
                    .with_type(kind.to_owned())
            }
            Some("timeout_error") => Error::timeout("The upstream took too long to answer."),
            _ => Error::new(
                ErrorKind::UpstreamError,
                format!("The upstream failed with status {}.", status.as_u16()),
            ),
        }
    }
}

/// The types of errors, and the status that each comes with.
const TYPES: &[(u16, &str)] = &[
    (400, "invalid_request_error"),
    (401, "authentication_error"),
    (402, "billing_error"),
    (403, "permission_error"),
    (404, "not_found_error"),
    (409, "conflict_error"),
    (413, "request_too_large"),
    (429, "rate_limit_error"),
    (500, "api_error"),
    (504, "timeout_error"),
    (529, "overloaded_error"),
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        read_error(status, &HeaderMap::new(), body.as_bytes())
    }

    fn written(error: &Error) -> Value {
        let mut out = BytesMut::new();
        write_error(error, &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_refusal_keeps_the_upstreams_words() {
        let error = read(
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"},"request_id":"r"}"#,
        );
        assert_eq!(error.kind(), ErrorKind::UpstreamRejected);
        assert_eq!(error.message(), "model: x");
        assert_eq!(error.error_type(), "not_found_error");
        assert_eq!(error.code(), Some("model_not_found"));
        assert!(!error.is_retryable());
        assert_eq!(written(&error)["error"]["type"], "not_found_error");
    }

    #[test]
    fn an_overloaded_upstream_is_tried_again() {
        for status in [529, 500] {
            let error = read(
                status,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"10.0.0.7"}}"#,
            );
            assert_eq!(error.status(), 503);
            assert!(error.is_retryable() && !error.message().contains("10.0.0.7"));
            assert_eq!(written(&error)["error"]["type"], "overloaded_error");
        }
        assert_eq!(read(502, "<html>bad gateway</html>").status(), 502);
        assert_eq!(
            read(504, r#"{"error":{"type":"timeout_error"}}"#).status(),
            504
        );
    }

    #[test]
    fn the_wait_of_a_rate_limit_is_kept_and_a_spent_budget_is_final() {
        let headers = HeaderMap::from_iter([(
            http::header::RETRY_AFTER,
            http::HeaderValue::from_static("7"),
        )]);
        let body = br#"{"error":{"type":"rate_limit_error","message":"slow"}}"#;
        let error = read_error(StatusCode::TOO_MANY_REQUESTS, &headers, body);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error.code(), Some("rate_limit_exceeded"));
        let error = read(
            429,
            r#"{"error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        );
        assert_eq!(error.retry(), RetryAdvice::Never);
        assert_eq!(error.code(), Some("enforced_spend_limit_reached"));
    }

    #[test]
    fn what_a_stream_reports_has_the_status_of_its_type() {
        let report = |kind: &str| read_reported(&serde_json::json!({"type": kind, "message": "m"}));
        assert_eq!(report("invalid_request_error").status(), 400);
        assert!(report("rate_limit_error").is_retryable());
        assert_eq!(report("overloaded_error").status(), 503);
        assert_eq!(report("api_error").status(), 502);
        assert_eq!(report("unheard_of").kind(), ErrorKind::UpstreamError);
    }

    #[test]
    fn errors_of_the_gateway_get_a_type_that_the_sdks_know() {
        let kind = |error: Error| written(&error)["error"]["type"].as_str().map(str::to_owned);
        let types = ErrorKind::ALL.map(|each| kind(Error::new(each, "m")).unwrap());
        for kind in &types {
            assert!(TYPES.iter().any(|(_, known)| known == kind), "{kind}");
        }
        assert_eq!(
            kind(Error::invalid_api_key("m")).as_deref(),
            Some("authentication_error")
        );
        assert_eq!(
            kind(Error::model_not_found("m")).as_deref(),
            Some("not_found_error")
        );
        assert_eq!(
            kind(Error::new(ErrorKind::RateLimited, "m")).as_deref(),
            Some("rate_limit_error")
        );
        assert_eq!(kind(Error::transport("m")).as_deref(), Some("api_error"));
    }

    #[test]
    fn a_broken_stream_ends_with_a_named_event() {
        let mut out = BytesMut::new();
        write_stream_error(&Error::transport("cut"), &mut out);
        assert_eq!(
            &out[..],
            b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"cut\"}}\n\n"
        );
    }
}
