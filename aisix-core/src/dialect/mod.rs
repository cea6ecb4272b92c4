//! Wire formats to and from the conversation model: pure codecs without I/O.
//!
//! A [`Dialect`] is one wire format. It can do two things with a body:
//!
//! - **look at it**, when the caller and the upstream speak the same dialect and the bytes pass
//!   through: [`scan_response`](Dialect::scan_response) and [`scan_event`](Dialect::scan_event)
//!   find the model, the usage, an error or the end without building anything;
//! - **translate it**, when they do not, or when a hook wants to read what was said:
//!   [`ChatCodec`] and [`EmbeddingsCodec`] read and write requests, answers and stream events of
//!   the neutral [`conversation`](crate::conversation).
//!
//! Both directions of each are here, so that one codec serves the callers that speak a format and
//! the providers that do. What the way back needs (names that had to be changed) is a [`Carry`]
//! that writing a request returns and reading the answer takes.
//!
//! ```
//! use aisix_core::dialect::{self, Dialects, TargetModel};
//!
//! let dialects = Dialects::default();
//! let chat = dialects.get(dialect::OPENAI_CHAT).and_then(|d| d.chat()).expect("built in");
//! let request = chat.read_request(br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#)?;
//! assert_eq!(request.messages[0].text(), "Hi");
//!
//! let (body, _carry) = chat.write_request(&request, &TargetModel::new("gpt-4o"))?;
//! assert_eq!(&body[..], br#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}"#);
//! # Ok::<_, aisix_core::error::Error>(())
//! ```
//!
//! # What an implementer keeps
//!
//! - Translation is deterministic: the same value gives the same bytes, so that a vendor's prompt
//!   cache and its signatures hold.
//! - What the target cannot express is [`Error::unsupported`](crate::error::Error::unsupported)
//!   with the parameter, or a documented mapping that changes no meaning; never silence.
//! - Bytes from outside never panic. What a caller sent is an
//!   [`InvalidRequest`](crate::error::ErrorKind::InvalidRequest), what an upstream sent an
//!   [`UpstreamDecode`](crate::error::ErrorKind::UpstreamDecode).
//! - A stream decoder gives the same events for any split of the bytes, which
//!   [`sse::Scanner`] makes easy.

mod capabilities;
mod carry;
mod codec;
mod head;
mod id;
mod negotiate;
#[cfg(test)]
mod recorded;
mod set;
mod tool_name;

pub mod anthropic;
pub mod gemini;
pub mod openai;

use std::fmt;

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderName, StatusCode};

pub use self::capabilities::{Capabilities, TargetModel, ThinkingControl};
pub use self::carry::Carry;
pub use self::codec::{
    ChatCodec, EmbeddingsCodec, EncodeOptions, StreamDecoder, StreamEncoder, TokenCountCodec,
};
pub use self::head::{EventHead, ResponseHead};
pub use self::id::{
    ANTHROPIC_COUNT_TOKENS, ANTHROPIC_MESSAGES, DialectId, GEMINI_COUNT_TOKENS, GEMINI_EMBED,
    GEMINI_GENERATE, OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, OPENAI_RESPONSES,
};
pub use self::negotiate::Way;
pub use self::set::Dialects;
use crate::error::{Error, Result};
use crate::json::Field;
use crate::sse;

/// One wire format.
///
/// See the [module](self) for what an implementer keeps.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// Its name.
    fn id(&self) -> DialectId;

    /// The member that every request must have, and that must not be empty: what the model is
    /// asked. `None` where requests without one make sense.
    fn input(&self) -> Option<Field>;

    /// Looks at a whole answer that passes through.
    ///
    /// # Errors
    ///
    /// [`UpstreamDecode`](crate::error::ErrorKind::UpstreamDecode) when `body` is no answer of
    /// this format.
    fn scan_response(&self, body: &[u8]) -> Result<ResponseHead>;

    /// Looks at the data of one event of a stream that passes through.
    ///
    /// # Errors
    ///
    /// [`UpstreamDecode`](crate::error::ErrorKind::UpstreamDecode) when `data` is no event of this
    /// format. An error that the event itself reports is in [`EventHead::error`].
    fn scan_event(&self, data: &[u8]) -> Result<EventHead>;

    /// Reads an answer whose status says that the call failed.
    ///
    /// Never fails: a body that cannot be read still leaves the status.
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error;

    /// Writes the body of an answer that says what went wrong.
    fn write_error(&self, error: &Error, out: &mut BytesMut);

    /// Writes the frames that end a stream which broke half-way.
    fn write_stream_error(&self, error: &Error, out: &mut BytesMut);

    /// Writes what ends a stream that is complete; nothing where the format has no such thing.
    fn write_done(&self, out: &mut BytesMut);

    /// Writes what keeps a silent stream alive: by default a comment, which every client skips.
    fn write_keep_alive(&self, out: &mut BytesMut) {
        out.put_slice(sse::KEEP_ALIVE);
    }

    /// The header in which the SDKs of this format look for the name of a request.
    fn request_id_header(&self) -> HeaderName {
        HeaderName::from_static("x-request-id")
    }

    /// Reads and writes chats, if this is a format of chats.
    fn chat(&self) -> Option<&dyn ChatCodec> {
        None
    }

    /// Reads and writes embeddings, if this is a format of embeddings.
    fn embeddings(&self) -> Option<&dyn EmbeddingsCodec> {
        None
    }

    /// Reads and writes counts of tokens, if this is a format of counts.
    fn token_count(&self) -> Option<&dyn TokenCountCodec> {
        None
    }
}
