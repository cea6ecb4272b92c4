use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::messages::{read_request, write_body};
use super::{error, scan};
use crate::conversation::ChatRequest;
use crate::dialect::openai::{decode, undecodable};
use crate::dialect::{
    ANTHROPIC_COUNT_TOKENS, Dialect, DialectId, EventHead, ResponseHead, TargetModel,
    TokenCountCodec,
};
use crate::error::{Error, Result};
use crate::json::{self, Field};

/// The format of the question how many tokens a message would have:
/// `POST /v1/messages/count_tokens`.
///
/// It is a request for a message without what concerns only the answer.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct CountTokens;

impl CountTokens {
    /// The format as Anthropic speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for CountTokens {
    fn id(&self) -> DialectId {
        ANTHROPIC_COUNT_TOKENS
    }

    fn input(&self) -> Option<Field> {
        Some(Field::Messages)
    }

    /// A count names no model and costs nothing.
    fn scan_response(&self, body: &[u8]) -> Result<ResponseHead> {
        let mut has_count = false;
        for member in json::members(body).map_err(undecodable)? {
            has_count |= member.map_err(undecodable)?.key == "input_tokens";
        }
        if has_count {
            Ok(ResponseHead::default())
        } else {
            Err(undecodable("an answer without a count"))
        }
    }

    fn scan_event(&self, data: &[u8]) -> Result<EventHead> {
        scan::scan_event(data)
    }

    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read_error(status, headers, body)
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        error::write_error(error, out);
    }

    fn write_stream_error(&self, error: &Error, out: &mut BytesMut) {
        error::write_stream_error(error, out);
    }

    /// Nothing: a count is no stream.
    fn request_id_header(&self) -> HeaderName {
        super::REQUEST_ID
    }

    fn write_done(&self, _out: &mut BytesMut) {}

    fn token_count(&self) -> Option<&dyn TokenCountCodec> {
        Some(self)
    }
}

impl TokenCountCodec for CountTokens {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest> {
        read_request(body)
    }

    fn write_request(&self, request: &ChatRequest, target: &TargetModel<'_>) -> Result<Bytes> {
        let (mut body, _) = write_body(request, target)?;
        for field in OF_THE_ANSWER {
            body.shift_remove(*field);
        }
        Ok(Value::from(body).to_string().into())
    }

    fn read_response(&self, body: &[u8]) -> Result<u64> {
        #[derive(Deserialize)]
        struct Count {
            input_tokens: u64,
        }

        decode::<Count>(body).map(|count| count.input_tokens)
    }

    fn write_response(&self, tokens: u64) -> Bytes {
        format!(r#"{{"input_tokens":{tokens}}}"#).into()
    }
}

/// What a count refuses, since it changes no prompt.
const OF_THE_ANSWER: &[&str] = &[
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    const CODEC: CountTokens = CountTokens::new();

    #[test]
    fn a_question_of_any_format_holds_only_the_prompt() {
        let request = ChatRequest::new("m")
            .system("s")
            .user("Hi")
            .with_max_tokens(9)
            .with_temperature(0.5)
            .with_stop("x");
        let body = CODEC
            .write_request(&request, &TargetModel::new("claude-sonnet-4-5"))
            .unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap(),
            json!({"model": "claude-sonnet-4-5", "system": "s",
                "messages": [{"role": "user", "content": "Hi"}]})
        );
    }

    #[test]
    fn the_count_is_read_and_written() {
        assert_eq!(CODEC.read_response(&CODEC.write_response(7)).unwrap(), 7);
        assert!(CODEC.scan_response(br#"{"input_tokens":7}"#).is_ok());
        for body in [&b"{}"[..], b"<html>", b"[]"] {
            let errors = [
                CODEC.read_response(body).unwrap_err(),
                CODEC.scan_response(body).unwrap_err(),
            ];
            assert!(
                errors
                    .iter()
                    .all(|error| error.kind() == ErrorKind::UpstreamDecode)
            );
        }
    }
}
