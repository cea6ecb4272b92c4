use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

/// Panics when a service is called that was not polled ready: the half of Tower's contract that
/// nothing else notices.
///
/// A clone is not ready, however ready the original is.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReadinessLayer;

/// The service of a [`ReadinessLayer`].
#[derive(Debug)]
pub struct Readiness<S> {
    inner: S,
    ready: bool,
}

impl ReadinessLayer {
    /// Watches over the service inside.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for ReadinessLayer {
    type Service = Readiness<S>;

    fn layer(&self, inner: S) -> Readiness<S> {
        Readiness {
            inner,
            ready: false,
        }
    }
}

impl<S: Clone> Clone for Readiness<S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ready: false,
        }
    }
}

impl<S: Service<R>, R> Service<R> for Readiness<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let polled = self.inner.poll_ready(cx);
        self.ready = matches!(polled, Poll::Ready(Ok(())));
        polled
    }

    #[track_caller]
    fn call(&mut self, request: R) -> S::Future {
        assert!(
            std::mem::replace(&mut self.ready, false),
            "a service was called that was not polled ready"
        );
        self.inner.call(request)
    }
}
