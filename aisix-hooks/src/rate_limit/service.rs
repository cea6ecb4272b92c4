use std::mem;
use std::task::{Context, Poll};

use aisix_core::call::Call;
use aisix_core::error::{Error, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::Reply;
use tower_service::Service;

use super::ResponseFuture;

/// The service of a [`RateLimitLayer`](super::RateLimitLayer).
#[derive(Clone, Copy, Debug)]
pub struct RateLimit<S> {
    inner: S,
}

impl<S> RateLimit<S> {
    /// Holds calls for `inner` to their limits.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: CallService> Service<Call> for RateLimit<S> {
    type Response = Reply;
    type Error = Error;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> ResponseFuture<S> {
        // The instance that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        ResponseFuture::new(ready, call)
    }
}
