use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use super::pass_through::PassThrough;
use super::target::{HttpRoute, Route};
use super::upstream::UpstreamBody;
use super::{Registry, Target, models, outgoing};
use crate::call::{Call, Operation, RequestId};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::hook::BoxCallFuture;
use crate::json;
use crate::reply::{EventStream, Reply};
use crate::snapshot::ModelEntry;

/// The innermost service: sends each call to its target.
#[derive(Clone, Debug)]
pub struct Dispatch {
    registry: Arc<Registry>,
}

impl Dispatch {
    /// Sends calls to the providers of `registry`.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }
}

impl Service<Call> for Dispatch {
    type Response = Reply;
    type Error = Error;
    type Future = BoxCallFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> BoxCallFuture {
        let registry = Arc::clone(&self.registry);
        Box::pin(async move { dispatch(&registry, call).await })
    }
}

async fn dispatch(registry: &Registry, call: Call) -> Result<Reply> {
    match call.operation() {
        Operation::ListModels => models::list(&call),
        Operation::RetrieveModel => models::retrieve(&call),
        Operation::Unknown => Err(call.head().err().unwrap_or_else(|| {
            Error::new(ErrorKind::RouteNotFound, "There is nothing at this path.")
        })),
        Operation::Chat | Operation::CountTokens | Operation::Embeddings => {
            call.head()?;
            let entry = Arc::clone(model(&call)?);
            let target = Target::resolve(registry, &entry)?;
            call.context().note_target(Arc::clone(target.name()));
            match target.route() {
                Route::Service(service) => {
                    let timeouts = target.timeouts();
                    let limit = match call.is_stream() {
                        true => timeouts.stream_gap,
                        false => timeouts.total,
                    };
                    within(limit, service.run(call)).await
                }
                Route::Http(route) => send(&call, &entry, &target, route).await,
            }
        }
    }
}

/// The model that a hook has found, or else the one of that name.
fn model(call: &Call) -> Result<&Arc<ModelEntry>> {
    if call.model_entry().is_none()
        && let Some(entry) = call.snapshot().model(call.model())
    {
        call.context().resolve_model(Arc::clone(entry));
    }
    call.model_entry()
        .ok_or_else(|| Error::model_not_found(call.model()))
}

async fn send(
    call: &Call,
    entry: &ModelEntry,
    target: &Target,
    route: &HttpRoute,
) -> Result<Reply> {
    let request = outgoing::request(call, entry, target, route)?;
    let sent = route.client.send(request.http);
    if call.is_stream() {
        let response = within(target.timeouts().stream_gap, sent).await?;
        return stream(call, response, request.usage_was_added).await;
    }
    within(target.timeouts().total, async {
        answer(call, sent.await?).await
    })
    .await
}

/// A whole answer, its `model` replaced by the name that the caller asked for.
async fn answer(call: &Call, response: Response<UpstreamBody>) -> Result<Reply> {
    let dialect = call.payload().codec();
    let (head, body) = response.into_parts();
    let bytes = collect(body).await?;
    if !head.status.is_success() {
        return Err(refused(
            dialect,
            call.context().request_id(),
            head.status,
            &head.headers,
            &bytes,
        ));
    }
    let scanned = dialect.scan_response(&bytes)?;
    let bytes = match scanned.model {
        Some(span) => {
            let edit = json::Edit::new(span, quoted(call.model()));
            json::splice(&bytes, &mut [edit]).into_bytes()
        }
        None => bytes,
    };
    let mut reply = Reply::wire(dialect.id(), bytes, scanned.usage);
    reply.meta_mut().headers = for_caller(&head.headers);
    Ok(reply)
}

