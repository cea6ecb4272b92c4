//! HTTP to [`Call`]: the route, the headers, the body within its limits.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Request, header};
use http_body::Body;
use tokio::time::{Instant, timeout};

use super::route::Route;
use super::{Gateway, Limits, Peer};
use crate::call::{Call, Operation, Payload};
use crate::dialect::{ANTHROPIC_MESSAGES, Dialect, DialectId};
use crate::error::{Error, ErrorKind};

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// Reads `request` into a call. What is wrong with it is said by the call's payload, so that every
/// request takes the same way through the hooks.
pub(super) async fn read<B>(gateway: &Gateway, request: Request<B>) -> Call
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    let Parts {
        method,
        uri,
        headers,
        extensions,
        ..
    } = parts;
    let mut context = gateway.context();
    if let Some(Peer(address)) = extensions.get() {
        context = context.with_peer(Some(*address));
    }
    let shared = &gateway.local.shared;
    let (operation, payload) = match shared.route(&method, &uri) {
        Route::Operation(operation, dialect) => {
            let payload = if operation.has_body() {
                payload(gateway, shared.dialect(dialect), &headers, body).await
            } else {
                Payload::none(shared.dialect(asked_in(&headers, dialect)))
            };
            (operation, payload)
        }
        Route::Model(name) => {
            context = context.with_resource(name);
            let operation = Operation::RetrieveModel;
            let dialect = asked_in(&headers, operation.dialect());
            (operation, Payload::none(shared.dialect(dialect)))
        }
        route @ (Route::WrongMethod | Route::Other) => {
            let error = Route::error(&method, &uri, route == Route::WrongMethod);
            let operation = Operation::Unknown;
            let dialect = shared.dialect(asked_in(&headers, Route::dialect_at(&uri)));
            (operation, Payload::failed(dialect, error))
        }
    };
    let context = context.with_request_line(method, uri).with_headers(headers);
    Call::new(context, operation, payload)
}

/// OpenAI and Anthropic list their models at the same path. Anthropic's SDKs say which version of its
/// API they speak, with every request.
fn asked_in(headers: &HeaderMap, otherwise: DialectId) -> DialectId {
    if headers.contains_key("anthropic-version") {
        ANTHROPIC_MESSAGES
    } else {
        otherwise
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

async fn payload<B>(
    gateway: &Gateway,
    dialect: &'static dyn Dialect,
    headers: &HeaderMap,
    body: B,
) -> Payload
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let limits = gateway.local.shared.limits;
    let declared = declared_length(headers);
    let mut body = Box::pin(body);
    if declared.is_none_or(|length| length <= limits.body as u64) {
        match collect(body.as_mut(), declared, limits).await {
            Ok(Some(bytes)) => return Payload::new(dialect, bytes),
            Ok(None) => {}
            Err(error) => return Payload::failed(dialect, error),
        }
    }
    // A caller who is still sending would not read the answer: the connection has to be emptied
    // first, within bounds. One who waits for leave to send has sent nothing, and gets none.
    if !headers.contains_key(header::EXPECT) {
        let _emptied = timeout(DRAIN_TIME, drain(body.as_mut())).await;
    }
    let error = Error::new(
        ErrorKind::PayloadTooLarge,
        format!(
            "The request body is larger than the limit of {} bytes.",
            limits.body
        ),
    );
    Payload::failed(dialect, error)
}

/// The whole body, or `None` when it is larger than the limit.
async fn collect<B>(
    mut body: Pin<&mut B>,
    declared: Option<u64>,
    limits: Limits,
) -> Result<Option<Bytes>, Error>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let began = Instant::now();
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    loop {
        let received = rest.as_ref().map_or(first.len(), BytesMut::len);
        // Most bodies are here already; a timer is made only for those that are not.
        let mut next = std::pin::pin!(poll_fn(|cx| {
            let frame = body.as_mut().poll_frame(cx);
            frame.map(|frame| frame.transpose().map_err(|error| broken_off(error.into())))
        }));
        let frame = match poll_once(next.as_mut()).await {
            Some(frame) => frame?,
            None => {
                let patience = patience(received, began, limits.body_gap);
                timeout(patience, next).await.map_err(|_| stalled())??
            }
        };
        let Some(frame) = frame else {
            return Ok(Some(rest.map_or(first, BytesMut::freeze)));
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if received + data.remaining() > limits.body {
            return Ok(None);
        }
        match &mut rest {
            None if received == 0 => first = into_bytes(data),
            None => {
                let expected = declared.and_then(|length| usize::try_from(length).ok());
                // A length that is only claimed reserves no more than the claim has proven twice.
                let capacity = expected.unwrap_or(0).min(limits.body).min(received * 64);
                let mut joined = BytesMut::with_capacity(capacity.max(received + data.remaining()));
                joined.extend_from_slice(&first);
                put(&mut joined, data);
                rest = Some(joined);
            }
            Some(joined) => put(joined, data),
        }
    }
}

/// How long the next piece may take: a pause is bounded, and so is dripping, since what has arrived
/// buys only so much more time.
fn patience(received: usize, began: Instant, gap: Duration) -> Duration {
    let earned = Duration::from_secs(received as u64 / SLOWEST_RATE);
    gap.min((gap + earned).saturating_sub(began.elapsed()))
}

async fn drain<B: Body>(mut body: Pin<&mut B>) {
    let mut left = DRAIN_BYTES;
    let mut next = async || {
        let frame = poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        frame
            .and_then(Result::ok)
            .map(|frame| frame.data_ref().map_or(0, Buf::remaining))
    };
    while let Some(length) = next().await {
        let Some(rest) = left.checked_sub(length) else {
            return;
        };
        left = rest;
    }
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| {
        std::task::Poll::Ready(match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

fn into_bytes(mut data: impl Buf) -> Bytes {
    data.copy_to_bytes(data.remaining())
}

fn put(buffer: &mut BytesMut, mut data: impl Buf) {
    while data.has_remaining() {
        let chunk = data.chunk();
        let length = chunk.len();
        buffer.extend_from_slice(chunk);
        data.advance(length);
    }
}

fn stalled() -> Error {
    Error::new(
        ErrorKind::RequestTimeout,
        "The request body did not arrive in time.",
    )
}

fn broken_off(error: BoxError) -> Error {
    Error::invalid_request("The request body broke off.").with_source(error)
}

/// How much of a body that is too large is read and thrown away.
const DRAIN_BYTES: usize = 256 << 20;

/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The bytes a second that a caller has to send, once the first pause is used up.
const SLOWEST_RATE: u64 = 1 << 10;
