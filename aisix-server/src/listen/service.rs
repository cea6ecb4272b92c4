use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;

use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::activity::Activity;
use super::activity::InFlight;

/// A service that a connection can be handed to: every tower service over HTTP requests that
/// never fails and can be sent to another thread.
///
/// Implemented for all that qualify; nothing else can implement it.
pub trait HttpService:
    Service<
        Request<Incoming>,
        Response = Response<Self::Body>,
        Error = Infallible,
        Future = Self::Call,
    > + Clone
    + Send
    + 'static
{
    /// The body of an answer.
    type Body: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static;
    /// The future of an answer.
    type Call: Future<Output = Result<Response<Self::Body>, Infallible>> + Send + 'static;
}

/// Makes the service of each connection from the address of its peer. Closures are such makers.
pub trait MakeService: Send + Sync + 'static {
    /// The service of a connection.
    type Service: HttpService;

    /// Makes the service of a connection from `peer`.
    fn make(&self, peer: SocketAddr) -> Self::Service;
}

/// The service of one connection, as hyper calls it.
///
/// A connection calls from one task at a time, so that the service need not be cloned for a
/// request: its reference counts are shared by all connections.
#[derive(Debug)]
pub(super) struct ConnectionService<S> {
    inner: RefCell<S>,
    activity: Arc<Activity>,
}

pin_project! {
    /// The future of one answer.
    #[must_use = "futures do nothing unless polled"]
    pub struct CallFuture<S: HttpService> {
        #[pin]
        state: State<S>,
        in_flight: Option<InFlight>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S: HttpService> {
        /// The service was not ready.
        Waiting { service: S, request: Option<Request<Incoming>> },
        Called { #[pin] call: S::Call },
    }
}

pin_project! {
    /// The body of an answer, which counts as in flight until it is dropped.
    pub struct CountedBody<B> {
        #[pin]
        inner: B,
        in_flight: Option<InFlight>,
    }
}

impl<S, B> HttpService for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    type Body = B;
    type Call = S::Future;
}

impl<F, S> MakeService for F
where
    F: Fn(SocketAddr) -> S + Send + Sync + 'static,
    S: HttpService,
{
    type Service = S;

    fn make(&self, peer: SocketAddr) -> S {
        self(peer)
    }
}

impl<S> ConnectionService<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>) -> Self {
        Self {
            inner: RefCell::new(inner),
            activity,
        }
    }
}

impl<S: HttpService> hyper::service::Service<Request<Incoming>> for ConnectionService<S> {
    type Response = Response<CountedBody<S::Body>>;
    type Error = Infallible;
    type Future = CallFuture<S>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut inner = self.inner.borrow_mut();
        // A service that is not ready keeps no promise to this waker: its clone is polled anew.
        let mut now = Context::from_waker(Waker::noop());
        let state = match inner.poll_ready(&mut now) {
            Poll::Ready(Ok(())) => State::Called {
                call: inner.call(request),
            },
            Poll::Pending => State::Waiting {
                service: inner.clone(),
                request: Some(request),
            },
        };
        CallFuture {
            state,
            in_flight: Some(self.activity.request()),
        }
    }
}

impl<S: HttpService> Future for CallFuture<S> {
    type Output = Result<Response<CountedBody<S::Body>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let call = match this.state.as_mut().project() {
                StateProj::Called { call } => {
                    let Ok(response) = ready!(call.poll(cx));
                    let in_flight = this.in_flight.take();
                    return Poll::Ready(Ok(response.map(|inner| CountedBody { inner, in_flight })));
                }
                StateProj::Waiting { service, request } => {
                    let Ok(()) = ready!(service.poll_ready(cx));
                    request.take().map(|request| service.call(request))
                }
            };
            match call {
                Some(call) => this.state.set(State::Called { call }),
                // The request is taken in the poll that leaves `Waiting`.
                None => return Poll::Pending,
            }
        }
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
