use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use http_body::Body;
use tokio::time::{Instant, Sleep};

use super::upstream::UpstreamBody;
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::reply::StreamItem;
use crate::sse::{Event, Scanner};

/// Reads an upstream's stream, event by event, and hands on what `reader` makes of it.
///
/// Events that are ready together leave together, and leave at once when the upstream pauses.
pub(super) struct Pump<R> {
    body: UpstreamBody,
    scanner: Scanner,
    reader: R,
    progress: Progress,
    /// Runs from the last event on, while the upstream has not closed its side.
    linger: Option<Pin<Box<Sleep>>>,
    failure: Option<Error>,
}

/// What is made of the events of an upstream.
pub(super) trait EventReader {
    /// Reads the next event, and says how far the answer has come.
    fn event(&mut self, event: &Event, progress: Progress) -> Result<Progress>;

    /// The stream has ended, or has broken off: what is known by now may still be handed on. Fails
    /// if the answer is not complete.
    fn end(&mut self, progress: Progress) -> Result<()>;

    /// Whether so much is ready that it should leave even while more is coming.
    fn is_full(&self) -> bool;

    /// Takes what is ready to leave.
    fn take_ready(&mut self) -> Option<StreamItem>;
}

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
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

impl<R: EventReader> Pump<R> {
    pub(super) fn new(body: UpstreamBody, reader: R) -> Self {
        Self {
            body,
            scanner: Scanner::new(),
            reader,
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

    /// Takes one piece from the upstream and reads the events that it completes.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.scanner.push(data);
                    self.scan();
                }
            }
            Some(Err(error)) => self.break_off(error),
            None => self.end(),
        }
        Poll::Ready(())
    }

    fn scan(&mut self) {
        while self.failure.is_none() && self.progress < Progress::Done {
            match self.scanner.next_event() {
                Ok(Some(event)) => match self.reader.event(&event, self.progress) {
                    Ok(progress) => self.progress = self.progress.max(progress),
                    Err(error) => self.break_off(error),
                },
                Ok(None) => return,
                Err(error) => self.fail(Error::upstream_decode(error.to_string())),
            }
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
        match self.reader.end(self.progress) {
            Ok(()) => self.progress = Progress::Closed,
            Err(error) => self.fail(error),
        }
    }

    fn break_off(&mut self, error: Error) {
        // What was said last, such as the usage, is worth having; that it is not complete is known.
        let _incomplete = self.reader.end(self.progress);
        self.fail(error);
    }

    fn fail(&mut self, error: Error) {
        // What goes wrong after the answer is complete is no loss to the caller.
        if self.progress >= Progress::Done {
            self.progress = Progress::Closed;
        } else {
            self.failure = Some(error);
        }
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

impl<R: EventReader + Unpin> Stream for Pump<R> {
    type Item = Result<StreamItem>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.failure.is_some() || this.progress == Progress::Closed {
                return Poll::Ready(match this.reader.take_ready() {
                    Some(item) => Some(Ok(item)),
                    None => {
                        this.progress = Progress::Closed;
                        this.failure.take().map(Err)
                    }
                });
            }
            if this.reader.is_full() {
                return Poll::Ready(this.reader.take_ready().map(Ok));
            }
            if this.read(cx).is_pending() {
                if let Some(item) = this.reader.take_ready() {
                    return Poll::Ready(Some(Ok(item)));
                }
                if this.progress == Progress::Done && this.lingered(cx) {
                    // The upstream that never closes has said all that its format asks for.
                    this.end();
                    continue;
                }
                return Poll::Pending;
            }
        }
    }
}

/// What a stream that ends in the middle of an answer means.
pub(super) fn broken_off() -> Error {
    Error::transport("The provider broke off in the middle of its answer.")
        .with_retry(RetryAdvice::Never)
}

/// How long an upstream may keep its connection open behind the last event.
const LINGER: Duration = Duration::from_millis(500);
