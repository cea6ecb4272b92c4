//! The service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use aisix_core::error::Error;
use aisix_core::error::Result;
use aisix_core::provider::upstream::RequestBody;
use aisix_core::provider::upstream::UpstreamBody;
use http::Request;
use http::Response;
use tower_service::Service;

use crate::transport::builder::Builder;
use crate::transport::connect::Connector;
use crate::transport::exchange::Limits;
use crate::transport::exchange::exchange;
use crate::transport::pool::Pool;

/// A client of upstreams: a pool of connections behind a Tower service that is always ready.
///
/// A clone shares the pool. The [module](crate::transport) says how connections are kept, what is tried
/// again and what times out.
#[derive(Clone)]
pub struct HyperClient {
    inner: Arc<Inner>,
}

/// The answer of an upstream on its way.
///
/// Dropped, it cancels the request.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    // hyper's future has no name, so there is a box in any case; this one holds the whole call.
    inner: Pin<Box<dyn Future<Output = Result<Response<UpstreamBody>>> + Send>>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) pool: Arc<Pool>,
    pub(super) connector: Connector,
    pub(super) limits: Limits,
}

// === impl HyperClient ===

impl HyperClient {
    /// Makes a client that trusts whom the system trusts, with all defaults.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Starts to make a client with other than the defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A client with the same settings and connections of its own.
    ///
    /// A server with one runtime a core gives each core its own, so that no connection is driven
    /// by one core for another.
    #[must_use]
    pub fn with_own_pool(&self) -> Self {
        let Inner {
            pool,
            connector,
            limits,
        } = &*self.inner;
        let pool = Arc::new(pool.empty_like());
        Self::from_inner(Inner {
            pool,
            connector: connector.clone(),
            limits: *limits,
        })
    }

    pub(super) fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl Service<Request<RequestBody>> for HyperClient {
    type Response = Response<UpstreamBody>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> ResponseFuture {
        ResponseFuture {
            inner: Box::pin(exchange(Arc::clone(&self.inner), request)),
        }
    }
}

impl fmt::Debug for HyperClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperClient")
            .field("limits", &self.inner.limits)
            .finish_non_exhaustive()
    }
}

// === impl ResponseFuture ===

impl Future for ResponseFuture {
    type Output = Result<Response<UpstreamBody>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().inner.as_mut().poll(cx)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
