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
//! | files and sound in a tool result | a turn of the user behind all results |
//! | a tool result that is an error | its text after `Error: ` |
//! | a document that is plain text | a text part |
//! | several texts in a turn of the model | one |
//! | signed or sealed reasoning | left out: its proof is another vendor's |
//! | unsigned reasoning | `reasoning_content`; left out for models of OpenAI's own, which refuse it |
//! | records of the vendor's own tools in old answers | left out: the text says what came of them |
//! | a tool that takes text | for other models than OpenAI's own a function with the member `input`, undone on the way back; its grammar is told, not enforced |
//! | a call without arguments | `{}` |
//! | what a developer says | for other models than OpenAI's own what the system says |
//! | cache hints, the display of reasoning, when the vendor loads a tool and examples of it | left out: they change no answer |
//! | what the vendor keeps, how it caches, what it may cut | left out: they change no answer |
//! | `metadata` | left out: OpenAI takes labels only for what it stores |
//! | the name of a user beyond 64 characters | its SHA-256 |
//! | a choice of tools where there are none | left out, unless it forces one |
//! | a schema without a name | called `answer` |
//! | a budget for reasoning | `reasoning_effort`: to 4096 low, to 16384 medium, else high |
//! | no reasoning, or only between tools | `reasoning_effort: none` |
//! | more than four texts to stop at | all of them: OpenAI refuses more, others take them |
//! | tool names beyond `[a-zA-Z0-9_-]{1,64}` | shortened, and restored on the way back |
//! | a field of its own on the request, a tool or a turn of the user | refused, by name |
//!
//! What is OpenAI's own is told by the beginning of the model's name: `gpt-` but not `gpt-oss`,
//! `chatgpt-`, `o1`, `o3`, `o4`, `ft:`.
//!
//! Of an answer that came in another format:
//!
//! | it has | here it is |
//! | --- | --- |
//! | signed or sealed reasoning | `thinking_blocks`, and its text as `reasoning_content` |
//! | the signature of a call or a text | `extra_content.google.thought_signature` |
//! | pages of the web that responses or Anthropic cite | `annotations`; other sources are left out |
//! | a picture | `images`, as data URLs |
//! | a turn that the vendor paused | the reason `stop` |

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
