//! One request and its answer.

use std::future::Future;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use aisix_core::error::Error;
use aisix_core::error::Result;
use aisix_core::provider::upstream::RequestBody;
use aisix_core::provider::upstream::UpstreamBody;
use aisix_core::provider::upstream::UpstreamOptions;
use aisix_core::provider::upstream::UpstreamTls;
use http::Request;
use http::Response;
use http::Uri;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::rt::Executor as _;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::transport::body::ResponseBody;
use crate::transport::client::Inner;
use crate::transport::error;
use crate::transport::error::Phase;
use crate::transport::host::Admission;
use crate::transport::host::Held;
use crate::transport::host::Host;
use crate::transport::host::Lease;
use crate::transport::host::Opening;
use crate::transport::host::Origin;
use crate::transport::pool::invalid_url;
use crate::transport::timer::Timer;

/// How long each phase may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) tls: Duration,
    pub(super) headers: Duration,
    pub(super) read_gap: Duration,
}

enum Failure {
    /// The upstream has not seen the request, which is here again.
    Unseen(Box<Request<RequestBody>>, Error),
    Final(Error),
}

/// Sends `request`, again if need be, until there is an answer or a reason why there is none.
pub(super) async fn exchange(
    client: Arc<Inner>,
    mut request: Request<RequestBody>,
) -> Result<Response<UpstreamBody>> {
    let options = request.extensions_mut().remove::<UpstreamOptions>();
    let (limits, tls) = client.limits.with(options);
    let (origin, mut path) = split(mem::take(request.uri_mut()), tls)?;
    let host = client.pool.host(origin)?;
    let mut unseen_times = 0;
    loop {
        let lease = match host.lease() {
            // A pool that is dead twice over is not asked again; what is new fails for good.
            _ if unseen_times > 1 => Box::pin(client.open(host.open(), limits)).await?,
            Some(lease) => lease,
            None => Box::pin(client.lease(&host, limits)).await?,
        };
        let is_reused = lease.reused;
        address(&mut request, &host, lease.is_http2(), path)?;
        match send(lease, request, limits).await {
            Ok(response) => return Ok(response),
            Err(Failure::Unseen(unseen, _)) if is_reused => {
                path = path_of(unseen.uri());
                request = *unseen;
                unseen_times += 1;
            }
            Err(Failure::Unseen(_, error) | Failure::Final(error)) => return Err(error),
        }
    }
}

// === impl Inner ===

impl Inner {
    /// Gets a connection where none is ready.
    async fn lease(&self, host: &Arc<Host>, limits: Limits) -> Result<Lease> {
        let patience = limits.connect.saturating_add(limits.tls);
        let deadline = Instant::now().checked_add(patience);
        loop {
            // Made before the look at the pool, so that no change after it is missed.
            let changed = host.changed.notified();
            match host.admit() {
                Admission::Ready(lease) => return Ok(lease),
                Admission::Open(opening) => return self.open(opening, limits).await,
                Admission::Wait(waiting) => {
                    match deadline {
                        Some(deadline) => {
                            timeout_at(deadline, changed).await.map_err(|_elapsed| {
                                let authority = &host.origin.authority;
                                error::timed_out(Phase::Connect, authority, patience)
                            })?;
                        }
                        None => changed.await,
                    }
                    drop(waiting);
                }
            }
        }
    }

    async fn open(&self, opening: Opening, limits: Limits) -> Result<Lease> {
        let connecting = self.connector.connect(opening, limits.connect, limits.tls);
        let lease = connecting.await?;
        if let Some(sweeper) = self.pool.sweeper() {
            self.connector.executor().execute(sweeper);
        }
        Ok(lease)
    }
}

// === impl Limits ===

impl Limits {
    fn with(self, options: Option<UpstreamOptions>) -> (Self, Option<Arc<UpstreamTls>>) {
        let Some(options) = options else {
            return (self, None);
        };
        let limits = Self {
            connect: options.connect.unwrap_or(self.connect),
            tls: self.tls,
            headers: options.response_headers.unwrap_or(self.headers),
            read_gap: options.read_gap.unwrap_or(self.read_gap),
        };
        (limits, options.tls)
    }
}

/// Takes `uri` apart into what chooses the connection and what goes out on it.
fn split(uri: Uri, tls: Option<Arc<UpstreamTls>>) -> Result<(Origin, PathAndQuery)> {
    let parts = uri.into_parts();
    let https = match parts.scheme {
        Some(scheme) if scheme == Scheme::HTTPS => true,
        Some(scheme) if scheme == Scheme::HTTP => false,
        _ => return Err(invalid_url()),
    };
    let origin = Origin {
        https,
        authority: parts.authority.ok_or_else(invalid_url)?,
        tls: tls.filter(|_| https),
    };
    let path = parts
        .path_and_query
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    Ok((origin, path))
}

/// Writes the target as the protocol of the connection wants it.
fn address(
    request: &mut Request<RequestBody>,
    host: &Host,
    is_http2: bool,
    path: PathAndQuery,
) -> Result<()> {
    let mut parts = http::uri::Parts::default();
    if is_http2 {
        parts.scheme = host.uri.scheme().cloned();
        parts.authority = Some(host.origin.authority.clone());
    } else {
        request
            .headers_mut()
            .entry(HOST)
            .or_insert_with(|| host.header.clone());
    }
    parts.path_and_query = Some(path);
    *request.uri_mut() =
        Uri::from_parts(parts).map_err(|error| invalid_url().with_source(error))?;
    Ok(())
}

fn path_of(uri: &Uri) -> PathAndQuery {
    uri.path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
}

async fn send(
    mut lease: Lease,
    request: Request<RequestBody>,
    limits: Limits,
) -> Result<Response<UpstreamBody>, Failure> {
    let host = Arc::clone(&lease.host);
    let authority = &host.origin.authority;
    let mut replay = None;
    let outcome = match &mut lease.held {
        Held::Http1(connection) => {
            connection.timer.start(limits.headers);
            let sent = connection.send(request).await;
            connection.timer.stop();
            sent
        }
        Held::Http2 { sender, .. } => {
            // Only HTTP/2 says of a request that went out whether it was looked at.
            replay = lease.reused.then(|| request.clone());
            let mut timer = Timer::default();
            timer.start(limits.headers);
            within(&mut timer, sender.try_send_request(request)).await
        }
        Held::Nothing => None,
    };
    match outcome {
        Some(Ok(response)) => {
            Ok(response.map(|incoming| ResponseBody::erase(incoming, lease, limits.read_gap)))
        }
        Some(Err(mut failure)) => {
            let unseen = failure.take_message();
            let cause = failure.into_error();
            let unseen = match unseen {
                None if error::is_unprocessed(&cause) => replay,
                unseen => unseen,
            };
            let error = error::failed(Phase::Headers, authority, cause);
            Err(match unseen {
                Some(request) => Failure::Unseen(Box::new(request), error),
                None => Failure::Final(error),
            })
        }
        None => Err(Failure::Final(error::timed_out(
            Phase::Headers,
            authority,
            limits.headers,
        ))),
    }
}

/// Waits for the head of the answer, or gives up with `None`.
async fn within(
    timer: &mut Timer,
    sending: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
) -> Option<Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> {
    let mut sending = pin!(sending);
    poll_fn(|cx| {
        // In this order: the runtime of a connection that has ended may be gone, and its timers with it.
        if let Poll::Ready(outcome) = sending.as_mut().poll(cx) {
            return Poll::Ready(Some(outcome));
        }
        timer.poll_expired(cx).map(|()| None)
    })
    .await
}
