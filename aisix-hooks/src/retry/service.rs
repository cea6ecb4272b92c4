use std::mem;
use std::task::{Context, Poll};

use aisix_core::call::Call;
use aisix_core::error::{Error, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::Reply;
use tower_service::Service;

use super::ResponseFuture;
use super::policy::Policy;

/// The service of a [`RetryLayer`](super::RetryLayer).
#[derive(Clone, Copy, Debug)]
pub struct Retry<S> {
    policy: Policy,
    inner: S,
}

impl<S> Retry<S> {
    pub(super) fn new(policy: Policy, inner: S) -> Self {
        Self { policy, inner }
    }
}

impl<S: CallService> Service<Call> for Retry<S> {
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
        ResponseFuture::new(self.policy, ready, call)
    }
}
