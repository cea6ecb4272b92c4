use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::{self, check_reported};
use super::generate::{read_request, write_counted};
use crate::conversation::ChatRequest;
use crate::dialect::openai::{decode, undecodable};
use crate::dialect::{
    Dialect, DialectId, EventHead, GEMINI_COUNT_TOKENS, ResponseHead, TargetModel, TokenCountCodec,
};
use crate::error::{Error, Result};
use crate::json::Field;

/// The format of `countTokens`: a request as [`Generate`](super::Generate) has it, without what
/// says how the answer is made, or its turns alone.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct CountTokens;

impl CountTokens {
    /// The format as the Developer API speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for CountTokens {
    fn id(&self) -> DialectId {
        GEMINI_COUNT_TOKENS
    }

    /// The turns stand in one of two members.
    fn input(&self) -> Option<Field> {
        None
    }

    fn scan_response(&self, body: &[u8]) -> Result<ResponseHead> {
        self.read_response(body)?;
        Ok(ResponseHead::default())
    }

    fn scan_event(&self, _: &[u8]) -> Result<EventHead> {
        Err(undecodable("a count is not streamed"))
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

    fn write_done(&self, _: &mut BytesMut) {}

    fn token_count(&self) -> Option<&dyn TokenCountCodec> {
        Some(self)
    }
}

impl TokenCountCodec for CountTokens {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest> {
        #[derive(Deserialize)]
        struct Request {
            #[serde(rename = "generateContentRequest", alias = "generate_content_request")]
            whole: Option<Value>,
        }

        let wire: Request = serde_json::from_slice(body).map_err(|error| {
            Error::invalid_request(format!("The body is not a request: {error}"))
        })?;
        match wire.whole {
            Some(whole) => read_request(whole.to_string().as_bytes()),
            None => read_request(body),
        }
    }

    /// The turns alone, or with an instruction and tools the whole request; not both.
    fn write_request(&self, request: &ChatRequest, target: &TargetModel<'_>) -> Result<Bytes> {
        let Value::Object(mut counted) = write_counted(request, target)? else {
            return Err(Error::internal("a request is an object"));
        };
        counted.retain(|name, _| COUNTED.contains(&name.as_str()));
        let body = if counted.len() == 1 {
            Value::Object(counted)
        } else {
            let name = target.name();
            let model = name.strip_prefix("models/").unwrap_or(name);
            let mut whole = Map::new();
            whole.insert("model".to_owned(), format!("models/{model}").into());
            whole.append(&mut counted);
            json!({"generateContentRequest": whole})
        };
        Ok(body.to_string().into())
    }

    fn read_response(&self, body: &[u8]) -> Result<u64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Response {
            total_tokens: Option<u64>,
        }

        let tokens = decode::<Response>(body).map(|wire| wire.total_tokens);
        match tokens {
            Ok(Some(tokens)) => Ok(tokens),
            Ok(None) => {
                check_reported(body)?;
                Err(undecodable("an answer without a count"))
            }
            Err(error) => Err(error),
        }
    }

    fn write_response(&self, tokens: u64) -> Bytes {
        json!({"totalTokens": tokens}).to_string().into()
    }
}

/// The members of a request that have tokens.
const COUNTED: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "cachedContent",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::recorded::recordings;

    const CODEC: CountTokens = CountTokens::new();

    fn write(request: &ChatRequest) -> Value {
        let target = TargetModel::new("gemini-2.5-flash");
        serde_json::from_slice(&CODEC.write_request(request, &target).unwrap()).unwrap()
    }

    #[test]
    fn turns_alone_stand_alone() {
        let request = ChatRequest::new("m").user("Hi").with_max_tokens(5);
        let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
        assert_eq!(write(&request), json!({"contents": contents}));

        let written = write(&request.system("Be brief."));
        let whole = &written["generateContentRequest"];
        assert_eq!(whole["model"], "models/gemini-2.5-flash");
        assert_eq!(whole["systemInstruction"]["parts"][0]["text"], "Be brief.");
        assert_eq!(whole["contents"], contents);
        assert!(whole.get("generationConfig").is_none());
        let again = CODEC.read_request(written.to_string().as_bytes()).unwrap();
        assert_eq!(write(&again), written);
    }

    #[test]
    fn the_count_is_read_and_written() {
        assert_eq!(CODEC.read_response(&CODEC.write_response(12)).unwrap(), 12);
        let error = CODEC.read_response(b"{}").unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::UpstreamDecode);
    }

    #[test]
    fn recorded_counts_mean_the_same_when_written_again() {
        let Some(recorded) = recordings(&["gemini"], "countTokens", 2) else {
            return;
        };
        for entry in &recorded.entries {
            let body = recorded.load(entry.request.as_ref().unwrap());
            let request = CODEC.read_request(&body).unwrap();
            let expected: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(write(&request), expected, "{}", entry.id);
            assert!(
                CODEC
                    .read_response(&recorded.load(&entry.response))
                    .unwrap()
                    > 0
            );
        }
    }
}
