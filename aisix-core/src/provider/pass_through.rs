use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::Body;
use tokio::time::{Instant, Sleep};

use super::upstream::UpstreamBody;
use crate::conversation::Usage;
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::reply::{Content, Frames, StreamItem};
use crate::sse::{Event, Scanner};

/// A stream of the caller's own dialect on its way through: events are looked at, their `model` is
/// replaced, and everything else stays as it came.
///
/// Events that are ready together leave together, and leave at once when the upstream pauses.
pub(super) struct PassThrough {
    body: UpstreamBody,
    scanner: Scanner,
    dialect: &'static dyn Dialect,
    /// The name that the caller asked for, as a JSON string.
    model: Bytes,
    /// The caller did not ask for the event that only tells the usage.
    withhold_usage: bool,
    ready: Ready,
    progress: Progress,
    /// Runs from the last event on, while the upstream has not closed its side.
    linger: Option<Pin<Box<Sleep>>>,
    failure: Option<Error>,
}

#[derive(Default)]
struct Ready {
    bytes: BytesMut,
    content: Content,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// No event has come yet.
    Waiting,
    /// Events are coming.
    Open,
    /// The answer is complete; its trailer may follow.
    Finished,
    /// The last event of all has come.
    Done,
    /// Nothing more is read.
    Closed,
}

impl PassThrough {
    pub(super) fn new(
        body: UpstreamBody,
        dialect: &'static dyn Dialect,
        model: Bytes,
        withhold_usage: bool,
    ) -> Self {
        Self {
            body,
            scanner: Scanner::new(),
            dialect,
            model,
            withhold_usage,
            ready: Ready::default(),
            progress: Progress::Waiting,
            linger: None,
            failure: None,
        }
    }

    /// Waits for the first event that says something, so that an upstream which fails at once has
    /// failed before the caller was promised an answer.
    ///
    /// Dropping the future loses nothing: what has arrived stays here.
    pub(super) async fn first_event(&mut self) -> Result<()> {
        std::future::poll_fn(|cx| {
            while self.progress == Progress::Waiting && self.failure.is_none() {
                if self.read(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            match self.failure.take_if(|_| self.progress == Progress::Waiting) {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Ready(Ok(())),
            }
        })
        .await
    }

    /// Takes one piece from the upstream and looks at the events that it completes.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.scanner.push(data);
                    self.scan();
                }
            }
            Some(Err(error)) => self.fail(error),
            None => self.end(),
        }
        Poll::Ready(())
    }

    fn scan(&mut self) {
        while self.failure.is_none() {
            match self.scanner.next_event() {
                Ok(Some(event)) => self.look(&event),
                Ok(None) => return,
                Err(error) => self.fail(Error::upstream_decode(error.to_string())),
            }
        }
    }

    fn look(&mut self, event: &Event) {
        if self.progress >= Progress::Done {
            return;
        }
        let Some(data) = event.data() else {
            // Comments keep the connection alive; an event without data breaks official SDKs.
            if event.is_comment() {
                self.ready.bytes.extend_from_slice(event.raw());
            }
            return;
        };
        let head = match self.dialect.scan_event(&data) {
            Ok(head) => head,
            Err(error) => return self.fail(error),
        };
        if let Some(error) = head.error {
            return self.fail(error);
        }
        if let Some(usage) = head.usage {
            self.ready.usage = Some(usage);
        }
        if head.is_done {
            self.progress = Progress::Done;
        } else if head.is_finish {
            self.progress = self.progress.max(Progress::Finished);
        } else {
            self.progress = self.progress.max(Progress::Open);
        }
        if head.is_usage_only && self.withhold_usage {
            return;
        }
        self.ready.content.add(head.content_bytes);
        let raw = event.raw();
        match (head.model, event.data_span()) {
            (Some(model), Some(data)) => {
                let (start, end) = (data.start + model.start, data.start + model.end);
                self.ready.bytes.extend_from_slice(&raw[..start]);
                self.ready.bytes.extend_from_slice(&self.model);
                self.ready.bytes.extend_from_slice(&raw[end..]);
            }
            _ => self.ready.bytes.extend_from_slice(raw),
        }
    }

    /// The upstream has closed its side.
    fn end(&mut self) {
        if self.progress == Progress::Waiting {
            let error = Error::new(
                ErrorKind::UpstreamError,
                "The provider sent an empty stream.",
            );
            return self.fail(error);
        }
        if self.progress < Progress::Finished {
            let error = Error::transport("The provider broke off in the middle of its answer.");
            return self.fail(error.with_retry(RetryAdvice::Never));
        }
        self.progress = Progress::Closed;
    }

    fn fail(&mut self, error: Error) {
        // What goes wrong after the answer is complete is no loss to the caller.
        if self.progress >= Progress::Done {
            self.progress = Progress::Closed;
        } else {
            self.failure = Some(error);
        }
    }

    fn take_ready(&mut self) -> Option<StreamItem> {
        let Ready {
            bytes,
            content,
            usage,
        } = &mut self.ready;
        if bytes.is_empty() && usage.is_none() {
            return None;
        }
        let frames = Frames::new(
            bytes.split().freeze(),
            std::mem::take(content),
            usage.take(),
        );
        Some(StreamItem::Frames(frames))
    }

    /// Whether an upstream that has said its last word has been waited for long enough; waiting at
    /// all lets its connection be used again.
    fn lingered(&mut self, cx: &mut Context<'_>) -> bool {
        let linger = self
            .linger
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + LINGER)));
        linger.as_mut().poll(cx).is_ready()
    }
}

impl Stream for PassThrough {
    type Item = Result<StreamItem>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.failure.is_some() || this.progress == Progress::Closed {
                return Poll::Ready(match this.take_ready() {
                    Some(item) => Some(Ok(item)),
                    None => {
                        this.progress = Progress::Closed;
                        this.failure.take().map(Err)
                    }
                });
            }
            if this.ready.bytes.len() >= WRITE_LIMIT {
                return Poll::Ready(this.take_ready().map(Ok));
            }
            if this.read(cx).is_pending() {
                if let Some(item) = this.take_ready() {
                    return Poll::Ready(Some(Ok(item)));
                }
                if this.progress == Progress::Done && this.lingered(cx) {
                    this.progress = Progress::Closed;
                    continue;
                }
                return Poll::Pending;
            }
        }
    }
}

/// Frames are handed on when they have grown to this, even while more is ready.
const WRITE_LIMIT: usize = 64 << 10;

/// How long an upstream may keep its connection open behind the last event.
const LINGER: Duration = Duration::from_millis(500);
