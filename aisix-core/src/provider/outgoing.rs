//! The request to the upstream: the caller's bytes with a few edits, the endpoint's headers.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::target::HttpRoute;
use super::upstream::{RequestBody, UpstreamOptions, UpstreamTls};
use super::{Endpoint, EndpointSpec, Provider, Target};
use crate::call::{Call, Operation, Payload, RequestId};
use crate::dialect::{self, Carry, Dialect, DialectId, Dialects, TargetModel, Way};
use crate::error::{Error, Result};
use crate::json::{self, Edit, Head};
use crate::resource::RequestOptions;
use crate::snapshot::ModelEntry;

/// A request to an upstream, and what its answer will need.
pub(super) struct Outgoing {
    pub(super) http: http::Request<RequestBody>,
    pub(super) way: WayBack,
}

/// How an answer comes to the caller.
pub(super) enum WayBack {
    /// As it is, in the caller's own dialect.
    PassThrough {
        /// The gateway asked for the usage, not the caller, who must not see the answer to it.
        usage_was_added: bool,
    },
    /// By way of the conversation.
    Translate {
        /// What the upstream answers in.
        dialect: &'static dyn Dialect,
        carry: Carry,
    },
}

/// The body for an upstream.
struct Written {
    body: RequestBody,
    way: WayBack,
}

