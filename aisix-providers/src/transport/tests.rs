use std::convert::Infallible;
use std::future::Future;
use std::future::pending;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use aisix_core::error::Error;
use aisix_core::error::ErrorKind;
use aisix_core::provider::upstream::RequestBody;
use aisix_core::provider::upstream::UpstreamBody;
use aisix_core::provider::upstream::UpstreamClient;
use aisix_core::provider::upstream::UpstreamOptions;
use aisix_core::provider::upstream::UpstreamTls;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http_body::Body;
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::*;

const SOON: Duration = Duration::from_millis(100);
const LATE: Duration = Duration::from_secs(10);

/// What an upstream of these tests answers.
#[derive(Clone, Copy)]
enum Answer {
    Echo,
    Never,
    Stall,
    Redirect,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    cancelled: Notify,
    release: Notify,
}

struct Upstream {
    url: String,
    ca: String,
    seen: Arc<Seen>,
    // Stops the server with the test.
    _tasks: JoinSet<()>,
}

/// A frame, and then silence.
struct Stalling {
    first: Option<Bytes>,
    _note: NoteDrop,
}

struct NoteDrop(Arc<Seen>);

impl Drop for NoteDrop {
    fn drop(&mut self) {
        self.0.cancelled.notify_one();
    }
}

impl Body for Stalling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.first.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

type Boxed = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(how: Answer, seen: Arc<Seen>, request: Request<Incoming>) -> Response<Boxed> {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let full = |bytes: Bytes| http_body_util::Full::new(bytes).boxed();
    match how {
        Answer::Echo => {
            let version = format!("{:?}", request.version());
            let host = request.headers().get(http::header::HOST).cloned();
            let uri = request.uri().to_string();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let mut response = Response::new(full(body));
            let headers = response.headers_mut();
            headers.insert("x-version", version.parse().unwrap());
            headers.insert("x-uri", uri.parse().unwrap());
            if let Some(host) = host {
                headers.insert("x-host", host);
            }
            response
        }
        Answer::Never => {
            let _note = NoteDrop(Arc::clone(&seen));
            seen.release.notified().await;
            Response::new(full(Bytes::from_static(b"released")))
        }
        Answer::Stall => {
            let stalling = Stalling {
                first: Some(Bytes::from_static(b"first")),
                _note: NoteDrop(seen),
            };
            Response::new(stalling.boxed())
        }
        Answer::Redirect => Response::builder()
            .status(StatusCode::FOUND)
            .header("location", "/elsewhere")
            .body(full(Bytes::new()))
            .unwrap(),
    }
}

async fn serve<T>(io: T, how: Answer, seen: Arc<Seen>, max_streams: Option<u32>)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let answering = answer(how, Arc::clone(&seen), request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(max_streams);
    // How a connection of a test ends is for the client to say.
    drop(builder.serve_connection(TokioIo::new(io), service).await);
}

async fn plain(how: Answer) -> Upstream {
    start(how, None, None).await
}

async fn tls(how: Answer, alpn: &[&str]) -> Upstream {
    start(how, Some(alpn), None).await
}

async fn start(how: Answer, alpn: Option<&[&str]>, max_streams: Option<u32>) -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, ca) = match alpn {
        Some(alpn) => {
            let (acceptor, ca) = acceptor(alpn);
            (Some(acceptor), ca)
        }
        None => (None, String::new()),
    };
    let seen = Arc::<Seen>::default();
    let mut tasks = JoinSet::new();
    let noted = Arc::clone(&seen);
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            noted.connections.fetch_add(1, Ordering::SeqCst);
            let (acceptor, noted) = (acceptor.clone(), Arc::clone(&noted));
            connections.spawn(async move {
                match acceptor {
                    None => serve(tcp, how, noted, max_streams).await,
                    Some(acceptor) => {
                        if let Ok(io) = acceptor.accept(tcp).await {
                            serve(io, how, noted, max_streams).await;
                        }
                    }
                }
            });
        }
    });
    let scheme = if alpn.is_some() { "https" } else { "http" };
    Upstream {
        url: format!("{scheme}://localhost:{port}/v1/chat?x=1"),
        ca,
        seen,
        _tasks: tasks,
    }
}

