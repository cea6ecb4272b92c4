use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::json;
use crate::sse;

/// Reads an answer with a status of failure.
///
/// A 4xx is the upstream's word to the caller and is passed on; of anything else the caller learns
/// only that the upstream failed, and the body goes to the logs.
pub(super) fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let report = Report::read(body);
    let retry = retry_advice(status, headers, report.says("insufficient_quota"));
    let error = if status.is_client_error() {
        report.into_rejection(status)
    } else {
        Error::new(
            ErrorKind::UpstreamError,
            format!("The upstream answered with status {}.", status.as_u16()),
        )
        .with_source(excerpt(body))
    };
    error.with_retry(retry)
}

/// Reads the `error` of an event or of an answer whose status said that all is well.
///
/// There is no status to go by, so the words decide whose fault it is.
pub(super) fn read_reported(error: Value) -> Error {
    let source = error.to_string();
    let report = Report::from_value(error);
    match report.status() {
        Some(status) => {
            let is_final = report.says("insufficient_quota");
            let retry = retry_advice(status, &HeaderMap::new(), is_final);
            report.into_rejection(status).with_retry(retry)
        }
        None => Error::new(
            ErrorKind::UpstreamError,
            "The upstream reported an error in its answer.",
        )
        .with_source(excerpt(source.as_bytes())),
    }
}

/// Writes `{"error": {"message", "type", "param", "code"}}`.
pub(super) fn write_error(error: &Error, out: &mut BytesMut) {
    out.put_slice(br#"{"error":{"message":"#);
    json::write_string(out, error.message());
    out.put_slice(br#","type":"#);
    json::write_string(out, error.error_type());
    out.put_slice(br#","param":"#);
    write_optional(out, error.param());
    out.put_slice(br#","code":"#);
    write_optional(out, error.code());
    out.put_slice(b"}}");
}

/// Writes the event that ends a broken stream; the SDKs raise at a top-level `error` of any event.
pub(super) fn write_stream_error(error: &Error, out: &mut BytesMut) {
    let mut body = BytesMut::new();
    write_error(error, &mut body);
    sse::write_event(out, Some("error"), &body);
}

/// Reads a JSON answer of the upstream.
///
/// Half of a surrogate pair, which vendors produce when they cut an emoji in two between chunks,
/// becomes U+FFFD: to lose a character is better than to lose the answer.
pub(in crate::dialect) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).or_else(|error| {
        let mended = mend_surrogates(body).ok_or_else(|| undecodable(error))?;
        serde_json::from_slice(&mended).map_err(undecodable)
    })
}

/// Replaces escaped halves of surrogate pairs; `None` when there are none.
fn mend_surrogates(body: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| -> Option<u16> {
        let escape = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(str::from_utf8(escape).ok()?, 16).ok()
    };
    let mut mended = None;
    let mut at = 0;
    while let Some(more) = memchr::memchr(b'\\', &body[at..]) {
        at += more;
        at += match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                let mended = mended.get_or_insert_with(|| body.to_vec());
                mended[at + 2..at + 6].copy_from_slice(b"fffd");
                6
            }
            _ => 2,
        };
        at = at.min(body.len());
    }
    mended
}

/// An answer of the upstream that is not what it should be; the reason is for the logs.
pub(in crate::dialect) fn undecodable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::upstream_decode("The upstream's answer could not be understood.").with_source(source)
}

/// What an error body says, as far as it says anything.
#[derive(Debug, Default)]
struct Report {
    message: Option<String>,
    error_type: Option<String>,
    code: Option<String>,
    param: Option<String>,
}

