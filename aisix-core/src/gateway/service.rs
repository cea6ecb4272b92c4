use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response, Uri};
use http_body::Body as HttpBody;
use tower_service::Service;

use super::inbound::{self, BoxError};
use super::outbound::{self, Answering};
use super::route::Route;
use super::{Body, Gateway, ResponseFuture, Shared};
use crate::call::Call;
use crate::dialect::{Dialect, DialectId, openai};
use crate::reply::Tally;

/// Errors become answers, so the service itself has none.
impl<B> Service<Request<B>> for Gateway
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let gateway = self.clone();
        ResponseFuture::new(async move { gateway.respond(request).await })
    }
}

impl Gateway {
    async fn respond<B>(self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let call = inbound::read(&self, request).await;
        let answering = Answering::of(&call);
        let result = self.local.shared.stack.run(call).await;
        outbound::write(answering, result, self.local.shared.limits)
    }
}

impl Answering {
    fn of(call: &Call) -> Self {
        Self {
            context: Arc::clone(call.context()),
            payload: call.payload().clone(),
            is_stream: call.is_stream(),
            tally: Tally::of(call),
        }
    }
}

impl Shared {
    /// Where a request leads; a path whose dialect is not spoken here is none of the gateway's.
    pub(super) fn route<'a>(&self, method: &Method, uri: &'a Uri) -> Route<'a> {
        match Route::of(method, uri) {
            Route::Operation(_, dialect) if self.dialects.get(dialect).is_none() => Route::Other,
            route => route,
        }
    }

    /// The codec of the dialect called `id`.
    pub(super) fn dialect(&self, id: DialectId) -> &'static dyn Dialect {
        self.dialects.get(id).unwrap_or(&openai::Chat)
    }
}
