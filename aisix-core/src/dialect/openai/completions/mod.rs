//! Legacy completions: `POST /v1/completions`.
//!
//! # What maps to what
//!
//! Towards an upstream of this format the bytes pass through. One of another format is asked as in a
//! chat:
//!
//! | here | there |
//! | --- | --- |
//! | a `prompt` that is one text | a turn of the user |
//! | `logprobs: n` | the `n` likeliest tokens |
//! | no `max_tokens` | the bound of the model; here it would be 16 |
//! | `best_of: 1`, `echo: false` | left out: that is what is done in any case |
//! | several prompts, tokens for a prompt, `suffix`, `echo`, `best_of`, `logit_bias` where there is no such thing | refused, by name |
//!
//! The answer is what the model says; thoughts, citations and pictures have no place.

mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::{error, scan};
use crate::conversation::{ChatRequest, ChatResponse};
use crate::dialect::{
    Carry, ChatCodec, Dialect, DialectId, EncodeOptions, EventHead, OPENAI_COMPLETIONS,
    ResponseHead, StreamDecoder, StreamEncoder, TargetModel,
};
use crate::error::{Error, Result};
use crate::json::Field;
use crate::sse;

/// The format of legacy completions.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "code without state, to be referred to"
)]
pub struct Completions;

impl Completions {
    /// The format as OpenAI speaks it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Dialect for Completions {
    fn id(&self) -> DialectId {
        OPENAI_COMPLETIONS
    }

    fn input(&self) -> Option<Field> {
        Some(Field::Prompt)
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

impl ChatCodec for Completions {
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest> {
        request::read_request(body)
    }

    fn write_request(
        &self,
        request: &ChatRequest,
        target: &TargetModel<'_>,
    ) -> Result<(Bytes, Carry)> {
        let body = request::write_request(request, target.name())?;
        Ok((body, Carry::default()))
    }

    fn read_response(&self, body: &[u8], _: &Carry) -> Result<ChatResponse> {
        response::read_response(body)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Bytes> {
        response::write_response(response)
    }

    fn decoder(&self, _: Carry) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::default())
    }

    fn encoder(&self, options: EncodeOptions) -> Box<dyn StreamEncoder> {
        Box::new(stream::Encoder::new(options))
    }
}

/// The origin of what stays beside the neutral model.
const ID: &str = OPENAI_COMPLETIONS.as_str();
