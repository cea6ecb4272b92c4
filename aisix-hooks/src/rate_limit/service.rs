use std::mem;
use std::task::{Context, Poll};

use aisix_core::call::Call;
use aisix_core::error::{Error, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::Reply;
use tower_service::Service;

use super::ResponseFuture;
use super::window::Clock;

/// The service of a [`RateLimitLayer`](super::RateLimitLayer).
#[derive(Clone, Debug)]
pub struct RateLimit<S> {
    clock: Clock,
    inner: S,
}

impl<S> RateLimit<S> {
    pub(super) fn new(clock: Clock, inner: S) -> Self {
        Self { clock, inner }
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
        ResponseFuture::new(self.clock.clone(), ready, call)
    }
}
