//! The request to the upstream: the caller's bytes with a few edits, the endpoint's headers.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::target::HttpRoute;
use super::upstream::{RequestBody, UpstreamOptions, UpstreamTls};
use super::{EndpointSpec, Target};
use crate::call::{Call, Payload, RequestId};
use crate::error::{Error, Result};
use crate::json::{self, Head};
use crate::resource::RequestOptions;
use crate::snapshot::ModelEntry;

pub(super) struct Outgoing {
    pub(super) http: http::Request<RequestBody>,
    /// The gateway asked for the usage, not the caller, who must not see the answer to it.
    pub(super) usage_was_added: bool,
}

pub(super) fn request(
    call: &Call,
    entry: &ModelEntry,
    target: &Target,
    route: &HttpRoute,
) -> Result<Outgoing> {
    let spec = EndpointSpec::new(call.operation(), call.dialect()).with_stream(call.is_stream());
    let endpoint = route.endpoint(&spec)?;
    check_dialect(call, route)?;
    let (body, usage_was_added) = body(call, entry, route)?;

    let mut request = http::Request::new(body);
    *request.method_mut() = endpoint.method().clone();
    *request.uri_mut() = endpoint.uri().clone();
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
    for (name, value) in call.context().headers() {
        if route.provider.passes_header(name) {
            headers.insert(name.clone(), value.clone());
        } else if route.options.forwards(name) {
            headers.append(name.clone(), value.clone());
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
        usage_was_added,
    })
}

fn check_dialect(call: &Call, route: &HttpRoute) -> Result<()> {
    if route
        .provider
        .dialects(call.operation())
        .contains(&call.dialect())
    {
        return Ok(());
    }
    Err(Error::invalid_request(format!(
        "The provider `{}` does not speak {}.",
        route.provider.name(),
        call.dialect()
    ))
    .with_param("model"))
}

fn options(target: &Target, tls: Option<Arc<UpstreamTls>>) -> UpstreamOptions {
    let mut options = UpstreamOptions::new();
    options.read_gap = target.timeouts().stream_gap;
    options.tls = tls;
    options
}

fn body(call: &Call, entry: &ModelEntry, route: &HttpRoute) -> Result<(RequestBody, bool)> {
    let adapted = route.provider.adapt(call.operation(), call.payload())?;
    let configured = match &adapted {
        Some(bytes) => route.options.edit_body(bytes)?,
        None => route.options.edit_body(call.payload().bytes())?,
    };
    // Whoever wrote the body anew has moved what the head points at.
    let (bytes, head) = match configured.or(adapted) {
        Some(bytes) => {
            let head = Head::scan(&bytes)?;
            (bytes, Cow::Owned(head))
        }
        None => (call.payload().bytes().clone(), Cow::Borrowed(call.head()?)),
    };
    let mut edits = Vec::with_capacity(2);
    let name = entry.upstream_name(call.model());
    if head.model() != Some(&*name) {
        edits.push(head.edit_model(&name));
    }
    let adds_usage = head.stream() && route.provider.tells_usage_on_request();
    let usage_was_added = match head.edit_include_usage().filter(|_| adds_usage) {
        Some(edit) => {
            edits.push(edit);
            true
        }
        None => false,
    };
    Ok((json::splice(&bytes, &mut edits), usage_was_added))
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
