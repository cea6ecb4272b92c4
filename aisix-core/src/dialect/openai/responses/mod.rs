//! Responses: `POST /v1/responses`.
//!
//! # What maps to what
//!
//! Towards an upstream of this format the bytes pass through, and everything works that works
//! there. Towards one of another format a request stands alone: nothing is stored, an answer says
//! `"store": false`, and a request that says `"store": true` is refused.
//!
//! | here | in the neutral model |
//! | --- | --- |
//! | `instructions` | what the system says first |
//! | items between two words of the others | one turn of the model |
//! | a message with the role `assistant` | its texts and refusals, in that turn |
//! | `function_call`, `custom_tool_call` | a call in that turn |
//! | `function_call_output`, `custom_tool_call_output` | a turn of the tool |
//! | `reasoning` | a piece of reasoning in that turn, its summary as the text |
//! | `encrypted_content` of OpenAI | a signature that begins with `openai:`, which no other vendor is sent |
//! | `encrypted_content` that begins with `aisix:` | the proof of another vendor, of thoughts, a call or a text |
//! | an item or a part of another type, a reference | kept whole, for this format only |
//! | `text.format`, `text.verbosity`, `reasoning.effort`, `reasoning.summary` | the form, the verbosity, the effort, what is shown of the thoughts |
//! | `include: ["message.output_text.logprobs"]`, `top_logprobs` | the log probabilities |
//! | `status` and `incomplete_details` | why the answer ended |
//!
//! The proofs of other vendors (Anthropic's signed and redacted thinking, Gemini's signatures of
//! calls and texts) reach a client of this format as `encrypted_content` of a reasoning item, which
//! clients send back as it came. One that belongs to a call stands in an item of its own before it,
//! one that belongs to a text behind it.
//!
//! Of a conversation that came in another format:
//!
//! | it has | here it is |
//! | --- | --- |
//! | `store`, `prompt_cache_*`, `safety_identifier`, `moderation`, `stream_options` of chat completions | the same; `store: false` if it says nothing |
//! | `prediction`, cache hints | left out: they change no answer |
//! | tools and schemas that do not say `strict` | `strict: false`, which here is not what nothing means |
//! | reasoning of other vendors | left out: its proof holds nowhere else |
//! | a tool result that is an error | its text after `Error: ` |
//! | a document that is plain text | a text part |
//! | a budget for reasoning | `reasoning.effort`: to 4096 low, to 16384 medium, else high |
//! | tool names beyond `[a-zA-Z0-9_-]{1,64}` | shortened, and restored on the way back |
//! | `n`, `stop`, `seed`, `top_k`, penalties, other fields of its own | refused, by name |

mod answer;
mod error;
mod item;
mod part;
mod request;
mod response;
mod scan;
mod seal;
mod stream;
#[cfg(test)]
mod tests;
mod tool;
mod turn;
mod wire;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::error as shared;
use crate::conversation::{ChatRequest, ChatResponse};
use crate::dialect::{
    Carry, ChatCodec, Dialect, DialectId, EncodeOptions, EventHead, OPENAI_RESPONSES, ResponseHead,
    StreamDecoder, StreamEncoder, TargetModel,
};
use crate::error::{Error, Result};
use crate::json::Field;

/// The format of responses.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct Responses;

impl Responses {
    /// The format as OpenAI speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for Responses {
    fn id(&self) -> DialectId {
        OPENAI_RESPONSES
    }

    /// A stored prompt, or an answer to go on from, may be all that a request says.
    fn input(&self) -> Option<Field> {
        None
    }

    fn scan_response(&self, body: &[u8]) -> Result<ResponseHead> {
        scan::scan_response(body)
    }

    fn scan_event(&self, data: &[u8]) -> Result<EventHead> {
        scan::scan_event(data)
    }

    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        shared::read_error(status, headers, body)
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        shared::write_error(error, out);
    }

    fn write_stream_error(&self, error: &Error, out: &mut BytesMut) {
        error::write_event(error, None, out);
    }

    /// The last event says that the answer is complete; nothing follows it.
    fn write_done(&self, _: &mut BytesMut) {}

    fn chat(&self) -> Option<&dyn ChatCodec> {
        Some(self)
    }
}

impl ChatCodec for Responses {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest> {
        request::read_request(body)
    }

    fn write_request(
        &self,
        request: &ChatRequest,
        target: &TargetModel<'_>,
    ) -> Result<(Bytes, Carry)> {
        request::write_request(request, target.name())
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

/// Whether an event of this type says no more than that the answer begins. A failure may come right
/// behind it.
fn is_preamble(kind: &str) -> bool {
    matches!(
        kind,
        "response.created" | "response.in_progress" | "response.queued"
    )
}

/// The origin of what stays beside the neutral model.
const ID: &str = OPENAI_RESPONSES.as_str();