pub(super) fn request(
    call: &Call,
    entry: &ModelEntry,
    target: &Target,
    route: &HttpRoute,
    dialects: &Dialects,
) -> Result<Outgoing> {
    let provider = &*route.provider;
    let spoken = route.dialects(call.operation());
    let way = dialects
        .negotiate(call.payload().codec(), spoken)
        .ok_or_else(|| no_way(call, provider))?;
    let dialect = match way {
        Way::PassThrough => call.dialect(),
        Way::Translate(dialect) => dialect.id(),
    };
    let spec = EndpointSpec::new(call.operation(), dialect).with_stream(call.is_stream());
    let endpoint = route.endpoint(&spec)?;
    let written = match way {
        Way::PassThrough => pass_through(call, entry, route, endpoint)?,
        Way::Translate(dialect) => translate(call, entry, route, dialect)?,
    };

    let mut request = http::Request::new(written.body);
    *request.method_mut() = endpoint.method().clone();
    *request.uri_mut() = endpoint.uri_of(&entry.upstream_name(call.model()))?;
    let headers = request.headers_mut();
    headers.clone_from(endpoint.headers());
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let accept = if call.is_stream() {
        "text/event-stream"
    } else {
        "application/json"
    };
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    let id = call.context().request_id().header_value().clone();
    headers.insert(HeaderName::from_static(RequestId::HEADER), id);
    let is_native = matches!(way, Way::PassThrough);
    let callers = call.context().headers();
    for name in callers.keys() {
        let passes = is_native && provider.passes_header(name);
        if passes {
            headers.remove(name);
        }
        // What the gateway has said already is not said twice.
        if passes || (route.options.forwards(name) && !headers.contains_key(name)) {
            for value in callers.get_all(name) {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    for (name, value) in route.options.headers() {
        headers.insert(name.clone(), value.clone());
    }
    request
        .extensions_mut()
        .insert(options(target, endpoint.tls().cloned()));
    Ok(Outgoing {
        http: request,
        way: written.way,
    })
}

fn no_way(call: &Call, provider: &dyn Provider) -> Error {
    Error::invalid_request(format!(
        "The provider `{}` cannot be asked for {} in {}.",
        provider.name(),
        call.operation(),
        call.dialect()
    ))
    .with_code("unsupported_operation")
    .with_param("model")
}

fn options(target: &Target, tls: Option<Arc<UpstreamTls>>) -> UpstreamOptions {
    let mut options = UpstreamOptions::new();
    options.read_gap = target.timeouts().stream_gap;
    options.tls = tls;
    options
}

/// The caller's own bytes, with few edits.
fn pass_through(
    call: &Call,
    entry: &ModelEntry,
    route: &HttpRoute,
    endpoint: &Endpoint,
) -> Result<Written> {
    let payload = call.payload();
    let adapted = route.adapt(call.operation(), payload)?;
    // Whoever wrote the body anew has moved what the head points at.
    let (bytes, head) = match adapted {
        Some(bytes) => {
            let head = Head::scan(&bytes)?;
            (bytes, Cow::Owned(head))
        }
        None => (payload.bytes().clone(), Cow::Borrowed(call.head()?)),
    };
    let mut edits = Vec::with_capacity(2);
    let name = entry.upstream_name(call.model());
    if !endpoint.names_model() && head.model() != Some(&*name) {
        edits.push(head.edit_model(&name));
    }
    let usage = ask_for_usage(&head, call.dialect(), route);
    let usage_was_added = usage.is_some();
    edits.extend(usage);
    Ok(Written {
        body: json::splice(&bytes, &mut edits),
        way: WayBack::PassThrough { usage_was_added },
    })
}

/// The caller's conversation, in the words of `dialect`.
fn translate(
    call: &Call,
    entry: &ModelEntry,
    route: &HttpRoute,
    dialect: &'static dyn Dialect,
) -> Result<Written> {
    let payload = call.payload();
    let name = entry.upstream_name(call.model());
    let told = entry.resource().capabilities.as_ref();
    let model = TargetModel::new(&name).with_capabilities(told);
    let (bytes, carry) = match (dialect.chat(), dialect.embeddings(), dialect.token_count()) {
        (Some(codec), ..) => codec.write_request(payload.chat()?, &model)?,
        (_, Some(codec), _) => {
            let bytes = codec.write_request(&payload.embeddings()?, &model)?;
            (bytes, Carry::default())
        }
        (.., Some(codec)) => {
            let bytes = codec.write_request(payload.chat()?, &model)?;
            (bytes, Carry::default())
        }
        (None, None, None) => return Err(Error::internal("a dialect of nothing")),
    };
    let written = Payload::new(dialect, bytes);
    let bytes = route
        .adapt(call.operation(), &written)?
        .unwrap_or_else(|| written.bytes().clone());
    let mut edits = Vec::new();
    if call.is_stream() && has_usage_option(dialect.id()) {
        edits.extend(ask_for_usage(&Head::scan(&bytes)?, dialect.id(), route));
    }
    Ok(Written {
        body: json::splice(&bytes, &mut edits),
        way: WayBack::Translate { dialect, carry },
    })
}

fn has_usage_option(dialect: DialectId) -> bool {
    [dialect::OPENAI_CHAT, dialect::OPENAI_COMPLETIONS].contains(&dialect)
}

/// What makes a stream tell its usage, where the vendor tells it only to those who ask.
fn ask_for_usage(head: &Head, dialect: DialectId, route: &HttpRoute) -> Option<Edit> {
    if has_usage_option(dialect) && head.stream() && route.provider.tells_usage_on_request() {
        head.edit_include_usage()
    } else {
        None
    }
}

// === impl HttpRoute ===

impl HttpRoute {
    /// The body as the vendor and the operator want it; `None` when it needs no change.
    fn adapt(&self, operation: Operation, payload: &Payload) -> Result<Option<Bytes>> {
        let adapted = self.provider.adapt(operation, payload)?;
        let configured = match &adapted {
            Some(bytes) => self.options.edit_body(bytes)?,
            None => self.options.edit_body(payload.bytes())?,
        };
        Ok(configured.or(adapted))
    }
}

// === impl RequestOptions ===

impl RequestOptions {
    /// The body with the fields that the operator wants in it; `None` when it needs no change.
    fn edit_body(&self, bytes: &Bytes) -> Result<Option<Bytes>> {
        if self.param_renames.is_empty() && self.default_body_fields.is_empty() {
            return Ok(None);
        }
        let mut out = BytesMut::with_capacity(bytes.len() + 256);
        let mut missing: Vec<_> = self.default_body_fields.iter().collect();
        out.put_u8(b'{');
        let mut separate = false;
        for member in json::members(bytes)? {
            let member = member?;
            let key = self
                .param_renames
                .get(&*member.key)
                .map_or(&*member.key, String::as_str);
            missing.retain(|(name, _)| name.as_str() != key);
            put_member(&mut out, &mut separate, key, &bytes[member.value]);
        }
        for (key, value) in missing {
            put_member(&mut out, &mut separate, key, value.to_string().as_bytes());
        }
        out.put_u8(b'}');
        Ok(Some(out.freeze()))
    }
}

fn put_member(out: &mut BytesMut, separate: &mut bool, key: &str, value: &[u8]) {
    if std::mem::replace(separate, true) {
        out.put_u8(b',');
    }
    json::write_string(out, key);
    out.put_u8(b':');
    out.extend_from_slice(value);
}

impl Payload {
    /// The body as a request of this dialect, for a provider that writes it anew.
    ///
    /// # Errors
    ///
    /// The body is no JSON object.
    pub fn object(&self) -> Result<Map<String, Value>> {
        self.head()?;
        serde_json::from_slice(self.bytes()).map_err(|error| {
            Error::invalid_request("The body is not a JSON object.").with_source(error)
        })
    }
}

const USER_AGENT: &str = concat!("AISIX/", env!("CARGO_PKG_VERSION"));
