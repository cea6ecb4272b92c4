use std::borrow::Cow;
use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;
use std::time::SystemTime;

use super::clock::write_time;

/// What the access log says about one request. Values that are not known are `null` in the line,
/// so that every line has the same keys.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// When the request came.
    pub time: SystemTime,
    /// The id that the answer carries.
    pub request_id: Cow<'a, str>,
    /// The id of the caller's key, never the key.
    pub key_id: Option<Cow<'a, str>>,
    /// The address of the caller.
    pub caller: Option<IpAddr>,
    /// The method of the request.
    pub method: Cow<'a, str>,
    /// The path of the request, without its query, which may hold a key.
    pub path: Cow<'a, str>,
    /// The model that the caller asked for.
    pub model: Option<Cow<'a, str>>,
    /// The provider that answered.
    pub provider: Option<Cow<'a, str>>,
    /// The status of the answer.
    pub status: u16,
    /// How the request ended.
    pub outcome: Option<Cow<'a, str>>,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// Bytes of the answer's body that were sent.
    pub bytes: u64,
    /// Tokens of the request.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// Whether the tokens are an estimate.
    pub estimated: bool,
    /// Time to the first token.
    pub ttft: Option<Duration>,
    /// Time to the last byte.
    pub duration: Duration,
}

impl<'a> Record<'a> {
    /// A record that knows nothing but this.
    pub fn new(
        time: SystemTime,
        method: impl Into<Cow<'a, str>>,
        path: impl Into<Cow<'a, str>>,
        status: u16,
    ) -> Self {
        Self {
            time,
            request_id: Cow::Borrowed(""),
            key_id: None,
            caller: None,
            method: method.into(),
            path: path.into(),
            model: None,
            provider: None,
            status,
            outcome: None,
            stream: false,
            bytes: 0,
            input_tokens: None,
            output_tokens: None,
            estimated: false,
            ttft: None,
            duration: Duration::ZERO,
        }
    }

    /// Appends the record as one JSON object, without an end of line.
    pub fn format(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(b"{\"time\":\"");
        write_time(line, self.time);
        line.push(b'"');
        text(line, b",\"request_id\":", Some(&self.request_id));
        text(line, b",\"key_id\":", self.key_id.as_deref());
        line.extend_from_slice(b",\"caller\":");
        match self.caller {
            Some(caller) => put(line, format_args!("\"{caller}\"")),
            None => line.extend_from_slice(b"null"),
        }
        text(line, b",\"method\":", Some(&self.method));
        text(line, b",\"path\":", Some(&self.path));
        text(line, b",\"model\":", self.model.as_deref());
        text(line, b",\"provider\":", self.provider.as_deref());
        number(line, b",\"status\":", Some(self.status.into()));
        text(line, b",\"outcome\":", self.outcome.as_deref());
        flag(line, b",\"stream\":", self.stream);
        number(line, b",\"bytes\":", Some(self.bytes));
        number(line, b",\"input_tokens\":", self.input_tokens);
        number(line, b",\"output_tokens\":", self.output_tokens);
        flag(line, b",\"estimated\":", self.estimated);
        millis(line, b",\"ttft_ms\":", self.ttft);
        millis(line, b",\"duration_ms\":", Some(self.duration));
        line.push(b'}');
    }
}

fn text(line: &mut Vec<u8>, key: &[u8], value: Option<&str>) {
    line.extend_from_slice(key);
    let Some(value) = value else {
        line.extend_from_slice(b"null");
        return;
    };
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if value.as_bytes().iter().all(plain) {
        line.push(b'"');
        line.extend_from_slice(value.as_bytes());
        line.push(b'"');
    } else if let Err(error) = serde_json::to_writer(line, value) {
        tracing::debug!(%error, "a vector refused a string");
    }
}

fn number(line: &mut Vec<u8>, key: &[u8], value: Option<u64>) {
    line.extend_from_slice(key);
    match value {
        Some(value) => digits(line, value),
        None => line.extend_from_slice(b"null"),
    }
}

fn flag(line: &mut Vec<u8>, key: &[u8], value: bool) {
    line.extend_from_slice(key);
    line.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Milliseconds with three decimals: a unary call through the mock takes less than one.
fn millis(line: &mut Vec<u8>, key: &[u8], value: Option<Duration>) {
    line.extend_from_slice(key);
    let Some(value) = value else {
        line.extend_from_slice(b"null");
        return;
    };
    let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
    digits(line, micros / 1000);
    let rest = (micros % 1000) as u32;
    let digit = |value: u32| b'0' + (value % 10) as u8;
    line.extend_from_slice(&[b'.', digit(rest / 100), digit(rest / 10), digit(rest)]);
}

fn digits(line: &mut Vec<u8>, mut value: u64) {
    let mut text = [0; 20];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    line.extend_from_slice(&text[start..]);
}

fn put(line: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = line.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_json_with_every_value() {
        let record = Record {
            request_id: "r-1".into(),
            key_id: Some("k1".into()),
            caller: Some("::1".parse().unwrap()),
            model: Some("a \"b\"\n\u{1F600}".into()),
            provider: Some("openai".into()),
            outcome: Some("complete".into()),
            stream: true,
            bytes: u64::MAX,
            input_tokens: Some(0),
            output_tokens: Some(1_234_567_890),
            estimated: true,
            ttft: Some(Duration::from_micros(1_005)),
            duration: Duration::from_secs(61),
            ..Record::new(UNIX_EPOCH, "POST", "/v1/chat/completions", 200)
        };
        let expected = json!({
            "time": "1970-01-01T00:00:00.000Z",
            "request_id": "r-1",
            "key_id": "k1",
            "caller": "::1",
            "method": "POST",
            "path": "/v1/chat/completions",
            "model": "a \"b\"\n\u{1F600}",
            "provider": "openai",
            "status": 200,
            "outcome": "complete",
            "stream": true,
            "bytes": u64::MAX,
            "input_tokens": 0,
            "output_tokens": 1_234_567_890,
            "estimated": true,
            "ttft_ms": 1.005,
            "duration_ms": 61000.0,
        });
        assert_eq!(parse(&record), expected);
    }

    #[test]
    fn what_is_not_known_is_null() {
        let value = parse(&Record::new(UNIX_EPOCH, "GET", "/", 401));
        for key in [
            "key_id",
            "caller",
            "model",
            "provider",
            "outcome",
            "input_tokens",
            "ttft_ms",
        ] {
            assert_eq!(value.get(key), Some(&serde_json::Value::Null), "{key}");
        }
    }

    #[test]
    fn control_characters_cannot_break_the_line() {
        let record = Record::new(UNIX_EPOCH, "GET", "/\u{0}\r\n\u{7f}\\", 404);
        let mut line = Vec::new();
        record.format(&mut line);
        assert!(line.iter().all(|byte| *byte >= 0x20));
        assert_eq!(parse(&record)["path"], "/\u{0}\r\n\u{7f}\\");
    }

    fn parse(record: &Record<'_>) -> serde_json::Value {
        let mut line = Vec::new();
        record.format(&mut line);
        serde_json::from_slice(&line).unwrap()
    }
}
