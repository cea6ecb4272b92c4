//! `google.rpc.Status`, both ways.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result, RetryAdvice};

/// Reads an answer with a status of failure.
///
/// A 4xx is the upstream's word to the caller and is passed on; of anything else the caller learns
/// only that the upstream failed, and the body goes to the logs. Two faults come as 400 that are not
/// the caller's: a bad key is told as the 401 that it is with other vendors, an account that may not
/// use the API (region, billing) as a failure of the upstream.
pub(super) fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let report = Report::read(body);
    let retry = report.retry_advice(status, retry_after(headers));
    let is_account = report.status.as_deref() == Some("FAILED_PRECONDITION");
    let error = if !status.is_client_error() || is_account {
        Error::new(
            ErrorKind::UpstreamError,
            format!("The upstream answered with status {}.", status.as_u16()),
        )
        .with_source(excerpt(body))
    } else if report.is_key_fault() {
        report.into_rejection(StatusCode::UNAUTHORIZED)
    } else {
        report.into_rejection(status)
    };
    error.with_retry(retry)
}

/// Reads the failure that an event, or an answer whose status said that all is well, reports.
pub(super) fn read_reported(status: &Value) -> Error {
    let report = Report::from_value(status);
    let code = report.code.and_then(|code| StatusCode::from_u16(code).ok());
    let body = json!({"error": status}).to_string();
    let code = code.filter(|code| code.is_client_error() || code.is_server_error());
    read_error(
        code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        &HeaderMap::new(),
        body.as_bytes(),
    )
}

/// Fails if `body` reports a failure, whole or in the list that unary answers to stream requests
/// come in.
pub(super) fn check_reported(body: &[u8]) -> Result<()> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Ok(());
    };
    let first = match &value {
        Value::Array(values) => values.first(),
        whole => Some(whole),
    };
    match first.and_then(|value| value.get("error")) {
        Some(error) if !error.is_null() => Err(read_reported(error)),
        _ => Ok(()),
    }
}

/// Writes `{"error": {"code", "message", "status"}}`.
pub(super) fn write_error(error: &Error, out: &mut BytesMut) {
    let code = error.status().as_u16();
    let mut status = json!({
        "code": code,
        "message": error.message(),
        "status": status_word(code),
    });
    if let Some(delay) = error.retry_after() {
        status["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}s", delay.as_secs_f64().ceil()),
        }]);
    } else if let Some(param) = error.param() {
        status["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": param, "description": error.message()}],
        }]);
    }
    out.put_slice(json!({"error": status}).to_string().as_bytes());
}

/// Writes the event that ends a broken stream.
pub(super) fn write_stream_error(error: &Error, out: &mut BytesMut) {
    out.put_slice(b"data: ");
    write_error(error, out);
    out.put_slice(b"\r\n\r\n");
}

/// What an error body says, as far as it says anything.
#[derive(Debug, Default)]
struct Report {
    code: Option<u16>,
    message: Option<String>,
    status: Option<String>,
    reason: Option<String>,
    field: Option<String>,
    retry_delay: Option<Duration>,
    /// A quota by the day: waiting a little is no use.
    is_daily: bool,
}

impl Report {
    fn read(body: &[u8]) -> Self {
        let value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let first = match value {
            Value::Array(values) => values.into_iter().next().unwrap_or(Value::Null),
            whole => whole,
        };
        match first {
            Value::Object(map) => map.get("error").map(Self::from_value),
            _ => None,
        }
        .unwrap_or_default()
    }

    fn from_value(status: &Value) -> Self {
        let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let mut report = Self {
            code: status
                .get("code")
                .and_then(Value::as_u64)
                .and_then(|code| u16::try_from(code).ok()),
            message: text(status, "message"),
            status: text(status, "status"),
            ..Self::default()
        };
        let details = status.get("details").and_then(Value::as_array);
        for detail in details.into_iter().flatten() {
            report.reason = report.reason.or_else(|| text(detail, "reason"));
            if let Some(delay) = text(detail, "retryDelay") {
                report.retry_delay = read_duration(&delay);
            }
            let list = |name| {
                detail
                    .get(name)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
            };
            for violation in list("violations") {
                let quota = text(violation, "quotaId").unwrap_or_default();
                report.is_daily |= quota.contains("PerDay");
            }
            if let Some(violation) = list("fieldViolations").next() {
                report.field = report.field.or_else(|| text(violation, "field"));
            }
        }
        report
    }

    fn is_key_fault(&self) -> bool {
        let says = |words: &str| {
            self.message
                .as_deref()
                .is_some_and(|message| message.contains(words))
        };
        self.reason.as_deref() == Some("API_KEY_INVALID")
            || says("API key not valid")
            || says("API key expired")
    }

    fn retry_advice(&self, status: StatusCode, said: Option<Duration>) -> RetryAdvice {
        let retryable = match self.status.as_deref() {
            Some("FAILED_PRECONDITION") => false,
            _ if self.is_daily => false,
            _ => status.is_server_error() || matches!(status.as_u16(), 408 | 429),
        };
        match self.retry_delay.or(said) {
            _ if !retryable => RetryAdvice::Never,
            Some(delay) => RetryAdvice::After(delay),
            None => RetryAdvice::Retry,
        }
    }

