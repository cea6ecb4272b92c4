//! `generateContent` and `streamGenerateContent`.
//!
//! # What maps to what
//!
//! Of a conversation that came in another format:
//!
//! | it has | here it is |
//! | --- | --- |
//! | system and developer messages, wherever they stand | `systemInstruction`, in order; for Gemma, and where nobody else speaks, the beginning of what the person says |
//! | turns of one side that follow each other | one turn |
//! | tool results | `functionResponse`, those of a turn together and in the order of the calls, with the name looked up by the id of the call |
//! | a tool result that is a JSON object | as it is; other text under `output`, of a tool that failed under `error` |
//! | pictures and files in a tool result | beside it, for Gemini 3 and later; before that refused |
//! | media by data URL, a file of the vendor's own (`files/…`, `gs://`), a video of YouTube | `inlineData`, `fileData`; any other address is refused |
//! | a document that is plain text | a text |
//! | empty texts | left out: the vendor refuses them |
//! | signatures on texts and calls | `thoughtSignature`: only this vendor signs those, so that they are its own. A first call without one gets the word with which Gemini 3 takes it |
//! | reasoning, signed or not | left out: it is another vendor's, or changes no answer |
//! | ids of calls | told to Gemini 3 and later only; a call that came without one gets one made of the answer's id |
//! | tool names beyond `[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}` | shortened, and restored on the way back |
//! | `strict` tools | mode `VALIDATED`, from 2.5 on |
//! | tools that take text | functions of one text; a grammar goes into the description |
//! | a search of the web | `googleSearch`; beside functions only for Gemini 3 and later |
//! | allowed tools that need not be called | mode `VALIDATED` with their names |
//! | an effort, a budget | the level or the budget that the line of models has, the next one up where it lacks the very one; what cannot be turned off is made least |
//! | JSON Schema | `responseJsonSchema`, `parametersJsonSchema`; what the vendor refuses in one is left out, which makes it wider |
//! | penalties | refused for Gemini 3 and later, but for 0 |
//! | temperature, top_p, top_k | left out where the model ignores them |
//! | end user, labels, verbosity, whether calls may be parallel, names of participants, cache hints, detail of pictures | left out |
//! | a field of its own on the request, a tool, or a turn of anyone but the model | mapped or without effect (`foreign.rs`), or refused by name |
//!
//! And of an answer:
//!
//! | it has | elsewhere it is |
//! | --- | --- |
//! | thoughts | reasoning, a summary |
//! | `STOP` with calls | a finish for tool calls |
//! | a prompt that is blocked, with status 200 | an answer without a word, withheld |
//! | `OTHER` and the like without a word | a failure of the upstream |
//! | calls that went wrong (`MALFORMED_FUNCTION_CALL`) | a finish; the vendor's word stays beside it |
//! | grounding and citations | OpenAI's `annotations`, with offsets in characters |
//! | pictures | `images` beside OpenAI's message, which are pictures of the model again when they are sent back |
//! | code that was run, calls and results of the vendor's own tools | only this format knows them |
//! | arguments in pieces (`partialArgs`) | the arguments, when they are whole |

mod config;
mod fault;
mod finish;
mod foreign;
mod grounding;
mod logprobs;
mod media;
mod part;
mod request;
mod response;
mod schema;
mod shown;
mod stream;
#[cfg(test)]
mod tests;
mod thinking;
mod tool;
mod tool_result;
mod turn;
mod wire;
mod words;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

pub(super) use self::finish::{UNSPECIFIED, read_finish};
pub(super) use self::request::{read_request, write_counted};
use super::{error, scan};
use crate::conversation::{ChatRequest, ChatResponse};
use crate::dialect::{
    Carry, ChatCodec, Dialect, DialectId, EncodeOptions, EventHead, GEMINI_GENERATE, ResponseHead,
    StreamDecoder, StreamEncoder, TargetModel,
};
use crate::error::{Error, Result};
use crate::json::Field;

/// The format of `generateContent`.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct Generate;

impl Generate {
    /// The format as the Developer API speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for Generate {
    fn id(&self) -> DialectId {
        GEMINI_GENERATE
    }

    fn input(&self) -> Option<Field> {
        Some(Field::Contents)
    }

    fn scan_response(&self, body: &[u8]) -> Result<ResponseHead> {
        scan::scan_response(body)
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

    /// The end of the body is the end of the stream.
    fn write_done(&self, _: &mut BytesMut) {}

    fn chat(&self) -> Option<&dyn ChatCodec> {
        Some(self)
    }
}

impl ChatCodec for Generate {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest> {
        read_request(body)
    }

    fn write_request(
        &self,
        request: &ChatRequest,
        target: &TargetModel<'_>,
    ) -> Result<(Bytes, Carry)> {
        request::write_request(request, target)
    }

    fn read_response(&self, body: &[u8], carry: &Carry) -> Result<ChatResponse> {
        response::read_response(body, carry)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Bytes> {
        response::write_response(response)
    }

    fn decoder(&self, carry: Carry) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(carry))
    }

    fn encoder(&self, options: EncodeOptions) -> Box<dyn StreamEncoder> {
        Box::new(stream::Encoder::new(options))
    }
}

fn to_bytes(wire: &impl Serialize) -> Result<Bytes> {
    let body = serde_json::to_vec(wire).map_err(|error| {
        Error::internal("The conversation could not be written.").with_source(error)
    })?;
    Ok(body.into())
}

/// The origin of what stays beside the neutral model.
const ID: &str = GEMINI_GENERATE.as_str();