impl Report {
    fn read(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(value) => Self::from_value(value),
            Err(_) => Self {
                message: plain_text(body),
                ..Self::default()
            },
        }
    }

    /// Finds the words in `{"error": {…}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`
    /// and in a list of one of these.
    fn from_value(value: Value) -> Self {
        match value {
            Value::Object(mut map) => match map.remove("error") {
                Some(inner @ Value::Object(_)) => Self::from_value(inner),
                Some(Value::String(message)) => Self {
                    message: Some(message),
                    ..Self::from_map(map)
                },
                _ => Self::from_map(map),
            },
            Value::Array(values) => values
                .into_iter()
                .next()
                .map(Self::from_value)
                .unwrap_or_default(),
            Value::String(message) => Self {
                message: Some(message),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    fn from_map(mut map: Map<String, Value>) -> Self {
        let mut take = |name: &str| map.remove(name).and_then(into_text);
        Self {
            message: take("message").or_else(|| take("detail")),
            error_type: take("type"),
            code: take("code"),
            param: take("param"),
        }
    }

    fn says(&self, word: &str) -> bool {
        self.code.as_deref() == Some(word) || self.error_type.as_deref() == Some(word)
    }

    /// The status that the same words have outside a stream, if the caller can do something.
    fn status(&self) -> Option<StatusCode> {
        let numeric = self.code.as_deref().and_then(|code| code.parse().ok());
        if let Some(status @ 400..500) = numeric {
            return StatusCode::from_u16(status).ok();
        }
        let too_many = [
            "rate_limit_exceeded",
            "insufficient_quota",
            "requests",
            "tokens",
        ];
        if too_many.iter().any(|word| self.says(word)) {
            return Some(StatusCode::TOO_MANY_REQUESTS);
        }
        self.says("invalid_request_error")
            .then_some(StatusCode::BAD_REQUEST)
    }

    fn into_rejection(self, status: StatusCode) -> Error {
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
        if let Some(code) = self.code {
            error = error.with_code(code);
        }
        if let Some(param) = self.param {
            error = error.with_param(param);
        }
        error
    }
}

/// What the official SDKs do with the same answer, unless its words are final, such as those of a
/// quota that is used up: another try with the same account is lost.
pub(in crate::dialect) fn retry_advice(
    status: StatusCode,
    headers: &HeaderMap,
    is_final: bool,
) -> RetryAdvice {
    let said = headers
        .get("x-should-retry")
        .and_then(|value| value.to_str().ok());
    let retryable = match said {
        Some("true") => true,
        Some("false") => false,
        _ if is_final => false,
        _ => status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 429),
    };
    match retry_after(headers) {
        _ if !retryable => RetryAdvice::Never,
        Some(delay) => RetryAdvice::After(delay),
        None => RetryAdvice::Retry,
    }
}

/// `retry-after-ms`, else `retry-after` in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number =
        |name: &str| -> Option<f64> { headers.get(name)?.to_str().ok()?.trim().parse().ok() };
    let seconds = number("retry-after-ms")
        .map(|milliseconds| milliseconds / 1000.0)
        .or_else(|| number(header::RETRY_AFTER.as_str()))
        .or_else(|| seconds_until(headers));
    Duration::try_from_secs_f64(seconds?).ok()
}

/// A date counts from the upstream's own clock, which its answer says.
fn seconds_until(headers: &HeaderMap) -> Option<f64> {
    let date = |name| -> Option<Timestamp> {
        let text = headers.get(name)?.to_str().ok()?;
        rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
    };
    let delay = date(header::RETRY_AFTER)?.duration_since(date(header::DATE)?);
    Some(delay.as_secs_f64().max(0.0))
}

