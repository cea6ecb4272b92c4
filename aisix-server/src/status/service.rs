use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aisix_core::call::RequestId;
use aisix_core::gateway::{Body, Gateway, Peer, ResponseFuture};
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::Health;
use crate::listen::RealIp;

/// The proxy listener: health, and behind it the gateway.
#[derive(Clone, Debug)]
pub struct ProxyService {
    gateway: Gateway,
    peer: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    health: Health,
    real_ip: RealIp,
}

pin_project! {
    /// The future of [`ProxyService`].
    pub struct ProxyFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        Answered { response: Option<Response<Body>> },
        Gateway { #[pin] future: ResponseFuture },
    }
}

impl ProxyService {
    /// Makes the services of connections.
    pub fn maker(
        gateway: Gateway,
        health: Health,
        real_ip: RealIp,
    ) -> impl Fn(SocketAddr) -> Self + Clone + Send + Sync + 'static {
        let shared = Arc::new(Shared { health, real_ip });
        move |peer| Self {
            gateway: gateway.with_peer(peer),
            peer,
            shared: Arc::clone(&shared),
        }
    }

    fn health(&self, method: &Method, path: &str, query: Option<&str>) -> Option<Response<Body>> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let health = &self.shared.health;
        let (ready, text) = match path {
            "/livez" => (true, "ok".to_owned()),
            "/readyz" if query.is_some_and(|query| query.split('&').any(is_verbose)) => {
                (health.is_ready(), health.report())
            }
            "/readyz" if health.is_ready() => (true, "ok".to_owned()),
            "/readyz" => (false, health.report()),
            _ => return None,
        };
        let mut response = Response::new(Body::from(bytes::Bytes::from(text)));
        if !ready {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        let headers = response.headers_mut();
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, text);
        headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
        let id = RequestId::random().header_value().clone();
        headers.insert(HeaderName::from_static(RequestId::HEADER), id);
        let revision = self.gateway.snapshot().revision().get();
        headers.insert("x-aisix-config-revision", revision.into());
        Some(response)
    }
}

impl<B> Service<Request<B>> for ProxyService
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ProxyFuture {
        let uri = request.uri();
        if let Some(response) = self.health(request.method(), uri.path(), uri.query()) {
            return ProxyFuture {
                state: State::Answered {
                    response: Some(response),
                },
            };
        }
        let caller = self
            .shared
            .real_ip
            .caller(self.peer.ip(), request.headers());
        if caller != self.peer.ip() {
            request.extensions_mut().insert(Peer(caller));
        }
        ProxyFuture {
            state: State::Gateway {
                future: self.gateway.call(request),
            },
        }
    }
}

impl Future for ProxyFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Answered { response } => {
                Poll::Ready(Ok(response.take().unwrap_or_default()))
            }
            StateProj::Gateway { future } => future.poll(cx),
        }
    }
}

impl fmt::Debug for ProxyFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyFuture")
    }
}

fn is_verbose(pair: &str) -> bool {
    pair == "verbose" || pair.starts_with("verbose=")
}

const SERVER: &str = concat!("AISIX/", env!("CARGO_PKG_VERSION"));
