use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::conversation::{ChatEvent, Usage};
use crate::dialect::{Dialect, EncodeOptions, StreamEncoder};
use crate::error::{Error, Result};
use crate::reply::{Content, EndGuard, EventStream, Frames, StreamItem};

/// The body of the gateway's answers.
///
/// A stream that breaks off ends in an event which says so, and then in an error, so that the
/// connection is closed and nobody takes the answer for a whole one.
pub struct Body {
    inner: Inner,
}

enum Inner {
    Empty,
    Whole(Bytes, Option<EndGuard>),
    Stream(Box<Streaming>),
}

struct Streaming {
    /// `None` once everything has been taken from it.
    events: Option<EventStream>,
    dialect: &'static dyn Dialect,
    /// Writes typed events; frames need none.
    encoder: Option<Box<dyn StreamEncoder>>,
    encoded: Encoded,
    end: Option<EndGuard>,
    keep_alive: Option<KeepAlive>,
    ending: Ending,
}

#[derive(Default)]
struct Encoded {
    bytes: BytesMut,
    content: Content,
    usage: Option<Usage>,
}

enum Ending {
    /// Nothing has gone wrong.
    Clean,
    /// The caller is told next.
    Failed(Error),
    /// The caller has been told; what was written has to leave before the connection is cut.
    Told,
    Cut,
}

/// Fires after a silence. The timer is set anew only when it fires, not for each frame.
struct KeepAlive {
    interval: Duration,
    last: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Body {
    /// A whole answer.
    pub(super) fn plain(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self {
                inner: Inner::Empty,
            };
        }
        Self {
            inner: Inner::Whole(bytes, None),
        }
    }

    /// Events as they come.
    pub(super) fn stream(
        events: EventStream,
        dialect: &'static dyn Dialect,
        options: EncodeOptions,
        keep_alive: Option<Duration>,
    ) -> Result<Self> {
        let encoder = match (events.dialect(), dialect.chat()) {
            (Some(id), _) if id == dialect.id() => None,
            (None, Some(codec)) => Some(codec.encoder(options)),
            _ => {
                return Err(Error::internal(
                    "a stream that the caller's dialect cannot express",
                ));
            }
        };
        let keep_alive = keep_alive.map(|interval| KeepAlive {
            interval,
            last: Instant::now(),
            timer: None,
        });
        Ok(Self {
            inner: Inner::Stream(Box::new(Streaming {
                events: Some(events),
                dialect,
                encoder,
                encoded: Encoded::default(),
                end: None,
                keep_alive,
                ending: Ending::Clean,
            })),
        })
    }

