//! Messages: `POST /v1/messages`.
//!
//! Fields that the neutral model does not name stay in the `extra` of what they belong to, blocks of
//! unknown types stay whole, and both are written back as they came. A conversation that came in
//! this format is written in it again without a look at the model: what a model refuses, its vendor
//! says.
//!
//! # What maps to what
//!
//! Of a conversation that came in another format:
//!
//! | it has | here it is |
//! | --- | --- |
//! | leading turns of the system or a developer | blocks of `system`, in order |
//! | later ones | turns of the role `system`; for models that do not take them a user turn whose text stands in `<system>` |
//! | several turns of one role | one turn, in which results of tools come first |
//! | empty texts, and turns without anything else | left out |
//! | names of participants | left out: there is no place for them |
//! | thoughts with Claude's proof: read in this format, or sent back in `thinking_blocks` | `thinking` and `redacted_thinking`, before the rest of the turn |
//! | pieces of an old answer that only its format knows, such as its vendor's own tools | left out |
//! | other thoughts | left out: the proof of another vendor, or none, is refused |
//! | arguments of a call | an object; `""` is `{}`, what is no object is refused |
//! | ids of calls beyond `[a-zA-Z0-9_-]`, names of tools beyond `[a-zA-Z0-9_-]{1,128}` | others, the same each time; names are restored |
//! | a tool that takes text | a tool with the member `input`, undone on the way back; its grammar is told, not enforced |
//! | a restricted choice of tools | the tools of that choice |
//! | `parallel_tool_calls: false` | `disable_parallel_tool_use` |
//! | a picture inline, by URL or by an id of Anthropic's | `image`; other types than JPEG, PNG, GIF and WebP are refused |
//! | a PDF; a file of text or JSON | `document`; other types are refused |
//! | a JSON Schema for the answer, or a strict tool | the schema with what cannot be enforced told in descriptions, objects closed |
//! | any JSON object for the answer | a sentence at the end of `system` |
//! | no bound of the answer | the most that the model gives |
//! | a temperature above 1 | 1 |
//! | `top_p` beside a temperature | left out: the two exclude each other |
//! | a temperature or `top_p` of 1 for a model that takes none | left out: it is what the model does |
//! | `seed`, `verbosity` | left out: wishes that no vendor promises to keep |
//! | penalties of 0 | left out; others are refused |
//! | an effort or a budget | `thinking` and `output_config.effort`, or `budget_tokens`, as the model takes it; a budget is cut to the length of the answer, and left out when it does not fit, when a tool is forced, or when the thoughts of the turn that goes on are missing |
//! | a temperature, `top_p` or `top_k` beside a budget | left out: they exclude each other |
//! | texts to stop at that are white space | left out: they are refused |
//! | a user, a safety identifier | `metadata.user_id`, unless it is a mail address or a telephone number |
//! | a service tier | `auto`, `standard_only` for `default`; others are left out |
//! | `web_search_options` | Anthropic's own tool `web_search` |
//! | marks of a cached prefix | `cache_control`, the last four |
//!
//! A prefilled answer, a forced tool, a temperature or a JSON Schema for a model that takes none,
//! `n` above 1, log probabilities, audio, and every other field of another format are refused, by
//! name.
//!
//! Of an answer that came in another format: unsigned thoughts are `thinking` with an empty
//! signature, a refusal is a text with the reason `refusal`, the signature of a call of Gemini's is
//! beside the call as `extra_content`, and arguments that are no object are `{"_raw": …}`. Log
//! probabilities, annotations and other choices than the first have no place.

mod block;
mod fault;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod thinking;
mod wire;
mod words;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, StatusCode};

pub(super) use self::request::{read_request, write_body};
pub(super) use self::response::read_stop;
use super::{error, scan};
use crate::conversation::{ChatRequest, ChatResponse};
use crate::dialect::{
    ANTHROPIC_MESSAGES, Carry, ChatCodec, Dialect, DialectId, EncodeOptions, EventHead,
    ResponseHead, StreamDecoder, StreamEncoder, TargetModel,
};
use crate::error::{Error, Result};
use crate::json::Field;

/// The format of messages.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct Messages;

impl Messages {
    /// The format as Anthropic speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for Messages {
    fn id(&self) -> DialectId {
        ANTHROPIC_MESSAGES
    }

    fn input(&self) -> Option<Field> {
        Some(Field::Messages)
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

    /// Nothing: the last event of a message ends the stream.
    fn request_id_header(&self) -> HeaderName {
        crate::dialect::anthropic::REQUEST_ID
    }

    fn write_done(&self, _out: &mut BytesMut) {}

    fn write_keep_alive(&self, out: &mut BytesMut) {
        out.extend_from_slice(PING);
    }

    fn chat(&self) -> Option<&dyn ChatCodec> {
        Some(self)
    }
}

impl ChatCodec for Messages {
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

/// What Anthropic itself sends while it has nothing to say.
const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
