//! A canned provider: answers chat completions as OpenAI does and messages as Anthropic does, at
//! next to no cost.
//!
//! What a request gets is in its body: see [`Wish`].

use std::{convert::Infallible, io};

use aisix_bench::{
    answer::{Answer, Format, HEAD, Wish},
    serve,
};
use clap::Parser;
use http_body_util::BodyExt;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    service::service_fn,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    serve: serve::Options,
}

fn main() -> io::Result<()> {
    serve::run(&Cli::parse().serve, || service_fn(answer))
}

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    let path = request.uri().path();
    let format = if path.ends_with("/chat/completions") {
        Format::OpenAi
    } else if path.ends_with("/messages") {
        Format::Anthropic
    } else {
        let mut nothing = Response::new(Answer::Whole(None));
        *nothing.status_mut() = StatusCode::NOT_FOUND;
        return Ok(nothing);
    };
    let head = head(request.into_body()).await;
    let answer = Answer::new(Wish::read(&head), format);
    let stream = matches!(answer, Answer::Stream { .. });
    let content_type = HeaderValue::from_static(answer.content_type());
    let mut response = Response::new(answer);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(
        REQUEST_ID,
        HeaderValue::from_static("req_0123456789abcdef0123456789abcdef"),
    );
    if stream {
        // As streaming servers tell nginx, whose other answers stay buffered as they usually are.
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
    Ok(response)
}

/// The first bytes of a body that is read to its end.
async fn head(mut body: Incoming) -> Vec<u8> {
    let mut head = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            let room = HEAD.saturating_sub(head.len()).min(data.len());
            head.extend_from_slice(&data[..room]);
        }
    }
    head
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
