use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::Body;
use super::inbound::BoxError;

/// The future of a [`Gateway`](super::Gateway).
pub struct ResponseFuture {
    inner: Pin<Box<dyn Future<Output = Response<Body>> + Send>>,
}

pin_project! {
    /// The future of [`Aisix`](super::Aisix).
    pub struct LayerFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Gateway { #[pin] future: ResponseFuture },
        Inner { #[pin] future: F },
    }
}

pin_project! {
    /// The body of [`Aisix`](super::Aisix)'s answers: the gateway's, or the inner service's.
    #[derive(Debug)]
    pub struct LayerBody<B> {
        #[pin]
        inner: Either<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = EitherProj]
    enum Either<B> {
        Gateway { #[pin] body: Body },
        Inner { #[pin] body: B },
    }
}

// === impl ResponseFuture ===

impl ResponseFuture {
    pub(super) fn new(inner: impl Future<Output = Response<Body>> + Send + 'static) -> Self {
        Self {
            inner: Box::pin(inner),
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

// === impl LayerFuture ===

impl<F> LayerFuture<F> {
    pub(super) fn gateway(future: ResponseFuture) -> Self {
        Self {
            state: State::Gateway { future },
        }
    }

    pub(super) fn inner(future: F) -> Self {
        Self {
            state: State::Inner { future },
        }
    }
}

impl<F, B, E> Future for LayerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<LayerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Gateway { future } => {
                let response = match ready!(future.poll(cx)) {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                Poll::Ready(Ok(response.map(|body| LayerBody {
                    inner: Either::Gateway { body },
                })))
            }
            StateProj::Inner { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(|body| LayerBody {
                    inner: Either::Inner { body },
                })))
            }
        }
    }
}

impl<F> fmt::Debug for LayerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LayerFuture")
    }
}

// === impl LayerBody ===

impl<B> HttpBody for LayerBody<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().inner.project() {
            EitherProj::Gateway { body } => body
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
            EitherProj::Inner { body } => body
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Either::Gateway { body } => body.is_end_stream(),
            Either::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Either::Gateway { body } => body.size_hint(),
            Either::Inner { body } => body.size_hint(),
        }
    }
}

impl<B: Default> Default for LayerBody<B> {
    fn default() -> Self {
        Self {
            inner: Either::Inner { body: B::default() },
        }
    }
}