    /// Tells `end` how the delivery went.
    pub(super) fn with_end(mut self, end: EndGuard) -> Self {
        match &mut self.inner {
            Inner::Empty => end.complete(),
            Inner::Whole(_, slot) => *slot = Some(end),
            Inner::Stream(streaming) => streaming.end = Some(end),
        }
        self
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::plain(bytes)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        match &mut self.inner {
            Inner::Empty => Poll::Ready(None),
            Inner::Whole(bytes, end) => {
                let bytes = std::mem::take(bytes);
                if let Some(mut end) = end.take() {
                    end.tally_mut().bytes = bytes.len() as u64;
                    end.complete();
                }
                self.inner = Inner::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Inner::Stream(streaming) => {
                let next = std::task::ready!(streaming.poll_next(cx));
                Poll::Ready(next.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.inner, Inner::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Whole(bytes, _) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(_) => SizeHint::default(),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self {
            inner: Inner::Empty,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.inner {
            Inner::Empty => "empty",
            Inner::Whole(..) => "whole",
            Inner::Stream(_) => "stream",
        };
        f.debug_tuple("Body").field(&kind).finish()
    }
}

// === impl Streaming ===

impl Streaming {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            if self.encoded.bytes.len() >= WRITE_LIMIT {
                return self.flush();
            }
            let Some(events) = &mut self.events else {
                return self.finish(cx);
            };
            match Pin::new(events).poll_next(cx) {
                Poll::Ready(Some(Ok(StreamItem::Frames(frames)))) => {
                    self.count(&frames);
                    if !frames.bytes.is_empty() {
                        return Poll::Ready(Some(Ok(frames.bytes)));
                    }
                }
                Poll::Ready(Some(Ok(StreamItem::Event(event)))) => {
                    let Some(encoder) = &mut self.encoder else {
                        self.fail(Error::internal("a typed event in a stream of frames"));
                        continue;
                    };
                    if let Err(error) = self.encoded.write(&mut **encoder, &event) {
                        self.fail(error);
                    }
                }
                Poll::Ready(Some(Err(error))) => self.fail(error),
                Poll::Ready(None) => {
                    self.events = None;
                    if let Some(encoder) = &mut self.encoder
                        && let Err(error) = encoder.end(&mut self.encoded.bytes)
                    {
                        self.fail(error);
                    }
                }
                Poll::Pending if !self.encoded.bytes.is_empty() => return self.flush(),
                Poll::Pending => return self.poll_silence(cx),
            }
        }
    }

    /// What is left to say when no more events come.
    fn finish(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if !self.encoded.bytes.is_empty() {
            return self.flush();
        }
        match std::mem::replace(&mut self.ending, Ending::Clean) {
            Ending::Clean => {
                if let Some(end) = self.end.take() {
                    end.complete();
                }
                Poll::Ready(None)
            }
            Ending::Failed(error) => {
                let mut bytes = BytesMut::new();
                match &mut self.encoder {
                    Some(encoder) => encoder.error(&error, &mut bytes),
                    None => self.dialect.write_stream_error(&error, &mut bytes),
                }
                if let Some(mut end) = self.end.take() {
                    end.fail(&error);
                }
                self.ending = Ending::Told;
                Poll::Ready(Some(Ok(bytes.freeze())))
            }
            Ending::Told => {
                // hyper writes out what it has before it polls again, but not after an error.
                self.ending = Ending::Cut;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Cut => Poll::Ready(Some(Err(Error::transport(
                "the stream was cut after an error",
            )))),
        }
    }

    fn fail(&mut self, error: Error) {
        self.events = None;
        self.ending = Ending::Failed(error);
    }

    fn flush(&mut self) -> Poll<Option<Result<Bytes>>> {
        let Encoded {
            bytes,
            content,
            usage,
        } = &mut self.encoded;
        let bytes = bytes.split().freeze();
        let frames = Frames::new(bytes, std::mem::take(content), usage.take());
        self.count(&frames);
        Poll::Ready(Some(Ok(frames.bytes)))
    }

    fn count(&mut self, frames: &Frames) {
        if let Some(end) = &mut self.end {
            end.tally_mut().frames(frames);
        }
        if let Some(keep_alive) = &mut self.keep_alive {
            keep_alive.last = Instant::now();
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let Some(keep_alive) = &mut self.keep_alive else {
            return Poll::Pending;
        };
        std::task::ready!(keep_alive.poll(cx));
        let mut bytes = BytesMut::new();
        self.dialect.write_keep_alive(&mut bytes);
        Poll::Ready(Some(Ok(bytes.freeze())))
    }
}

impl Encoded {
    fn write(&mut self, encoder: &mut dyn StreamEncoder, event: &ChatEvent) -> Result<()> {
        self.content.add(event.content_bytes());
        if let Some(usage) = event.usage_so_far() {
            self.usage = Some(*usage);
        }
        encoder.event(event, &mut self.bytes)
    }
}

// === impl KeepAlive ===

impl KeepAlive {
    /// Ready when nothing has been sent for the whole interval.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self {
            interval,
            last,
            timer,
        } = self;
        let timer =
            timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(*last + *interval)));
        loop {
            std::task::ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            let silent = now.duration_since(*last) >= *interval;
            if silent {
                *last = now;
            }
            timer.as_mut().reset(*last + *interval);
            if silent {
                return Poll::Ready(());
            }
        }
    }
}

/// Events are handed on when they have grown to this, even while more is ready.
const WRITE_LIMIT: usize = 64 << 10;
