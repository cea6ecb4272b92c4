use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio::time::Sleep;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::Drain;
use super::HttpOptions;
use super::HttpService;
use super::Phase;
use super::activity::Activity;
use super::head_timer::HeadTimer;
use super::io::WatchedIo;
use super::service::ConnectionService;

/// A peer that does not answer a ping for so long is gone (HTTP/2).
const PING_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// What may be in flight on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;

/// Windows that let a request body of the usual size in without waiting for us (HTTP/2).
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// hyper refuses to work with less.
const MIN_HEADER_BYTES: usize = 8 * 1024;

/// Serves one connection to its end.
pub(super) async fn connection<S: HttpService>(
    stream: TcpStream,
    service: S,
    options: &HttpOptions,
    drain: &Drain,
) {
    let activity = Activity::new(options.idle_timeout.is_some());
    match &options.tls {
        None => serve(stream, service, activity, options, drain).await,
        Some(tls) => {
            let acceptor = TlsAcceptor::from(Arc::clone(tls));
            let handshake = timeout(options.header_read_timeout, acceptor.accept(stream));
            let stream = tokio::select! {
                shaken = handshake => shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
                () = drain.reached(Phase::Closing) => return,
            };
            match stream {
                Ok(stream) => serve(stream, service, activity, options, drain).await,
                Err(error) => tracing::debug!(%error, "TLS handshake failed"),
            }
        }
    }
}

async fn serve<I, S>(
    stream: I,
    service: S,
    activity: Arc<Activity>,
    options: &HttpOptions,
    drain: &Drain,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService,
{
    let builder = builder(&activity, options);
    let io = WatchedIo::new(TokioIo::new(stream), Arc::clone(&activity));
    let service = ConnectionService::new(service, Arc::clone(&activity));
    let mut http = pin!(builder.serve_connection(io, service));
    let mut closing = drain.reached(Phase::Closing);
    let mut cut = drain.reached(Phase::Cut);
    let mut deadlines = Deadlines::new(activity, options);
    let mut told = false;

    let end = poll_fn(|cx| {
        if !told && Pin::new(&mut closing).poll(cx).is_ready() {
            told = true;
            http.as_mut().graceful_shutdown();
        }
        if told && Pin::new(&mut cut).poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(end) = http.as_mut().poll(cx) {
            return Poll::Ready(end);
        }
        match deadlines.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Deadline::First) => Poll::Ready(Ok(())),
            Poll::Ready(Deadline::Idle) => {
                told = true;
                http.as_mut().graceful_shutdown();
                http.as_mut().poll(cx)
            }
        }
    });
    if let Err(error) = end.await {
        tracing::debug!(error, "connection ended");
    }
}

fn builder(activity: &Arc<Activity>, options: &HttpOptions) -> auto::Builder<TokioExecutor> {
    let header_bytes = options.max_header_bytes;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(HeadTimer::new(
            Arc::clone(activity),
            options.header_read_timeout,
        ))
        .header_read_timeout(options.header_read_timeout)
        .max_buf_size(
            usize::try_from(header_bytes)
                .map_or(MIN_HEADER_BYTES, |bytes| bytes.max(MIN_HEADER_BYTES)),
        );
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_TIMEOUT)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(header_bytes);
    builder
}

/// The times at which a connection without a request is closed.
struct Deadlines {
    activity: Arc<Activity>,
    /// For the first request: before it, nothing tells a slow caller from one that never sends.
    first: Option<Pin<Box<Sleep>>>,
    idle: Option<(std::time::Duration, Pin<Box<Sleep>>)>,
}

enum Deadline {
    First,
    Idle,
}

impl Deadlines {
    fn new(activity: Arc<Activity>, options: &HttpOptions) -> Self {
        let idle = options.idle_timeout;
        Self {
            activity,
            first: Some(Box::pin(sleep(options.header_read_timeout))),
            idle: idle.map(|idle| (idle, Box::pin(sleep(idle)))),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Deadline> {
        if self.activity.has_started() {
            self.first = None;
        }
        if let Some(first) = &mut self.first
            && first.as_mut().poll(cx).is_ready()
        {
            self.first = None;
            return Poll::Ready(Deadline::First);
        }
        self.poll_idle(cx)
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Deadline> {
        let Some((idle, timer)) = &mut self.idle else {
            return Poll::Pending;
        };
        while timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let since = self.activity.idle_since().unwrap_or(now);
            let deadline = since + *idle;
            if deadline <= now {
                self.idle = None;
                return Poll::Ready(Deadline::Idle);
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
