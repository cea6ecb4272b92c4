//! [`Reply`] or [`Error`] to HTTP: the only place where errors get a body.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::Limits;
use super::body::Body;
use crate::call::{CallContext, Payload, RequestId};
use crate::dialect::{Dialect, EncodeOptions};
use crate::error::{Error, Result};
use crate::json::Head;
use crate::reply::{Answer, Reply, ReplyBody, Tally};

/// What the answer has to know of the call, which has been consumed by then.
pub(super) struct Answering {
    pub(super) context: Arc<CallContext>,
    pub(super) payload: Payload,
    pub(super) is_stream: bool,
    pub(super) tally: Tally,
}

pub(super) fn write(answering: Answering, result: Result<Reply>, limits: Limits) -> Response<Body> {
    let context = Arc::clone(&answering.context);
    let dialect = answering.payload.codec();
    let mut response = match result.and_then(|reply| success(answering, reply, limits)) {
        Ok(response) => response,
        Err(error) => failure(dialect, &error),
    };
    let id = context.request_id().header_value();
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    headers.insert(HeaderName::from_static(RequestId::HEADER), id.clone());
    // Official SDKs show this one to their users; an upstream's own goes before ours.
    headers
        .entry(dialect.request_id_header())
        .or_insert_with(|| id.clone());
    let revision = HeaderValue::from(context.snapshot().revision().get());
    headers.insert(CONFIG_REVISION, revision);
    response
}

fn success(answering: Answering, reply: Reply, limits: Limits) -> Result<Response<Body>> {
    let Answering {
        context,
        payload,
        is_stream,
        tally,
    } = answering;
    let (meta, body, mut end) = reply.into_parts(tally);
    end.tally_mut().status = meta.status;
    let is_stream = is_stream || matches!(body, ReplyBody::Stream(_));
    let body = match body {
        ReplyBody::Full(answer) if is_stream => whole_as_stream(answer, &context, &payload),
        ReplyBody::Full(answer) => whole(answer, &context, &payload).map(Body::plain),
        ReplyBody::Stream(events) => Body::stream(
            events,
            payload.codec(),
            options(&context, &payload),
            limits.keep_alive,
        ),
    };
    let body = match body {
        Ok(body) => body.with_end(end),
        Err(error) => {
            end.fail(&error);
            return Err(error);
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = meta.status;
    *response.headers_mut() = meta.headers;
    let headers = response.headers_mut();
    let content_type = if is_stream { EVENT_STREAM } else { JSON };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if is_stream {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // nginx collects a stream unless it is told not to.
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
    Ok(response)
}

fn whole(answer: Answer, context: &CallContext, payload: &Payload) -> Result<Bytes> {
    let dialect = payload.codec();
    let model = || payload.model().unwrap_or_default().to_owned();
    match answer {
        Answer::Wire { bytes, .. } => Ok(bytes),
        Answer::Chat(mut chat) => {
            chat.model = model();
            if chat.id.is_empty() {
                chat.id = answer_id(context);
            }
            chat.created.get_or_insert_with(now);
            dialect
                .chat()
                .ok_or_else(unspeakable)?
                .write_response(&chat)
        }
        Answer::Embeddings(mut embeddings) => {
            embeddings.model = model();
            embeddings.encoding = payload.embeddings()?.encoding.unwrap_or_default();
            dialect
                .embeddings()
                .ok_or_else(unspeakable)?
                .write_response(&embeddings)
        }
    }
}

/// A whole turn, written as the stream that the caller asked for.
fn whole_as_stream(answer: Answer, context: &CallContext, payload: &Payload) -> Result<Body> {
    let Answer::Chat(chat) = answer else {
        return Err(unspeakable());
    };
    let codec = payload.codec().chat().ok_or_else(unspeakable)?;
    let mut encoder = codec.encoder(options(context, payload));
    let mut bytes = BytesMut::new();
    for event in chat.into_events() {
        encoder.event(&event, &mut bytes)?;
    }
    encoder.end(&mut bytes)?;
    Ok(Body::plain(bytes.freeze()))
}

fn options(context: &CallContext, payload: &Payload) -> EncodeOptions {
    let head = payload.head().ok();
    EncodeOptions::default()
        .with_model(payload.model().unwrap_or_default())
        .with_usage(head.and_then(Head::include_usage).unwrap_or(false))
        .with_id(answer_id(context))
        .with_created(now())
}

fn answer_id(context: &CallContext) -> String {
    format!("chatcmpl-{}", context.request_id())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn failure(dialect: &dyn Dialect, error: &Error) -> Response<Body> {
    let mut bytes = BytesMut::with_capacity(256);
    dialect.write_error(error, &mut bytes);
    let mut response = Response::new(Body::plain(bytes.freeze()));
    *response.status_mut() = error.status();
    if let Some(headers) = error.headers() {
        response.headers_mut().clone_from(headers);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    if let Some(delay) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(delay)));
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Never too early: a part of a second counts as a whole one.
fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

fn unspeakable() -> Error {
    Error::internal("the caller's dialect cannot express this answer")
}

const SERVER: &str = concat!("AISIX/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const CONFIG_REVISION: HeaderName = HeaderName::from_static("x-aisix-config-revision");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_a_delay_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::ZERO), 0);
    }
}
