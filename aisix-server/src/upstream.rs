//! One upstream client for each thread.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use aisix_core::error::{Error, Result};
use aisix_core::provider::upstream::{RequestBody, UpstreamBody};
use aisix_providers::transport::{HyperClient, ResponseFuture};
use http::{Request, Response};
use thread_local::ThreadLocal;
use tower_service::Service;

/// Sends each request with a client of the current thread, so that a pool and its connections are
/// driven by the runtime whose requests they serve.
#[derive(Clone)]
pub struct PerThread {
    shared: Arc<Shared>,
}

struct Shared {
    clients: ThreadLocal<HyperClient>,
    settings: HyperClient,
}

impl PerThread {
    /// Clients with the settings of `client`.
    pub fn new(client: HyperClient) -> Self {
        Self {
            shared: Arc::new(Shared {
                clients: ThreadLocal::new(),
                settings: client,
            }),
        }
    }
}

impl Service<Request<RequestBody>> for PerThread {
    type Response = Response<UpstreamBody>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> ResponseFuture {
        let Shared { clients, settings } = &*self.shared;
        clients
            .get_or(|| settings.with_own_pool())
            .clone()
            .call(request)
    }
}

impl fmt::Debug for PerThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerThread")
    }
}
