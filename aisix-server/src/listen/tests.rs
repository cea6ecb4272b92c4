use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http::Response;
use http_body::Frame;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio::time::timeout;
use tower_service::Service;

use super::*;

const GET: &[u8] = b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n";
const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn answers_http1_and_keeps_the_connection() {
    let server = Server::start(HttpOptions::new());
    let mut stream = server.connect().await;
    for _ in 0..3 {
        let answer = ask(&mut stream, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("/hello from 127.0.0.1"), "{answer}");
    }
}

#[tokio::test]
async fn answers_http2_with_prior_knowledge() {
    let server = Server::start(HttpOptions::new());
    assert_eq!(ask_http2(server.connect().await).await, "/hello");
}

#[tokio::test]
async fn answers_https_with_the_protocol_that_was_negotiated() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (directory.path().join("c"), directory.path().join("k"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = server_config(&cert, &key).unwrap();
    let server = Server::start(HttpOptions::new().with_tls(tls));

    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(rustls::pki_types::CertificateDer::from_pem_file(&cert).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connector
        .connect(name, server.connect().await)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    assert_eq!(ask_http2(stream).await, "/hello");
}

#[tokio::test]
async fn a_connection_that_never_sends_a_request_is_closed() {
    let server = Server::start(HttpOptions::new().with_header_read_timeout(SHORT));
    for start in [b"".as_slice(), b"GET / HT", b"PRI * HTT"] {
        let mut stream = server.connect().await;
        stream.write_all(start).await.unwrap();
        assert_closes(&mut stream).await;
    }
}

#[tokio::test]
async fn a_slow_head_is_closed_but_an_idle_connection_is_kept() {
    let server = Server::start(HttpOptions::new().with_header_read_timeout(SHORT));
    let mut stream = server.connect().await;
    ask(&mut stream, GET).await;
    sleep(SHORT * 3).await;
    let answer = ask(&mut stream, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stream.write_all(b"GET / HTTP/1.1\r\nhos").await.unwrap();
    assert_closes(&mut stream).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_when_asked_for() {
    let server = Server::start(HttpOptions::new().with_idle_timeout(Some(SHORT)));
    let mut stream = server.connect().await;
    ask(&mut stream, GET).await;
    // A silent request is no idle connection.
    let start = Instant::now();
    let answer = ask(&mut stream, b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.contains("/slow"), "{answer}");
    assert!(start.elapsed() > SHORT * 2);
    assert_closes(&mut stream).await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = Server::start(HttpOptions::new());
    let mut stream = server.connect().await;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    stream.write_all(long.as_bytes()).await.unwrap();
    let answer = read_some(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_drain_lets_requests_finish_and_closes_idle_connections_at_once() {
    let server = Server::start(HttpOptions::new());
    let mut idle = server.connect().await;
    ask(&mut idle, GET).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    server.busy().await;

    let drain = server.drain.clone();
    let over = tokio::spawn(async move {
        drain
            .shut_down(Duration::ZERO, Duration::from_secs(5))
            .await;
    });
    let start = Instant::now();
    assert_closes(&mut idle).await;
    assert!(start.elapsed() < SHORT, "an idle connection lingered");
    assert!(TcpStream::connect(server.addr).await.is_err());
    let answer = read_all(&mut busy).await;
    assert!(answer.contains("/slow from"), "{answer}");
    over.await.unwrap();
    assert_eq!(server.drain.phase(), Phase::Done);
}

#[tokio::test]
async fn a_drain_cuts_a_stream_that_does_not_end() {
    let server = Server::start(HttpOptions::new());
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let head = read_some(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let start = Instant::now();
    server.drain.shut_down(Duration::ZERO, SHORT).await;
    assert!(start.elapsed() >= SHORT);
    assert!(!read_all(&mut stream).await.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn the_minimal_drain_keeps_serving() {
    let server = Server::start(HttpOptions::new());
    let drain = server.drain.clone();
    let over = tokio::spawn(async move { drain.shut_down(SHORT * 2, SHORT).await });
    server.drain.reached(Phase::Unready).await;
    let answer = ask(&mut server.connect().await, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    over.await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_waited_for() {
    let server = Server::with(HttpOptions::new(), |hello| Hello { ready: 0, ..hello });
    let answer = ask(&mut server.connect().await, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn cores_share_connections_evenly_and_end_with_the_drain() {
    const CORES: usize = 3;
    let drain = Drain::new();
    let listener = Listener::bind(loopback(), CORES).unwrap();
    let addr = listener.local_addr();
    let options = HttpOptions::new();
    let cores = PerCore::start(listener, options, &drain, |core| {
        move |peer| Hello::new(format!("core {core}"), peer)
    })
    .unwrap();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut streams = Vec::new();
        let mut counts = [0; CORES];
        for _ in 0..CORES * 4 {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            let answer = ask(&mut stream, GET).await;
            let core = (0..CORES).find(|core| answer.contains(&format!("core {core}")));
            counts[core.unwrap()] += 1;
            streams.push(stream);
        }
        assert_eq!(counts, [4; CORES]);
        drain
            .shut_down(Duration::ZERO, Duration::from_secs(5))
            .await;
        for stream in &mut streams {
            assert_closes(stream).await;
        }
    });
    cores.join();
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

struct Server {
    addr: SocketAddr,
    drain: Drain,
    calls: Arc<AtomicUsize>,
}

impl Server {
    fn start(options: HttpOptions) -> Self {
        Self::with(options, |hello| hello)
    }

    fn with(options: HttpOptions, change: fn(Hello) -> Hello) -> Self {
        let listener = Listener::bind(loopback(), 1).unwrap();
        let addr = listener.local_addr();
        let drain = Drain::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let make = {
            let calls = Arc::clone(&calls);
            move |peer| {
                change(Hello {
                    calls: Arc::clone(&calls),
                    ..Hello::new(String::new(), peer)
                })
            }
        };
        for socket in listener.into_sockets() {
            tokio::spawn(serve(socket, make.clone(), options.clone(), drain.clone()));
        }
        Self { addr, drain, calls }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Waits until both requests of the drain test have come.
    async fn busy(&self) {
        while self.calls.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    }
}

/// Says what was asked for by whom; `/slow` takes a while, `/endless` for ever.
#[derive(Clone)]
struct Hello {
    name: String,
    peer: SocketAddr,
    calls: Arc<AtomicUsize>,
    /// Polls for readiness that are still to be answered with "not yet".
    ready: usize,
}

impl Hello {
    fn new(name: String, peer: SocketAddr) -> Self {
        Self {
            name,
            peer,
            calls: Arc::default(),
            ready: usize::MAX,
        }
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Service<Request<Incoming>> for Hello {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.ready < 2 {
            self.ready += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let text = format!("{}{} from {}", self.name, request.uri().path(), self.peer);
        let calls = Arc::clone(&self.calls);
        Box::pin(async move {
            calls.fetch_add(1, Ordering::SeqCst);
            if text.contains("/slow") {
                sleep(SHORT * 3).await;
            }
            let frame = Ok(Frame::data(Bytes::from(text.clone())));
            let body = if text.contains("/endless") {
                let rest = futures_util::StreamExt::chain(stream::iter([frame]), stream::pending());
                BodyExt::boxed_unsync(StreamBody::new(rest))
            } else {
                BodyExt::boxed_unsync(http_body_util::Full::new(Bytes::from(text)))
            };
            Ok(Response::new(body))
        })
    }
}

async fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    read_some(stream).await
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut buffer = vec![0; 4096];
    let read = timeout(Duration::from_secs(5), stream.read(&mut buffer));
    let read = read.await.expect("no answer in time").unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = timeout(Duration::from_secs(5), stream.read_to_end(&mut text));
    // A connection that is cut may end in a reset.
    let _ = read.await.expect("not closed in time");
    String::from_utf8_lossy(&text).into_owned()
}

async fn assert_closes(stream: &mut TcpStream) {
    assert_eq!(read_all(stream).await, "");
}

async fn ask_http2<I>(stream: I) -> String
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://localhost/hello")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    text.split(' ').next().unwrap().to_owned()
}
