use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use super::upstream::{RequestBody, UpstreamBody, UpstreamClient};
use crate::error::Result;

/// A client behind one pointer, entered by `&self`.
///
/// Its future is boxed: a client's is large, and would otherwise be moved through every layer.
#[derive(Clone)]
pub(super) struct BoxUpstream {
    inner: Arc<dyn Erased>,
}

type BoxFuture = Pin<Box<dyn Future<Output = Result<http::Response<UpstreamBody>>> + Send>>;

impl BoxUpstream {
    pub(super) fn new(client: impl UpstreamClient) -> Self {
        Self {
            inner: Arc::new(client),
        }
    }

    pub(super) fn send(&self, request: http::Request<RequestBody>) -> BoxFuture {
        self.inner.send(request)
    }
}

trait Erased: Send + Sync {
    fn send(&self, request: http::Request<RequestBody>) -> BoxFuture;
}

impl<C: UpstreamClient> Erased for C {
    fn send(&self, request: http::Request<RequestBody>) -> BoxFuture {
        let mut client = self.clone();
        Box::pin(async move {
            poll_fn(|cx| client.poll_ready(cx)).await?;
            client.call(request).await
        })
    }
}
