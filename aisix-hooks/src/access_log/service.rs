use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use aisix_core::call::Call;
use aisix_core::error::{Error, Result};
use aisix_core::hook::CallService;
use aisix_core::reply::Reply;
use tower_service::Service;

use super::{ResponseFuture, Sink};

/// The service of an [`AccessLogLayer`](super::AccessLogLayer).
pub struct AccessLog<K, S> {
    sink: Arc<K>,
    inner: S,
}

impl<K, S> AccessLog<K, S> {
    pub(super) fn new(sink: Arc<K>, inner: S) -> Self {
        Self { sink, inner }
    }
}

impl<K, S: Clone> Clone for AccessLog<K, S> {
    fn clone(&self) -> Self {
        Self {
            sink: Arc::clone(&self.sink),
            inner: self.inner.clone(),
        }
    }
}

impl<K: Sink, S: CallService> Service<Call> for AccessLog<K, S> {
    type Response = Reply;
    type Error = Error;
    type Future = ResponseFuture<K, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // The instance that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        ResponseFuture::new(Arc::clone(&self.sink), ready, call)
    }
}

impl<K, S> fmt::Debug for AccessLog<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessLog")
    }
}
