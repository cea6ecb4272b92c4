use std::fmt;
use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as HttpBody;
use tower_layer::Layer;
use tower_service::Service;

use super::inbound::BoxError;
use super::route::Route;
use super::{Gateway, LayerBody, LayerFuture};

/// Puts a gateway in front of another HTTP service: requests for its paths are answered by the
/// gateway, all others by the inner service.
///
/// # Order
///
/// With axum's `Router::layer`, add this layer last: a layer wraps only the routes (and the
/// fallback) that were added before it.
#[derive(Clone, Debug)]
#[must_use]
pub struct AisixLayer {
    gateway: Gateway,
}

/// The service of an [`AisixLayer`].
#[derive(Clone)]
pub struct Aisix<S> {
    gateway: Gateway,
    inner: S,
}

impl AisixLayer {
    /// Answers the gateway's paths with `gateway`.
    pub fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }
}

impl<S> Layer<S> for AisixLayer {
    type Service = Aisix<S>;

    fn layer(&self, inner: S) -> Aisix<S> {
        Aisix {
            gateway: self.gateway.clone(),
            inner,
        }
    }
}

impl<S, B, R> Service<Request<B>> for Aisix<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<LayerBody<R>>;
    type Error = S::Error;
    type Future = LayerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self
            .gateway
            .local
            .shared
            .route(request.method(), request.uri())
        {
            Route::Other => {
                // The instance that was polled ready is the one to call; its clone takes its place.
                let clone = self.inner.clone();
                let mut ready = mem::replace(&mut self.inner, clone);
                LayerFuture::inner(ready.call(request))
            }
            Route::Operation(..) | Route::Model(_) | Route::WrongMethod => {
                LayerFuture::gateway(self.gateway.call(request))
            }
        }
    }
}

impl<S> fmt::Debug for Aisix<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aisix")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