/// An acceptor for `localhost`, and the authority behind its certificate.
fn acceptor(alpn: &[&str]) -> (TlsAcceptor, String) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::from_params(&params, &ca_key);

    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), ca.pem())
}

fn client() -> HyperClient {
    builder().build().unwrap()
}

fn builder() -> Builder {
    HyperClient::builder().native_roots(false)
}

fn post(url: &str) -> Request<RequestBody> {
    Request::post(url)
        .body(RequestBody::from(vec![
            Bytes::from_static(b"hello "),
            Bytes::from_static(b"world"),
        ]))
        .unwrap()
}

fn with(url: &str, options: UpstreamOptions) -> Request<RequestBody> {
    let mut request = post(url);
    request.extensions_mut().insert(options);
    request
}

async fn call(
    client: &HyperClient,
    request: Request<RequestBody>,
) -> Result<Response<UpstreamBody>, Error> {
    let mut client = client.clone();
    poll_fn(|cx| client.poll_ready(cx)).await?;
    timeout(LATE, client.call(request)).await.unwrap()
}

async fn read(response: Response<UpstreamBody>) -> Result<Bytes, Error> {
    let reading = response.into_body().collect();
    Ok(timeout(LATE, reading).await.unwrap()?.to_bytes())
}

async fn echo(client: &HyperClient, url: &str) {
    let response = call(client, post(url)).await.unwrap();
    assert_eq!(read(response).await.unwrap(), "hello world");
}

fn causes(error: &Error) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

fn assert_timeout(error: &Error, message: &str) {
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(error.message(), message);
    assert!(error.is_retryable());
}

fn assert_transport(error: &Error, message: &str) {
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(error.message(), message);
}

#[test]
fn is_an_upstream_client() {
    fn assert_client<C: UpstreamClient + std::fmt::Debug>() {}
    fn assert_future<F: Future + Send + Unpin>() {}
    assert_client::<HyperClient>();
    assert_future::<ResponseFuture>();
    assert_eq!(size_of::<ResponseFuture>(), 2 * size_of::<usize>());
}

