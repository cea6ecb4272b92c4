use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{Carry, TargetModel};
use crate::conversation::{
    ChatEvent, ChatRequest, ChatResponse, EmbeddingsRequest, EmbeddingsResponse,
};
use crate::error::{Error, Result};
use crate::sse;

/// Reads and writes the chats of one wire format.
pub trait ChatCodec: fmt::Debug + Send + Sync {
    /// Reads what a caller asks.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::error::ErrorKind::InvalidRequest), with the parameter at fault.
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest>;

    /// Writes what the upstream is asked: of `target`, whatever model the caller named.
    ///
    /// # Errors
    ///
    /// [`Error::unsupported`] with the parameter that this format, or this model, cannot express.
    fn write_request(
        &self,
        request: &ChatRequest,
        target: &TargetModel<'_>,
    ) -> Result<(Bytes, Carry)>;

    /// Reads what the upstream answered.
    ///
    /// # Errors
    ///
    /// [`UpstreamDecode`](crate::error::ErrorKind::UpstreamDecode), or the failure that the body
    /// reports in spite of its status.
    fn read_response(&self, body: &[u8], carry: &Carry) -> Result<ChatResponse>;

    /// Writes what the caller is answered.
    ///
    /// # Errors
    ///
    /// [`Internal`](crate::error::ErrorKind::Internal) when the answer cannot be serialised.
    fn write_response(&self, response: &ChatResponse) -> Result<Bytes>;

    /// A reader of one streamed answer.
    fn decoder(&self, carry: Carry) -> Box<dyn StreamDecoder>;

    /// A writer of one streamed answer.
    fn encoder(&self, options: EncodeOptions) -> Box<dyn StreamEncoder>;
}

/// Reads and writes the embeddings of one wire format.
pub trait EmbeddingsCodec: fmt::Debug + Send + Sync {
    /// Reads what a caller asks.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::error::ErrorKind::InvalidRequest), with the parameter at fault.
    fn read_request(&self, body: &[u8]) -> Result<EmbeddingsRequest>;

    /// Writes what the upstream is asked: of `target`, whatever model the caller named.
    ///
    /// # Errors
    ///
    /// [`Error::unsupported`] with the parameter that this format cannot express.
    fn write_request(&self, request: &EmbeddingsRequest, target: &TargetModel<'_>)
    -> Result<Bytes>;

    /// Reads what the upstream answered.
    ///
    /// # Errors
    ///
    /// [`UpstreamDecode`](crate::error::ErrorKind::UpstreamDecode), or the failure that the body
    /// reports in spite of its status.
    fn read_response(&self, body: &[u8]) -> Result<EmbeddingsResponse>;

    /// Writes what the caller is answered, with vectors spelled as
    /// [`encoding`](EmbeddingsResponse::encoding) says.
    ///
    /// # Errors
    ///
    /// [`Internal`](crate::error::ErrorKind::Internal) when the answer cannot be serialised.
    fn write_response(&self, response: &EmbeddingsResponse) -> Result<Bytes>;
}

/// Reads and writes the question how many tokens a conversation has, in one wire format.
pub trait TokenCountCodec: fmt::Debug + Send + Sync {
    /// Reads what a caller asks about.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::error::ErrorKind::InvalidRequest), with the parameter at fault.
    fn read_request(&self, body: &[u8]) -> Result<ChatRequest>;

    /// Writes what the upstream is asked about.
    ///
    /// # Errors
    ///
    /// [`Error::unsupported`] with the parameter that this format cannot express.
    fn write_request(&self, request: &ChatRequest, target: &TargetModel<'_>) -> Result<Bytes>;

    /// Reads the count.
    ///
    /// # Errors
    ///
    /// [`UpstreamDecode`](crate::error::ErrorKind::UpstreamDecode)
    fn read_response(&self, body: &[u8]) -> Result<u64>;

    /// Writes the count.
    fn write_response(&self, tokens: u64) -> Bytes;
}

/// Reads one streamed answer: each event of the wire gives none, one or several.
pub trait StreamDecoder: fmt::Debug + Send {
    /// Reads the next event of the wire.
    ///
    /// # Errors
    ///
    /// [`UpstreamDecode`](crate::error::ErrorKind::UpstreamDecode), or the failure that the event
    /// reports. The stream is over then.
    fn event(&mut self, event: &sse::Event, out: &mut Vec<ChatEvent>) -> Result<()>;

    /// Reads the end of the stream. What is known by now, such as the usage, is in `out` even
    /// when the stream was cut.
    ///
    /// # Errors
    ///
    /// [`Transport`](crate::error::ErrorKind::Transport) when the stream ended too early.
    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<()>;

    /// Whether the last event of all has come: nothing is waited for any more but the end of the
    /// connection. Formats that end by closing never say so.
    fn is_done(&self) -> bool {
        false
    }
}

/// Writes one streamed answer: each event gives none, one or several of the wire.
pub trait StreamEncoder: fmt::Debug + Send {
    /// Writes the next event.
    ///
    /// # Errors
    ///
    /// [`Internal`](crate::error::ErrorKind::Internal) when it cannot be serialised.
    fn event(&mut self, event: &ChatEvent, out: &mut BytesMut) -> Result<()>;

    /// Writes the end of a stream that is complete.
    ///
    /// # Errors
    ///
    /// [`Internal`](crate::error::ErrorKind::Internal) when it cannot be serialised.
    fn end(&mut self, out: &mut BytesMut) -> Result<()>;

    /// Writes the end of a stream that broke.
    fn error(&mut self, error: &Error, out: &mut BytesMut);
}

/// How a streamed answer is written.
///
/// ```
/// use aisix_core::dialect::EncodeOptions;
///
/// let options = EncodeOptions::default().with_model("fast").with_usage(true);
/// assert!(options.include_usage);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// The model's name that the caller asked for, in place of the upstream's.
    pub model: Option<String>,
    /// Whether the caller asked for the usage, where the format leaves it the choice.
    pub include_usage: bool,
    /// The id of an answer to which the upstream gave none.
    pub id: Option<String>,
    /// When the answer is made, in seconds since 1970, where the upstream does not say.
    pub created: Option<u64>,
}

impl EncodeOptions {
    /// Says the model's name as the caller knows it.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Says whether the caller asked for the usage.
    #[must_use]
    pub fn with_usage(mut self, include: bool) -> Self {
        self.include_usage = include;
        self
    }

    /// Gives an id to an answer that has none.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Dates an answer that has no date.
    #[must_use]
    pub fn with_created(mut self, created: u64) -> Self {
        self.created = Some(created);
        self
    }
}
