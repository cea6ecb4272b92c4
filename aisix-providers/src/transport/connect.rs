//! From an origin to a connection.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::ready;
use std::time::Duration;

use aisix_core::error::Error;
use aisix_core::error::Result;
use hyper::client::conn::http2;
use hyper::rt::Executor as _;
use hyper::rt::Read;
use hyper::rt::Write;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::transport::error;
use crate::transport::error::Phase;
use crate::transport::executor::Executor;
use crate::transport::host::Lease;
use crate::transport::host::Opening;
use crate::transport::http1::Http1;

/// Makes connections, and has their tasks spawned.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    tcp: HttpConnector,
    executor: Executor,
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(executor: Executor) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        Self { tcp, executor }
    }

    pub(super) fn executor(&self) -> &Executor {
        &self.executor
    }

    pub(super) async fn connect(
        &self,
        opening: Opening,
        limit: Duration,
        tls_limit: Duration,
    ) -> Result<Lease> {
        let host = Arc::clone(opening.host());
        let authority = &host.origin.authority;
        let mut connector = self.tcp.clone();
        // Spreads the time over the addresses, so that one of them that swallows packets does not
        // take it all; the timeout around it covers name resolution too.
        connector.set_connect_timeout(Some(limit));
        let tcp = timeout(limit, connector.call(host.uri.clone()))
            .await
            .map_err(|_elapsed| error::timed_out(Phase::Connect, authority, limit))?
            .map_err(|error| match is_timeout(&error) {
                true => error::timed_out(Phase::Connect, authority, limit),
                false => error::failed(Phase::Connect, authority, error),
            })?;
        let Some((config, name)) = &host.tls else {
            return Self::http1(opening, tcp).await;
        };
        let handshake = TlsConnector::from(Arc::clone(config));
        let tls = timeout(tls_limit, handshake.connect(name.clone(), tcp.into_inner()))
            .await
            .map_err(|_elapsed| error::timed_out(Phase::Tls, authority, tls_limit))?
            .map_err(|error| error::failed(Phase::Tls, authority, error))?;
        if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(opening, TokioIo::new(tls)).await
        } else {
            Self::http1(opening, TokioIo::new(tls)).await
        }
    }

    async fn http1<T>(opening: Opening, io: T) -> Result<Lease>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let connection = Http1::handshake(io)
            .await
            .map_err(|error| broken(&opening, error))?;
        Ok(opening.http1(connection))
    }

    async fn http2<T>(&self, opening: Opening, io: T) -> Result<Lease>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let (sender, mut connection) = http2::Builder::new(self.executor.clone())
            .timer(TokioTimer::new())
            .initial_max_send_streams(UNSETTLED)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .handshake(io)
            .await
            .map_err(|error| broken(&opening, error))?;
        let (lease, settling) = opening.http2(sender);
        let mut settling = Some(settling);
        let mut published = None;
        self.executor.execute(async move {
            let mut tick = tokio::time::interval(SETTLING_TICK);
            let ended = poll_fn(|cx| {
                loop {
                    let poll = Pin::new(&mut connection).poll(cx);
                    let max_streams = connection.current_max_send_streams();
                    if max_streams != UNSETTLED
                        && let Some(settling) = settling.take()
                    {
                        published = Some(settling.settled(max_streams));
                    }
                    // Each request passes through here, and so finds what the upstream said last.
                    if let Some(published) = &published {
                        published.store(max_streams, Ordering::Relaxed);
                    }
                    if poll.is_ready() || settling.is_none() {
                        return poll;
                    }
                    // hyper reads frames in another task, and does not say when settings arrive.
                    ready!(tick.poll_tick(cx));
                }
            });
            if let Err(error) = ended.await {
                tracing::debug!(%error, "an HTTP/2 connection to an upstream failed");
            }
        });
        Ok(lease)
    }
}

fn broken(opening: &Opening, error: hyper::Error) -> Error {
    error::failed(Phase::Connect, &opening.host().origin.authority, error)
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::TimedOut;
        }
        cause = error.source();
    }
    false
}

/// What hyper takes for the upstream's limit before it has heard of one; the pool is more careful.
const UNSETTLED: usize = usize::MAX - 1;

/// How often to look for the first settings of an upstream.
const SETTLING_TICK: Duration = Duration::from_millis(2);

/// An idle peer that vanished is noticed by then.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// While requests are in flight, one connection carries many of them: a dead one must not go unnoticed
/// until each has timed out.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
