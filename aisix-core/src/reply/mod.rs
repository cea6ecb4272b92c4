//! One answer on its way out.
//!
//! A [`Reply`] is either whole or a stream of events; either as bytes in the caller's dialect,
//! passed through, or typed. Its end is an event of its own: whatever happens to it, each
//! [`Reply::on_end`] callback runs exactly once with the [`Outcome`].

use std::fmt;

use bytes::Bytes;

use crate::conversation::{ChatResponse, EmbeddingsResponse, Usage};
use crate::dialect::DialectId;
use crate::error::Result;

mod meta;
mod on_end;
mod outcome;
mod stream;

pub use meta::ReplyMeta;
pub use on_end::{EndGuard, Tally};
pub use outcome::{End, Outcome};
pub use stream::{Content, EventStream, Frames, StreamItem};

/// The answer to a [`Call`](crate::call::Call).
#[must_use = "a reply that is dropped has ended with the caller gone"]
pub struct Reply {
    meta: ReplyMeta,
    body: ReplyBody,
    end: EndGuard,
}

/// What is answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplyBody {
    /// The whole answer.
    Full(Answer),
    /// Events, as they come.
    Stream(EventStream),
}

/// A whole answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Bytes in `dialect`, passed through.
    Wire {
        /// The dialect that the bytes are in.
        dialect: DialectId,
        /// The body.
        bytes: Bytes,
    },
    /// A conversation's next turn, to be written in the caller's dialect.
    Chat(Box<ChatResponse>),
    /// Vectors, to be written in the caller's dialect.
    Embeddings(Box<EmbeddingsResponse>),
}

// === impl Reply ===

impl Reply {
    /// An answer of bytes in `dialect`, which used `usage`, if that is known.
    pub fn wire(dialect: DialectId, bytes: Bytes, usage: Option<Usage>) -> Self {
        Self::from_body(
            ReplyMeta {
                usage,
                ..ReplyMeta::default()
            },
            ReplyBody::Full(Answer::Wire { dialect, bytes }),
        )
    }

    /// A typed turn of a conversation.
    pub fn chat(response: ChatResponse) -> Self {
        let meta = ReplyMeta {
            usage: response.usage,
            ..ReplyMeta::default()
        };
        Self::from_body(meta, ReplyBody::Full(Answer::Chat(Box::new(response))))
    }

    /// A turn that only says `text`.
    ///
    /// ```
    /// # use aisix_core::reply::Reply;
    /// let reply = Reply::text("4");
    /// # drop(reply);
    /// ```
    pub fn text(text: impl Into<String>) -> Self {
        Self::chat(ChatResponse::text_only("", text))
    }

    /// Vectors.
    pub fn embeddings(response: EmbeddingsResponse) -> Self {
        let meta = ReplyMeta {
            usage: response.usage,
            ..ReplyMeta::default()
        };
        Self::from_body(
            meta,
            ReplyBody::Full(Answer::Embeddings(Box::new(response))),
        )
    }

    /// A stream of events.
    pub fn stream(stream: EventStream) -> Self {
        Self::from_body(ReplyMeta::default(), ReplyBody::Stream(stream))
    }

    fn from_body(meta: ReplyMeta, body: ReplyBody) -> Self {
        Self {
            meta,
            body,
            end: EndGuard::new(Tally::now(), Vec::new()),
        }
    }

    /// What is known beside the answer itself.
    #[must_use]
    pub fn meta(&self) -> &ReplyMeta {
        &self.meta
    }

    /// What is known beside the answer itself.
    #[must_use]
    pub fn meta_mut(&mut self) -> &mut ReplyMeta {
        &mut self.meta
    }

    /// The answer.
    #[must_use]
    pub fn body(&self) -> &ReplyBody {
        &self.body
    }

    /// Runs `callback` once, when the last byte has gone out, when the stream has failed, or when
    /// the caller has left. It must not block: it may run while a connection is being dropped.
    pub fn on_end(mut self, callback: impl FnOnce(&Outcome) + Send + 'static) -> Self {
        self.end = self.end.with(callback);
        self
    }

    /// Replaces the whole answer by what `change` makes of it; a stream stays as it is.
    ///
    /// # Errors
    ///
    /// What `change` returns.
    pub fn try_map_answer(mut self, change: impl FnOnce(Answer) -> Result<Answer>) -> Result<Self> {
        if let ReplyBody::Full(answer) = self.body {
            self.body = ReplyBody::Full(change(answer)?);
        }
        Ok(self)
    }

    /// Replaces the stream by what `change` makes of it; a whole answer stays as it is.
    pub fn map_stream(mut self, change: impl FnOnce(EventStream) -> EventStream) -> Self {
        if let ReplyBody::Stream(stream) = self.body {
            self.body = ReplyBody::Stream(change(stream));
        }
        self
    }

    /// Takes the reply apart for whoever delivers it; `tally` collects what the callbacks will be
    /// told.
    pub fn into_parts(self, mut tally: Tally) -> (ReplyMeta, ReplyBody, EndGuard) {
        tally.usage = self.meta.usage;
        let mut end = self.end;
        *end.tally_mut() = tally;
        (self.meta, self.body, end)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("meta", &self.meta)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
