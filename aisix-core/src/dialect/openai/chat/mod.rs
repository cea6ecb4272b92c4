//! Chat completions: `POST /v1/chat/completions`.
//!
//! # What maps to what
//!
//! Fields that the neutral model does not name stay in the `extra` of what they belong to and are
//! written back as they came. Vendors that speak this format say more than OpenAI does, and it is
//! understood: `reasoning_content` and `reasoning` (DeepSeek, Groq), `thinking` content (Mistral),
//! `thinking_blocks` (signed reasoning, as LiteLLM spells it) and
//! `extra_content.google.thought_signature` (Gemini's own compatibility layer).
//!
//! Of a conversation that came in another format:
//!
//! | it has | here it is |
//! | --- | --- |
//! | tool results inside a user turn | `tool` messages before the rest of the turn |
//! | a tool result that is an error | its text after `Error: ` |
//! | a document that is plain text | a text part |
//! | signed or sealed reasoning | left out: its proof is another vendor's |
//! | pieces of an old answer that only its format knows, such as its vendor's own tools | left out |
//! | unsigned reasoning | `reasoning_content` |
//! | pages of the web that Anthropic found a text in | `annotations` of the answer; other sources are left out |
//! | cache hints, the display of reasoning, when the vendor loads a tool, what it forgets of a long conversation | left out: they change no answer |
//! | a budget for reasoning | `reasoning_effort`: to 4096 low, to 16384 medium, else high |
//! | tool names beyond `[a-zA-Z0-9_-]{1,64}` | shortened, and restored on the way back |
//! | a field of its own on the request, a tool or a turn of the user | refused, by name |

mod call;
mod citation;
mod custom;
mod foreign;
mod message;
mod part;
mod reasoning;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

pub(super) use self::response::{
    read_created, read_finish, read_logprobs, to_bytes, write_logprobs,
};
use super::{error, scan};
use crate::conversation::{ChatRequest, ChatResponse};
use crate::dialect::{
    Carry, ChatCodec, Dialect, DialectId, EncodeOptions, EventHead, OPENAI_CHAT, ResponseHead,
    StreamDecoder, StreamEncoder, TargetModel,
};
use crate::error::{Error, Result};
use crate::json::Field;
use crate::sse;

/// The format of chat completions.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct Chat;

impl Chat {
    /// The format as OpenAI speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for Chat {
    fn id(&self) -> DialectId {
        OPENAI_CHAT
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

    fn write_done(&self, out: &mut BytesMut) {
        out.extend_from_slice(sse::DONE);
    }

    fn chat(&self) -> Option<&dyn ChatCodec> {
        Some(self)
    }
}

impl ChatCodec for Chat {
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

/// The origin of what stays beside the neutral model.
const ID: &str = OPENAI_CHAT.as_str();