/// A stream, of which the first event has been looked at.
async fn stream(
    call: &Call,
    response: Response<UpstreamBody>,
    usage_was_added: bool,
) -> Result<Reply> {
    let dialect = call.payload().codec();
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        let bytes = collect(body).await?;
        return Err(refused(
            dialect,
            call.context().request_id(),
            head.status,
            &head.headers,
            &bytes,
        ));
    }
    if !is_event_stream(&head.headers) {
        let bytes = collect(body).await?;
        return Err(no_stream(dialect, &head.headers, &bytes));
    }
    let mut events = PassThrough::new(body, dialect, quoted(call.model()), usage_was_added);
    // A slow upstream is committed to, so that the caller's connection can be kept alive; one that
    // fails at once can still be retried.
    match tokio::time::timeout(COMMIT_AFTER, events.first_event()).await {
        Ok(first) => first?,
        Err(_elapsed) => {}
    }
    let mut reply = Reply::stream(EventStream::frames(dialect.id(), events));
    reply.meta_mut().headers = for_caller(&head.headers);
    Ok(reply)
}

async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    match limit {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(Error::timeout("The provider did not answer in time."))),
    }
}

async fn collect(body: UpstreamBody) -> Result<Bytes> {
    let mut body = std::pin::pin!(body);
    let mut whole = Bytes::new();
    let mut buffer: Option<BytesMut> = None;
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        // Most answers arrive in one piece, which then needs no copy.
        match &mut buffer {
            None if whole.is_empty() => whole = data,
            None => {
                let expected = whole.len() + data.len() + remaining(&body);
                let mut joined = BytesMut::with_capacity(expected);
                joined.extend_from_slice(&whole);
                joined.extend_from_slice(&data);
                buffer = Some(joined);
            }
            Some(joined) => joined.extend_from_slice(&data),
        }
        if buffer.as_ref().map_or(whole.len(), BytesMut::len) > MAX_ANSWER {
            return Err(Error::upstream_decode(
                "The provider's answer is too large.",
            ));
        }
    }
    Ok(buffer.map_or(whole, BytesMut::freeze))
}

fn remaining(body: &impl Body) -> usize {
    let exact = body
        .size_hint()
        .exact()
        .and_then(|exact| usize::try_from(exact).ok());
    exact.map_or(0, |exact| exact.min(MAX_ANSWER))
}

fn refused(
    dialect: &dyn Dialect,
    id: &RequestId,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Error {
    let error = dialect.read_error(status, headers, body);
    let detail = std::error::Error::source(&error).map(ToString::to_string);
    let detail = detail.as_deref().unwrap_or_else(|| error.message());
    // A refusal is the caller's affair; a failure is the operator's, who alone gets to see it.
    if status.is_server_error() {
        tracing::warn!(request_id = %id, %status, detail, "the provider failed");
    } else {
        tracing::debug!(request_id = %id, %status, detail, "the provider refused a request");
    }
    error
}

/// What an upstream means that was asked for a stream and sends none.
fn no_stream(dialect: &dyn Dialect, headers: &HeaderMap, body: &[u8]) -> Error {
    match dialect.scan_event(body) {
        Ok(head) if head.error.is_some() => {
            dialect.read_error(StatusCode::INTERNAL_SERVER_ERROR, headers, body)
        }
        _ => Error::upstream_decode("The provider did not answer with a stream.")
            .with_retry(RetryAdvice::Never),
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers
        .get(http::header::CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    value.is_some_and(|value| {
        value.len() >= EVENT_STREAM.len()
            && value[..EVENT_STREAM.len()].eq_ignore_ascii_case(EVENT_STREAM)
    })
}

/// The headers of the upstream that SDKs show to their users.
fn for_caller(upstream: &HeaderMap) -> HeaderMap {
    // Hooks and the gateway add theirs: room for all, at once.
    let mut headers = HeaderMap::with_capacity(24);
    for (name, value) in upstream {
        if name.as_str() == "x-request-id" || name.as_str().starts_with("openai-") {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

fn quoted(model: &str) -> Bytes {
    let mut json = Vec::with_capacity(model.len() + 2);
    json::write_string(&mut json, model);
    json.into()
}

const EVENT_STREAM: &[u8] = b"text/event-stream";

/// The largest whole answer that is taken from an upstream.
const MAX_ANSWER: usize = 64 << 20;

/// How long a stream's first event may keep the caller without a status.
const COMMIT_AFTER: Duration = Duration::from_secs(10);
