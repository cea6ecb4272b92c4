use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use crate::conversation::{ChatEvent, Usage};
use crate::dialect::DialectId;
use crate::error::Result;

/// The events of an answer, as they come.
///
/// Ends with `None` only after a clean end; what breaks off ends with an error.
pub struct EventStream {
    dialect: Option<DialectId>,
    inner: Pin<Box<dyn Stream<Item = Result<StreamItem>> + Send>>,
}

/// What a stream yields.
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamItem {
    /// Whole events as bytes, passed through.
    Frames(Frames),
    /// A typed event, to be written in the caller's dialect.
    Event(ChatEvent),
}

/// How much a stream has said: what tokens are guessed from when nobody counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// The events that carry content.
    pub events: u64,
    /// The bytes of their content.
    pub bytes: u64,
}

/// Events that were ready together, and what is known of them without having parsed them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Frames {
    /// One or more whole events.
    pub bytes: Bytes,
    /// What they say to the caller.
    pub content: Content,
    /// The tokens used, when one of them says so.
    pub usage: Option<Usage>,
}

// === impl EventStream ===

impl EventStream {
    /// A stream of typed events.
    #[must_use]
    pub fn events<S>(events: S) -> Self
    where
        S: Stream<Item = Result<ChatEvent>> + Send + 'static,
    {
        Self {
            dialect: None,
            inner: Box::pin(Typed {
                inner: Box::pin(events),
            }),
        }
    }

    /// A stream of typed events, each a [`StreamItem::Event`].
    pub(crate) fn typed<S>(items: S) -> Self
    where
        S: Stream<Item = Result<StreamItem>> + Send + 'static,
    {
        Self {
            dialect: None,
            inner: Box::pin(items),
        }
    }

    /// A stream of frames in `dialect`.
    #[must_use]
    pub fn frames<S>(dialect: DialectId, items: S) -> Self
    where
        S: Stream<Item = Result<StreamItem>> + Send + 'static,
    {
        Self {
            dialect: Some(dialect),
            inner: Box::pin(items),
        }
    }

    /// The dialect that frames are in; a typed stream has none.
    #[must_use]
    pub fn dialect(&self) -> Option<DialectId> {
        self.dialect
    }

    /// Sees each item, and may change it, before it goes on.
    #[must_use]
    pub fn inspect(self, look: impl FnMut(&mut StreamItem) -> Result<()> + Send + 'static) -> Self {
        let dialect = self.dialect;
        Self {
            dialect,
            inner: Box::pin(Inspect {
                inner: self.inner,
                look: Box::new(look),
            }),
        }
    }
}

impl Stream for EventStream {
    type Item = Result<StreamItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

// === impl Frames ===

impl Frames {
    /// Whole events, and what they say.
    #[must_use]
    pub fn new(bytes: Bytes, content: Content, usage: Option<Usage>) -> Self {
        Self {
            bytes,
            content,
            usage,
        }
    }
}

// === impl Content ===

impl Content {
    /// Adds an event that carries `bytes` of content; none, if it carries none.
    pub fn add(&mut self, bytes: usize) {
        self.events += u64::from(bytes > 0);
        self.bytes += bytes as u64;
    }

    /// The tokens: one an event, as most vendors send them, or one for four bytes of text where
    /// events hold more.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        self.events.max(self.bytes / 4)
    }
}

struct Typed<S> {
    inner: Pin<Box<S>>,
}

impl<S: Stream<Item = Result<ChatEvent>>> Stream for Typed<S> {
    type Item = Result<StreamItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner
            .as_mut()
            .poll_next(cx)
            .map(|item| item.map(|event| event.map(StreamItem::Event)))
    }
}

type Look = Box<dyn FnMut(&mut StreamItem) -> Result<()> + Send>;

struct Inspect {
    inner: Pin<Box<dyn Stream<Item = Result<StreamItem>> + Send>>,
    look: Look,
}

impl Stream for Inspect {
    type Item = Result<StreamItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let item = std::task::ready!(this.inner.as_mut().poll_next(cx));
        Poll::Ready(item.map(|item| {
            item.and_then(|mut item| {
                (this.look)(&mut item)?;
                Ok(item)
            })
        }))
    }
}
