use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use super::outgoing::WayBack;
use super::pass_through::PassThrough;
use super::pump::{EventReader, Pump};
use super::target::{HttpRoute, Route};
use super::translation::Translation;
use super::upstream::UpstreamBody;
use super::{Registry, Target, models, outgoing};
use crate::call::{Call, Operation, RequestId};
use crate::conversation::Usage;
use crate::dialect::{Carry, Dialect, Dialects};
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::hook::BoxCallFuture;
use crate::json;
use crate::reply::{EventStream, Reply};
use crate::snapshot::ModelEntry;

/// The innermost service: sends each call to its target.
#[derive(Clone, Debug)]
pub struct Dispatch {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    dialects: Dialects,
}

impl Dispatch {
    /// Sends calls to the providers of `registry`, translating by `dialects` where caller and
    /// provider have none in common.
    #[must_use]
    pub fn new(registry: Registry, dialects: Dialects) -> Self {
        Self {
            shared: Arc::new(Shared { registry, dialects }),
        }
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
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { dispatch(&shared, call).await })
    }
}

async fn dispatch(shared: &Shared, call: Call) -> Result<Reply> {
    match call.operation() {
        Operation::ListModels => models::list(&call),
        Operation::RetrieveModel => models::retrieve(&call),
        Operation::Unknown => Err(call.head().err().unwrap_or_else(|| {
            Error::new(ErrorKind::RouteNotFound, "There is nothing at this path.")
        })),
        Operation::Chat | Operation::CountTokens | Operation::Embeddings => {
            call.head()?;
            let entry = Arc::clone(model(&call)?);
            let target = Target::resolve(&shared.registry, &entry)?;
            call.context().note_target(Arc::clone(target.name()));
            if call.operation() == Operation::CountTokens && !target.counts_tokens() {
                return estimate_tokens(&call);
            }
            match target.route() {
                Route::Service(service) => {
                    let timeouts = target.timeouts();
                    let limit = match call.is_stream() {
                        true => timeouts.stream_gap,
                        false => timeouts.total,
                    };
                    within(limit, service.run(call)).await
                }
                Route::Http(route) => send(shared, &call, &entry, &target, route).await,
            }
        }
    }
}

/// A count for a provider that does not count, marked as the estimate that it is.
fn estimate_tokens(call: &Call) -> Result<Reply> {
    let codec = call.payload().codec().token_count();
    let codec = codec.ok_or_else(|| Error::internal("a count in a dialect without counts"))?;
    let body = codec.write_response(call.payload().estimated_tokens());
    let mut reply = Reply::wire(call.dialect(), body, NOTHING_USED);
    let estimated = HeaderValue::from_static("true");
    reply.meta_mut().headers.insert(ESTIMATED, estimated);
    Ok(reply)
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
    shared: &Shared,
    call: &Call,
    entry: &ModelEntry,
    target: &Target,
    route: &HttpRoute,
) -> Result<Reply> {
    let request = outgoing::request(call, entry, target, route, &shared.dialects)?;
    let sent = route.client.send(request.http);
    if call.is_stream() {
        let response = within(target.timeouts().stream_gap, sent).await?;
        return stream(call, response, request.way).await;
    }
    within(target.timeouts().total, async {
        answer(call, sent.await?, &request.way).await
    })
    .await
}

/// A whole answer, in which the caller finds the name of the model that it asked for.
async fn answer(call: &Call, response: Response<UpstreamBody>, way: &WayBack) -> Result<Reply> {
    let dialect = way.dialect(call);
    let (head, body) = response.into_parts();
    let bytes = collect(body).await?;
    if !head.status.is_success() {
        let id = call.context().request_id();
        return Err(refused(dialect, id, head.status, &head.headers, &bytes));
    }
    let mut reply = match way {
        WayBack::PassThrough { .. } => pass(call, dialect, bytes)?,
        WayBack::Translate { carry, .. } => translated(dialect, carry, call, &bytes)?,
    };
    reply.meta_mut().headers = for_caller(&head.headers);
    Ok(reply)
}