/// A short text that is no markup can be shown as it is.
fn plain_text(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?.trim();
    let is_plain = !text.is_empty() && text.len() <= MESSAGE_LIMIT && !text.starts_with('<');
    is_plain.then(|| text.to_owned())
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

pub(in crate::dialect) fn excerpt(body: &[u8]) -> String {
    let body = &body[..body.len().min(EXCERPT_LIMIT)];
    String::from_utf8_lossy(body).into_owned()
}

fn write_optional(out: &mut BytesMut, text: Option<&str>) {
    match text {
        Some(text) => json::write_string(out, text),
        None => out.put_slice(b"null"),
    }
}

const MESSAGE_LIMIT: usize = 1000;
const EXCERPT_LIMIT: usize = 4096;

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn read(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        read_error(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn a_refusal_keeps_the_upstreams_words() {
        let error = read(
            400,
            r#"{"error":{"message":"Too big","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        );
        assert_eq!(error.kind(), ErrorKind::UpstreamRejected);
        assert_eq!((error.status().as_u16(), error.message()), (400, "Too big"));
        assert_eq!(error.code(), Some("context_length_exceeded"));
        assert_eq!(error.param(), Some("messages"));
        assert!(!error.is_retryable());
    }

    #[test]
    fn refusals_of_other_shapes_are_read_too() {
        assert_eq!(
            read(404, r#"{"detail":"Not Found"}"#).message(),
            "Not Found"
        );
        assert_eq!(read(400, r#"{"error":"bad","code":7}"#).code(), Some("7"));
        assert_eq!(
            read(422, "unknown variant `custom`").message(),
            "unknown variant `custom`"
        );
        assert_eq!(read(401, "").status(), 401);
        assert!(!read(403, "<html>denied</html>").message().contains('<'));
        assert_eq!(
            read(429, r#"[{"error":{"message":"slow","code":429}}]"#).message(),
            "slow"
        );
    }

    #[test]
    fn a_failure_is_shown_to_the_logs_only() {
        let error = read(503, "<html>10.0.0.7 is down</html>");
        assert_eq!(
            (error.kind(), error.status().as_u16()),
            (ErrorKind::UpstreamError, 502)
        );
        assert!(!error.message().contains("10.0.0.7"));
        assert!(error.source().unwrap().to_string().contains("10.0.0.7"));
        assert_eq!(error.retry(), RetryAdvice::Retry);
    }

    #[test]
    fn the_wait_is_read_in_each_of_its_spellings() {
        let advice = |pairs: &[_]| {
            read_error(StatusCode::TOO_MANY_REQUESTS, &headers(pairs), b"{}").retry_after()
        };
        assert_eq!(
            advice(&[("retry-after", "3")]),
            Some(Duration::from_secs(3))
        );
        assert_eq!(
            advice(&[("retry-after-ms", "250"), ("retry-after", "3")]),
            Some(Duration::from_millis(250))
        );
        let dates = [
            ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
            ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ];
        assert_eq!(advice(&dates), Some(Duration::from_secs(30)));
        assert_eq!(advice(&[("retry-after", "-1")]), None);
        assert_eq!(advice(&[("retry-after", "soon")]), None);
    }

    #[test]
    fn an_empty_quota_is_not_tried_again() {
        let body =
            r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert_eq!(read(429, body).retry(), RetryAdvice::Never);
        assert_eq!(read(429, "{}").retry(), RetryAdvice::Retry);
    }

    #[test]
    fn the_upstreams_own_advice_wins() {
        let advice =
            |status, said| read_error(status, &headers(&[("x-should-retry", said)]), b"").retry();
        assert_eq!(
            advice(StatusCode::INTERNAL_SERVER_ERROR, "false"),
            RetryAdvice::Never
        );
        assert_eq!(advice(StatusCode::BAD_REQUEST, "true"), RetryAdvice::Retry);
    }

    #[test]
    fn half_an_emoji_does_not_cost_the_answer() {
        let text = |json: &str| decode::<String>(json.as_bytes()).ok();
        assert_eq!(text(r#""a\ud83d""#).as_deref(), Some("a\u{fffd}"));
        assert_eq!(
            text(r#""\ude00b\ud83d\ude00""#).as_deref(),
            Some("\u{fffd}b\u{1f600}")
        );
        assert_eq!(
            text(r#""\\ud83d \ud83d""#).as_deref(),
            Some("\\ud83d \u{fffd}")
        );
        assert_eq!(text(r#""\ud83d"#), None);
        assert_eq!(text(r#""\"#), None);
    }

    #[test]
    fn all_four_members_are_written() {
        let mut out = BytesMut::new();
        write_error(&Error::invalid_request("say \"please\""), &mut out);
        assert_eq!(
            &out[..],
            br#"{"error":{"message":"say \"please\"","type":"invalid_request_error","param":null,"code":null}}"#
        );
    }

    #[test]
    fn a_broken_stream_ends_with_an_event_that_the_sdks_raise_at() {
        let mut out = BytesMut::new();
        write_stream_error(&Error::transport("cut"), &mut out);
        let text = str::from_utf8(&out).unwrap();
        assert!(text.starts_with("event: error\ndata: {\"error\":{\"message\":\"cut\""));
        assert!(text.ends_with("}}\n\n"));
    }
}
