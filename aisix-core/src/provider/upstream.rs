//! The HTTP seam: what the gateway asks of the client that calls upstreams.
//!
//! Any Tower service over [`http::Request`] with these two bodies is an [`UpstreamClient`], so that a
//! test or an embedder puts its own in the place of the one in `aisix-providers`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use tower_service::Service;

use crate::error::Error;
use crate::json::Segments;

/// The body of a request to an upstream: a few pieces of memory, sent in order and not copied.
///
/// A clone shares the memory and starts where the original stands, so a body that was not polled
/// yet can be sent again.
pub type RequestBody = Segments;

/// The body of an upstream's answer: frames of bytes, or the [`Error`] that cut them off.
pub struct UpstreamBody {
    inner: Inner,
}

/// How one request is to be sent; a client finds it in the request's extensions.
///
/// What is `None`, or the lack of the whole, leaves the choice to the client. A `Duration::MAX` asks
/// for no limit.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UpstreamOptions {
    /// How long the connection may take to be made, its TLS handshake not counted.
    pub connect: Option<Duration>,
    /// How long the head of the answer may take, once the request is on its connection.
    pub response_headers: Option<Duration>,
    /// The longest gap between two frames of the answer's body, the first one included.
    pub read_gap: Option<Duration>,
    /// Whom to trust, where that differs from the client's own choice.
    pub tls: Option<Arc<UpstreamTls>>,
}

/// Whom to trust in a TLS handshake with an upstream.
///
/// Equal values share connections.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UpstreamTls {
    /// Certificates in PEM that are trusted beside those of the client.
    pub ca_cert_pem: Option<String>,
    /// Whether the upstream's certificate is verified at all.
    pub verify: bool,
}

/// A Tower service that sends requests to upstreams.
///
/// Implemented for every service of the right shape. The gateway polls readiness before each call,
/// but counts on a client that is always ready: waiting belongs into the returned future. Dropping
/// that future, or the body of its answer, must cancel the request at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot send requests to upstreams",
    label = "not an upstream client",
    note = "an `UpstreamClient` is a `tower_service::Service<http::Request<RequestBody>>` with \
            `Response = http::Response<UpstreamBody>`, `Error = aisix_core::error::Error` and a \
            future that is `Send + 'static`, itself `Clone + Send + Sync + 'static`"
)]
pub trait UpstreamClient:
    Service<
        http::Request<RequestBody>,
        Response = http::Response<UpstreamBody>,
        Error = Error,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

enum Inner {
    Full(Bytes),
    Frames(Pin<Box<dyn Body<Data = Bytes, Error = Error> + Send>>),
}

// === impl UpstreamBody ===

impl UpstreamBody {
    /// Erases the type of `body`, with one allocation.
    pub fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        Self {
            inner: Inner::Frames(Box::pin(body)),
        }
    }

    /// Makes a body that is already here as a whole.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self {
            inner: Inner::Full(bytes.into()),
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.get_mut().inner {
            Inner::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Inner::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Inner::Frames(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Full(bytes) => bytes.is_empty(),
            Inner::Frames(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Frames(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamBody")
            .field("size_hint", &self.size_hint())
            .finish_non_exhaustive()
    }
}

// === impl UpstreamOptions ===

impl UpstreamOptions {
    /// Leaves every choice to the client.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the time for making the connection.
    #[must_use]
    pub fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = Some(limit);
        self
    }

    /// Limits the wait for the head of the answer.
    #[must_use]
    pub fn with_response_headers(mut self, limit: Duration) -> Self {
        self.response_headers = Some(limit);
        self
    }

    /// Limits the gap between two frames of the answer's body.
    #[must_use]
    pub fn with_read_gap(mut self, limit: Duration) -> Self {
        self.read_gap = Some(limit);
        self
    }

    /// Says whom to trust.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<UpstreamTls>) -> Self {
        self.tls = Some(tls);
        self
    }
}

// === impl UpstreamTls ===

impl UpstreamTls {
    /// Trusts whom the client trusts, and verifies.
    #[must_use]
    pub fn new() -> Self {
        Self {
            ca_cert_pem: None,
            verify: true,
        }
    }

    /// Trusts the certificates in `pem` too.
    #[must_use]
    pub fn with_ca_cert_pem(mut self, pem: impl Into<String>) -> Self {
        self.ca_cert_pem = Some(pem.into());
        self
    }

    /// Says whether the upstream's certificate is verified.
    #[must_use]
    pub fn with_verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }
}

impl Default for UpstreamTls {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamTls")
            .field("ca_cert_pem", &self.ca_cert_pem.is_some())
            .field("verify", &self.verify)
            .finish()
    }
}

// === impl UpstreamClient ===

impl<C> UpstreamClient for C where
    C: Service<
            http::Request<RequestBody>,
            Response = http::Response<UpstreamBody>,
            Error = Error,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn answers_with_bytes_that_are_here_already() {
        let body = UpstreamBody::from_bytes("hello");
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
        assert!(UpstreamBody::from_bytes("").is_end_stream());
    }
}