fn pass(call: &Call, dialect: &dyn Dialect, bytes: Bytes) -> Result<Reply> {
    let scanned = dialect.scan_response(&bytes)?;
    let usage = match call.operation() {
        Operation::CountTokens => NOTHING_USED,
        _ => scanned.usage,
    };
    let bytes = match scanned.model {
        Some(span) => {
            let edit = json::Edit::new(span, quoted(call.model()));
            json::splice(&bytes, &mut [edit]).into_bytes()
        }
        None => bytes,
    };
    Ok(Reply::wire(dialect.id(), bytes, usage))
}

fn translated(dialect: &dyn Dialect, carry: &Carry, call: &Call, bytes: &[u8]) -> Result<Reply> {
    if let Some(codec) = dialect.chat() {
        return Ok(Reply::chat(codec.read_response(bytes, carry)?));
    }
    if let Some(codec) = dialect.embeddings() {
        return Ok(Reply::embeddings(codec.read_response(bytes)?));
    }
    match (dialect.token_count(), call.payload().codec().token_count()) {
        (Some(upstream), Some(caller)) => {
            let body = caller.write_response(upstream.read_response(bytes)?);
            Ok(Reply::wire(call.dialect(), body, NOTHING_USED))
        }
        _ => Err(Error::internal("an answer in a dialect of nothing")),
    }
}

/// A stream, of which the first event has been looked at.
async fn stream(call: &Call, response: Response<UpstreamBody>, way: WayBack) -> Result<Reply> {
    let dialect = way.dialect(call);
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        let bytes = collect(body).await?;
        let id = call.context().request_id();
        return Err(refused(dialect, id, head.status, &head.headers, &bytes));
    }
    if !is_event_stream(&head.headers) {
        let bytes = collect(body).await?;
        return Err(no_stream(dialect, &bytes));
    }
    let events = match way {
        WayBack::PassThrough { usage_was_added } => {
            let reader = PassThrough::new(dialect, quoted(call.model()), usage_was_added);
            EventStream::frames(dialect.id(), begun(Pump::new(body, reader)).await?)
        }
        WayBack::Translate { carry, .. } => {
            let codec = dialect.chat();
            let codec = codec.ok_or_else(|| Error::internal("a stream that is no chat"))?;
            let reader = Translation::new(codec.decoder(carry));
            EventStream::typed(begun(Pump::new(body, reader)).await?)
        }
    };
    let mut reply = Reply::stream(events);
    reply.meta_mut().headers = for_caller(&head.headers);
    Ok(reply)
}

/// A slow upstream is committed to, so that the caller's connection can be kept alive; one that
/// fails at once can still be retried.
async fn begun<R: EventReader>(mut events: Pump<R>) -> Result<Pump<R>> {
    match tokio::time::timeout(COMMIT_AFTER, events.first_event()).await {
        Ok(first) => first?,
        Err(_elapsed) => {}
    }
    Ok(events)
}

impl WayBack {
    /// What the upstream answers in.
    fn dialect(&self, call: &Call) -> &'static dyn Dialect {
        match self {
            Self::PassThrough { .. } => call.payload().codec(),
            Self::Translate { dialect, .. } => *dialect,
        }
    }
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
fn no_stream(dialect: &dyn Dialect, body: &[u8]) -> Error {
    match dialect.scan_response(body) {
        Err(error) if error.kind() != ErrorKind::UpstreamDecode => error,
        _ => Error::upstream_decode("The provider did not answer with a stream.")
            .with_retry(RetryAdvice::Never),
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers
        .get(http::header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
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
        let name_is = |known| name.as_str() == known;
        if name_is("x-request-id") || name_is("request-id") || name.as_str().starts_with("openai-")
        {
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

/// To count tokens costs none.
const NOTHING_USED: Option<Usage> = Some(Usage::new(0, 0));

/// Marks a count of tokens that is none.
const ESTIMATED: HeaderName = HeaderName::from_static("x-aisix-estimated");

const EVENT_STREAM: &[u8] = b"text/event-stream";

/// The largest whole answer that is taken from an upstream.
const MAX_ANSWER: usize = 64 << 20;

/// How long a stream's first event may keep the caller without a status.
const COMMIT_AFTER: Duration = Duration::from_secs(10);