    /// The vendor has no types of errors as OpenAI does: what callers look for is told in OpenAI's
    /// words, with the vendor's own word where those have none.
    fn into_rejection(self, status: StatusCode) -> Error {
        let message: Cow<'static, str> = self.message.map_or_else(
            || {
                let status = status.as_u16();
                Cow::Owned(format!(
                    "The upstream refused the request with status {status}."
                ))
            },
            Cow::Owned,
        );
        let is_unknown_model = status == StatusCode::NOT_FOUND && message.contains("models/");
        let own_word = self.reason.or(self.status);
        let error = Error::new(ErrorKind::UpstreamRejected, message).with_status(status);
        let (error_type, code) = match status.as_u16() {
            401 => ("authentication_error", own_word),
            403 => ("permission_denied", own_word),
            429 if self.is_daily => ("insufficient_quota", Some("insufficient_quota".to_owned())),
            429 => (
                "rate_limit_exceeded",
                Some("rate_limit_exceeded".to_owned()),
            ),
            _ if is_unknown_model => ("invalid_request_error", Some("model_not_found".to_owned())),
            _ => ("invalid_request_error", own_word),
        };
        let error = error.with_type(error_type);
        let error = match code {
            Some(code) => error.with_code(code),
            None => error,
        };
        match self.field {
            Some(field) => error.with_param(field),
            None => error,
        }
    }
}

/// `34.4s`, as Protobuf spells a duration in JSON.
fn read_duration(text: &str) -> Option<Duration> {
    let seconds = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Duration::try_from_secs_f64(value.trim().parse().ok()?).ok()
}

/// The word of `google.rpc.Code` that goes with a status of HTTP.
fn status_word(code: u16) -> &'static str {
    match code {
        400 | 413 | 422 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        408 | 504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "UNKNOWN",
    }
}

fn excerpt(body: &[u8]) -> String {
    let body = &body[..body.len().min(EXCERPT_LIMIT)];
    String::from_utf8_lossy(body).into_owned()
}

const EXCERPT_LIMIT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &Value) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        read_error(status, &HeaderMap::new(), body.to_string().as_bytes())
    }

    fn status(code: u16, word: &str, message: &str, details: &Value) -> Value {
        json!({"error": {"code": code, "message": message, "status": word, "details": details}})
    }

    #[test]
    fn the_wait_stands_in_the_body() {
        let details = json!([
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure",
             "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}
        ]);
        let body = status(429, "RESOURCE_EXHAUSTED", "quota", &details);
        for body in [body.clone(), json!([body])] {
            let error = read(429, &body);
            assert_eq!(
                error.retry(),
                RetryAdvice::After(Duration::from_millis(34_400))
            );
            assert_eq!(error.code(), Some("rate_limit_exceeded"));
            assert_eq!((error.status().as_u16(), error.message()), (429, "quota"));
        }
    }

    #[test]
    fn a_quota_by_the_day_is_not_waited_for() {
        let details = json!([
            {"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]},
            {"retryDelay": "3s"}
        ]);
        let error = read(429, &status(429, "RESOURCE_EXHAUSTED", "quota", &details));
        assert_eq!(error.retry(), RetryAdvice::Never);
        assert_eq!(error.code(), Some("insufficient_quota"));
    }

    #[test]
    fn a_bad_key_is_no_bad_request() {
        let details = json!([{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
        let message = "API key not valid. Please pass a valid API key.";
        let error = read(400, &status(400, "INVALID_ARGUMENT", message, &details));
        assert_eq!(error.kind(), ErrorKind::UpstreamRejected);
        assert_eq!(error.status(), 401);
        assert_eq!(error.code(), Some("API_KEY_INVALID"));
    }

    #[test]
    fn an_account_that_may_not_is_a_failure_of_the_upstream() {
        let message = "User location is not supported for the API use.";
        let error = read(
            400,
            &status(400, "FAILED_PRECONDITION", message, &json!([])),
        );
        assert_eq!(error.kind(), ErrorKind::UpstreamError);
        assert_eq!(error.retry(), RetryAdvice::Never);
    }

    #[test]
    fn an_unknown_model_is_told_as_callers_expect() {
        let message = "models/x is not found for API version v1beta";
        let error = read(404, &status(404, "NOT_FOUND", message, &json!([])));
        assert_eq!(
            (error.status().as_u16(), error.code()),
            (404, Some("model_not_found"))
        );
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let details = json!([{"fieldViolations": [{"field": "contents", "description": "no"}]}]);
        let error = read(400, &status(400, "INVALID_ARGUMENT", "no", &details));
        assert_eq!(
            (error.param(), error.code()),
            (Some("contents"), Some("INVALID_ARGUMENT"))
        );
    }

    #[test]
    fn a_failure_is_shown_to_the_logs_only() {
        let error = read(503, &status(503, "UNAVAILABLE", "overloaded", &json!([])));
        assert_eq!(
            (error.kind(), error.status().as_u16()),
            (ErrorKind::UpstreamError, 502)
        );
        assert_eq!(error.retry(), RetryAdvice::Retry);
        assert!(!error.message().contains("overloaded"));
        assert_eq!(
            read_error(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html>").status(),
            502
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut out = BytesMut::new();
        write_error(
            &Error::invalid_request("no \"x\"").with_param("x"),
            &mut out,
        );
        let error = read_error(StatusCode::BAD_REQUEST, &HeaderMap::new(), &out);
        assert_eq!((error.message(), error.param()), ("no \"x\"", Some("x")));

        let mut out = BytesMut::new();
        let slow = Error::new(ErrorKind::RateLimited, "slow")
            .with_retry(RetryAdvice::After(Duration::from_millis(1500)));
        write_stream_error(&slow, &mut out);
        let data = out.strip_prefix(b"data: ").unwrap();
        let error = check_reported(data).unwrap_err();
        assert_eq!(error.status(), 429);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
    }
}