#[tokio::test]
async fn speaks_http1_and_reuses_the_connection() {
    let upstream = plain(Answer::Echo).await;
    let client = client();
    for _ in 0..20 {
        let response = call(&client, post(&upstream.url)).await.unwrap();
        assert_eq!(response.headers()["x-version"], "HTTP/1.1");
        assert_eq!(response.headers()["x-uri"], "/v1/chat?x=1");
        let authority = upstream.url.split('/').nth(2).unwrap();
        assert_eq!(response.headers()["x-host"], authority);
        assert_eq!(read(response).await.unwrap(), "hello world");
    }
    assert_eq!(upstream.seen.connections.load(Ordering::SeqCst), 1);
    assert_eq!(upstream.seen.requests.load(Ordering::SeqCst), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_as_many_http1_connections_as_requests_at_once() {
    let upstream = plain(Answer::Echo).await;
    let client = client();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (client, url) = (client.clone(), upstream.url.clone());
        callers.spawn(async move {
            for _ in 0..50 {
                echo(&client, &url).await;
            }
        });
    }
    callers.join_all().await;
    // A few more than callers: one may ask before the task of a connection has seen its answer's end.
    assert!(upstream.seen.connections.load(Ordering::SeqCst) <= 24);
    assert_eq!(upstream.seen.requests.load(Ordering::SeqCst), 400);
}

#[tokio::test]
async fn agrees_on_http2_and_shares_the_connection() {
    let upstream = tls(Answer::Echo, &["h2", "http/1.1"]).await;
    let client = builder().ca_cert_pem(&upstream.ca).build().unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (client, url) = (client.clone(), upstream.url.clone());
        callers.spawn(async move {
            let response = call(&client, post(&url)).await.unwrap();
            assert_eq!(response.version(), Version::HTTP_2);
            assert_eq!(response.headers()["x-uri"], url.as_str());
            assert_eq!(read(response).await.unwrap(), "hello world");
        });
    }
    callers.join_all().await;
    assert_eq!(upstream.seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn opens_another_http2_connection_when_one_is_full() {
    let upstream = start(Answer::Never, Some(&["h2"]), Some(4)).await;
    let client = builder().ca_cert_pem(&upstream.ca).build().unwrap();
    // The first answer tells how many streams the upstream allows.
    let first = {
        let (client, url) = (client.clone(), upstream.url.clone());
        tokio::spawn(async move { call(&client, post(&url)).await.unwrap() })
    };
    while upstream.seen.requests.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    let mut callers = JoinSet::new();
    for _ in 0..11 {
        let (client, url) = (client.clone(), upstream.url.clone());
        callers.spawn(async move {
            read(call(&client, post(&url)).await.unwrap())
                .await
                .unwrap()
        });
    }
    let all_in = async {
        while upstream.seen.requests.load(Ordering::SeqCst) < 12 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LATE, all_in).await.unwrap();
    assert!(upstream.seen.connections.load(Ordering::SeqCst) >= 3);
    upstream.seen.release.notify_waiters();
    first.await.unwrap();
    assert_eq!(callers.join_all().await.len(), 11);
}

#[tokio::test]
async fn speaks_http1_over_tls_when_the_upstream_wants_it() {
    let upstream = tls(Answer::Echo, &["http/1.1"]).await;
    let options = UpstreamOptions::new()
        .with_tls(Arc::new(UpstreamTls::new().with_ca_cert_pem(&upstream.ca)));
    let client = client();
    for _ in 0..3 {
        let response = call(&client, with(&upstream.url, options.clone())).await;
        assert_eq!(response.unwrap().version(), Version::HTTP_11);
    }

    let without = builder()
        .ca_cert_pem(&upstream.ca)
        .http2(false)
        .build()
        .unwrap();
    echo(&without, &upstream.url).await;
}

#[tokio::test]
async fn refuses_a_certificate_that_nobody_vouches_for() {
    let upstream = tls(Answer::Echo, &["h2"]).await;
    let client = client();
    let error = call(&client, post(&upstream.url)).await.unwrap_err();
    assert_transport(&error, "the TLS handshake with the upstream failed");
    assert!(causes(&error).contains("UnknownIssuer"), "{error:?}");

    let trusting = Arc::new(UpstreamTls::new().with_verify(false));
    let options = UpstreamOptions::new().with_tls(trusting);
    let response = call(&client, with(&upstream.url, options)).await.unwrap();
    assert_eq!(read(response).await.unwrap(), "hello world");

    // The connection that was not verified is not shared with those who verify.
    assert!(call(&client, post(&upstream.url)).await.is_err());
}

#[tokio::test]
async fn refuses_what_is_no_certificate() {
    assert_eq!(
        builder()
            .ca_cert_pem("nonsense")
            .build()
            .unwrap_err()
            .kind(),
        ErrorKind::Config
    );
    let missing = builder().ca_cert_file("/nonexistent/ca.pem").build();
    assert!(
        missing
            .unwrap_err()
            .message()
            .contains("/nonexistent/ca.pem")
    );
}

#[tokio::test]
async fn names_the_phase_but_no_address_when_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("http://127.0.0.1:{port}/");
    let error = call(&client(), post(&url)).await.unwrap_err();
    assert_transport(&error, "could not connect to the upstream");
    assert!(causes(&error).contains(&format!("127.0.0.1:{port}")));
}

#[tokio::test]
async fn fails_to_resolve_a_name_that_does_not_exist() {
    let error = call(&client(), post("http://upstream.invalid/")).await;
    assert_transport(&error.unwrap_err(), "could not connect to the upstream");
}

#[tokio::test]
async fn refuses_an_url_without_scheme_or_host() {
    for url in ["/v1/chat", "ftp://localhost/"] {
        let error = call(&client(), post(url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[tokio::test]
async fn gives_up_on_a_handshake_that_stalls() {
    // Takes connections into its backlog, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = builder().tls_handshake_timeout(SOON).build().unwrap();
    let url = format!("https://localhost:{port}/");
    let error = call(&client, post(&url)).await.unwrap_err();
    assert_timeout(&error, "the TLS handshake with the upstream timed out");
}

#[tokio::test]
async fn gives_up_on_an_answer_that_does_not_come() {
    for alpn in [None, Some(&["h2"][..])] {
        let upstream = start(Answer::Never, alpn, None).await;
        let mut builder = builder();
        if alpn.is_some() {
            builder = builder.ca_cert_pem(&upstream.ca);
        }
        let client = builder.build().unwrap();
        let options = UpstreamOptions::new().with_response_headers(SOON);
        let error = call(&client, with(&upstream.url, options)).await;
        assert_timeout(&error.unwrap_err(), "the upstream did not answer in time");
        let cancelled = upstream.seen.cancelled.notified();
        timeout(LATE, cancelled).await.unwrap();
    }
}

#[tokio::test]
async fn gives_up_on_a_body_that_stalls() {
    for alpn in [None, Some(&["h2"][..])] {
        let upstream = start(Answer::Stall, alpn, None).await;
        let mut builder = builder().read_gap_timeout(SOON);
        if alpn.is_some() {
            builder = builder.ca_cert_pem(&upstream.ca);
        }
        let client = builder.build().unwrap();
        let mut body = call(&client, post(&upstream.url))
            .await
            .unwrap()
            .into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "first");
        let error = timeout(LATE, body.frame()).await.unwrap().unwrap();
        assert_timeout(&error.unwrap_err(), "the upstream's answer stalled");
        assert!(body.frame().await.is_none());
        timeout(LATE, upstream.seen.cancelled.notified())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn cancels_upstream_when_the_body_is_dropped() {
    for alpn in [None, Some(&["h2"][..])] {
        let upstream = start(Answer::Stall, alpn, None).await;
        let client = builder().verify(false).build().unwrap();
        let mut body = call(&client, post(&upstream.url))
            .await
            .unwrap()
            .into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        timeout(LATE, upstream.seen.cancelled.notified())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn cancels_upstream_when_the_call_is_dropped() {
    for alpn in [None, Some(&["h2"][..])] {
        let upstream = start(Answer::Never, alpn, None).await;
        let client = builder().verify(false).build().unwrap();
        let dropped = timeout(SOON, client.clone().call(post(&upstream.url))).await;
        assert!(dropped.is_err());
        timeout(LATE, upstream.seen.cancelled.notified())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn follows_no_redirect() {
    let upstream = plain(Answer::Redirect).await;
    let response = call(&client(), post(&upstream.url)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(upstream.seen.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn closes_a_connection_that_was_idle_for_long() {
    let (url, mut events, _tasks) = scripted(|mut tcp, events| async move {
        respond(&mut tcp).await;
        assert_eq!(tcp.read(&mut [0; 64]).await.unwrap(), 0);
        events.send("closed").unwrap();
    })
    .await;
    let client = builder().pool_idle_timeout(SOON).build().unwrap();
    read(call(&client, post(&url)).await.unwrap())
        .await
        .unwrap();
    assert_eq!(timeout(LATE, events.recv()).await.unwrap(), Some("closed"));
}

#[tokio::test]
async fn sends_again_when_the_upstream_closed_an_idle_connection() {
    let (url, mut events, _tasks) = scripted(|mut tcp, events| async move {
        respond(&mut tcp).await;
        drop(tcp);
        events.send("closed").unwrap();
    })
    .await;
    let client = client();
    for _ in 0..10 {
        let response = call(&client, post(&url)).await.unwrap();
        assert_eq!(read(response).await.unwrap(), "ok");
        assert_eq!(events.recv().await, Some("closed"));
    }
}

#[tokio::test]
async fn does_not_send_again_what_the_upstream_may_have_seen() {
    let (url, mut events, _tasks) = scripted(|mut tcp, events| async move {
        respond(&mut tcp).await;
        receive(&mut tcp).await;
        events.send("seen").unwrap();
    })
    .await;
    let client = client();
    read(call(&client, post(&url)).await.unwrap())
        .await
        .unwrap();
    let error = call(&client, post(&url)).await.unwrap_err();
    assert_transport(
        &error,
        "the connection to the upstream broke before it answered",
    );
    assert!(error.is_retryable());
    assert_eq!(events.recv().await, Some("seen"));
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn sends_again_what_http2_says_was_not_processed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, _) = acceptor(&["h2"]);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut answered = 0;
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let io = acceptor.accept(tcp).await.unwrap();
            let mut connection = h2::server::handshake(io).await.unwrap();
            // Refuses every second request of a connection.
            let mut is_refused = false;
            while let Some(Ok((_request, mut respond))) = connection.accept().await {
                if is_refused {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                } else {
                    let response = Response::builder().header("x-nth", answered);
                    answered += 1;
                    respond
                        .send_response(response.body(()).unwrap(), true)
                        .unwrap();
                }
                is_refused = !is_refused;
            }
        }
    });
    let client = builder().verify(false).build().unwrap();
    let url = format!("https://localhost:{port}/");
    for nth in ["0", "1", "2"] {
        let response = call(&client, post(&url)).await.unwrap();
        assert_eq!(response.headers()["x-nth"], nth);
        read(response).await.unwrap();
    }
}

#[tokio::test]
async fn says_when_the_connection_breaks_in_the_middle_of_an_answer() {
    let (url, _events, _tasks) = scripted(|mut tcp, _events| async move {
        receive(&mut tcp).await;
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
        tcp.write_all(half).await.unwrap();
    })
    .await;
    let response = call(&client(), post(&url)).await.unwrap();
    assert_transport(
        &read(response).await.unwrap_err(),
        "the connection to the upstream broke in the middle of its answer",
    );
}

#[tokio::test]
async fn hands_its_tasks_to_the_host() {
    let upstream = plain(Answer::Echo).await;
    let spawned = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&spawned);
    let client = builder()
        .executor(move |task| {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(tokio::runtime::Handle::current().spawn(task));
        })
        .build()
        .unwrap();
    echo(&client, &upstream.url).await;
    echo(&client, &upstream.url).await;
    // What closes idle connections; one of HTTP/1.1 has no task of its own.
    assert_eq!(spawned.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn does_no_work_before_it_is_polled() {
    let upstream = plain(Answer::Echo).await;
    drop(client().call(post(&upstream.url)));
    tokio::task::yield_now().await;
    assert_eq!(upstream.seen.connections.load(Ordering::SeqCst), 0);
}

/// A server of raw bytes: `script` runs once for each connection.
async fn scripted<S, F>(script: S) -> (String, mpsc::UnboundedReceiver<&'static str>, JoinSet<()>)
where
    S: Fn(TcpStream, mpsc::UnboundedSender<&'static str>) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((tcp, _)) = listener.accept().await {
            connections.spawn(script(tcp, sender.clone()));
        }
        pending::<()>().await;
    });
    (url, receiver, tasks)
}

async fn respond(tcp: &mut TcpStream) {
    receive(tcp).await;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    tcp.write_all(answer).await.unwrap();
}

/// Reads until the body of these tests has come.
async fn receive(tcp: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"hello world") {
        assert_ne!(tcp.read_buf(&mut seen).await.unwrap(), 0);
    }
}
