//! The body of an answer, which holds its connection until the end.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use aisix_core::error::Error;
use aisix_core::provider::upstream::UpstreamBody;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;

use crate::transport::error;
use crate::transport::error::Phase;
use crate::transport::host::Held;
use crate::transport::host::Lease;
use crate::transport::timer::Timer;

#[derive(Debug)]
pub(super) struct ResponseBody {
    // Both gone at the end: the one before the other, so that hyper sees the body's end first.
    incoming: Option<Incoming>,
    lease: Option<Lease>,
    gap: Duration,
    timer: Timer,
}

impl ResponseBody {
    pub(super) fn erase(incoming: Incoming, mut lease: Lease, gap: Duration) -> UpstreamBody {
        if incoming.is_end_stream() {
            lease.finish();
            return UpstreamBody::from_bytes(Bytes::new());
        }
        let timer = match &mut lease.held {
            Held::Http1(connection) => std::mem::take(&mut connection.timer),
            Held::Http2 { .. } | Held::Nothing => Timer::default(),
        };
        UpstreamBody::new(Self {
            incoming: Some(incoming),
            lease: Some(lease),
            gap,
            timer,
        })
    }

    /// Gives the connection back.
    fn finish(&mut self) {
        self.incoming = None;
        if let Some(mut lease) = self.lease.take() {
            if let Held::Http1(connection) = &mut lease.held {
                connection.timer = std::mem::take(&mut self.timer);
            }
            lease.finish();
        }
    }

    /// Cancels what is left of the answer.
    fn fail(&mut self, cause: Option<hyper::Error>) -> Error {
        self.incoming = None;
        let Some(lease) = self.lease.take() else {
            return Error::internal("the body of an answer failed twice");
        };
        let authority = &lease.host.origin.authority;
        match cause {
            Some(cause) => error::failed(Phase::Body, authority, cause),
            None => error::timed_out(Phase::Body, authority, self.gap),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        let frame = match this.lease.as_mut().map(|lease| &mut lease.held) {
            Some(Held::Http1(connection)) => connection.poll_frame(incoming, cx),
            _ => Pin::new(&mut *incoming).poll_frame(cx),
        };
        match frame {
            Poll::Ready(Some(Ok(frame))) => {
                this.timer.stop();
                // With a known length the last frame is the end; nobody needs to ask again.
                if incoming.is_end_stream() {
                    this.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(cause))) => Poll::Ready(Some(Err(this.fail(Some(cause))))),
            Poll::Ready(None) => {
                this.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                if !this.timer.is_running() {
                    this.timer.start(this.gap);
                }
                match this.timer.poll_expired(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(this.fail(None)))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
