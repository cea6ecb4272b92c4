//! The yardstick: a reverse proxy on bare hyper, and nothing else.
//!
//! Streams both ways, pools its connections, drops the headers of the hop; the same allocator and
//! the same runtimes as `aisix`.

use std::{convert::Infallible, io};

use aisix_bench::serve;
use clap::Parser;
use http_body_util::{Either, Empty};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{self, HeaderName},
    http::uri::{Authority, PathAndQuery, Scheme},
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    serve: serve::Options,
    /// Where requests go.
    #[arg(long)]
    upstream: Authority,
}

type Upstream = Client<HttpConnector, Incoming>;
type Body = Either<Incoming, Empty<Bytes>>;

fn main() -> io::Result<()> {
    let cli = Cli::parse();
    serve::run(&cli.serve, || {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let authority = cli.upstream.clone();
        service_fn(move |request| forward(client.clone(), authority.clone(), request))
    })
}

async fn forward(
    client: Upstream,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = join(authority, path);
    drop_hop_headers(request.headers_mut());
    // The client writes the upstream's own.
    request.headers_mut().remove(header::HOST);
    match client.request(request).await {
        Ok(mut response) => {
            drop_hop_headers(response.headers_mut());
            Ok(response.map(Either::Left))
        }
        Err(_) => {
            let mut response = Response::new(Either::Right(Empty::new()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(response)
        }
    }
}

fn join(authority: Authority, path: Option<PathAndQuery>) -> Uri {
    let mut parts = hyper::http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}

/// RFC 9110 section 7.6.1. `transfer-encoding` goes too: hyper frames each side by itself.
fn drop_hop_headers(headers: &mut HeaderMap) {
    for name in HOP {
        headers.remove(name);
    }
}

const HOP: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
