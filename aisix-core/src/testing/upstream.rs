use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, request};
use http_body::{Body, Frame};
use tokio::sync::mpsc;
use tower_service::Service;

use crate::error::{Error, Result};
use crate::provider::upstream::{RequestBody, UpstreamBody};

/// An upstream client that answers what the test has laid ready, and keeps what it was asked.
#[derive(Clone, Default)]
pub struct TestUpstream {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Result<Response<UpstreamBody>>>,
    requests: Vec<(request::Parts, Bytes)>,
}

/// Feeds the body of an answer, frame by frame; dropping it ends the body.
#[derive(Debug)]
pub struct BodySender {
    frames: mpsc::UnboundedSender<Result<Bytes>>,
}

struct Fed {
    frames: mpsc::UnboundedReceiver<Result<Bytes>>,
}

// === impl TestUpstream ===

impl TestUpstream {
    /// An upstream without answers: it cannot be reached.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the next request with `status` and a JSON body.
    pub fn json(&self, status: StatusCode, body: impl Into<Bytes>) {
        let mut response = Response::new(UpstreamBody::from_bytes(body));
        *response.status_mut() = status;
        let json = http::HeaderValue::from_static("application/json");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, json);
        self.lock().answers.push_back(Ok(response));
    }

    /// Answers the next request with a stream that the test feeds.
    #[must_use]
    pub fn stream(&self) -> BodySender {
        let (frames, receiver) = mpsc::unbounded_channel();
        let mut response = Response::new(UpstreamBody::new(Fed { frames: receiver }));
        let events = http::HeaderValue::from_static("text/event-stream");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, events);
        self.lock().answers.push_back(Ok(response));
        BodySender { frames }
    }

    /// Fails the next request.
    pub fn fail(&self, error: Error) {
        self.lock().answers.push_back(Err(error));
    }

    /// Takes what it was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<(request::Parts, Bytes)> {
        std::mem::take(&mut self.lock().requests)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service<Request<RequestBody>> for TestUpstream {
    type Response = Response<UpstreamBody>;
    type Error = Error;
    type Future = Ready<Result<Response<UpstreamBody>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let mut state = self.lock();
        state.requests.push((parts, whole(body)));
        let answer = state.answers.pop_front();
        ready(answer.unwrap_or_else(|| Err(Error::transport("there is no upstream"))))
    }
}

impl fmt::Debug for TestUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestUpstream")
            .field("answers", &self.lock().answers.len())
            .finish()
    }
}

/// The bytes of a body that is never pending.
fn whole(body: RequestBody) -> Bytes {
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut cx) {
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    bytes.freeze()
}

// === impl BodySender ===

impl BodySender {
    /// Sends a frame; `false` when nobody reads the body any more.
    pub fn send(&self, frame: impl Into<Bytes>) -> bool {
        self.frames.send(Ok(frame.into())).is_ok()
    }

    /// Breaks the body off.
    pub fn fail(self, error: Error) {
        // Nobody is there to hear it if the body is gone.
        drop(self.frames.send(Err(error)));
    }

    /// Waits until nobody reads the body any more.
    pub fn cancelled(&self) -> impl Future<Output = ()> + '_ {
        self.frames.closed()
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.frames
            .poll_recv(cx)
            .map(|frame| frame.map(|bytes| bytes.map(Frame::data)))
    }
}
