use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::{HeaderMap, HeaderValue, Method, Uri};
use tokio::time::Instant;

use super::{Caller, TargetName};
use crate::snapshot::{ModelEntry, Snapshot};

/// The circumstances of a call: one allocation, shared by all its clones.
///
/// What hooks find out on the way (the caller, the model, the target) is written here once and
/// read by everyone, also by hooks further out when the call has ended.
pub struct CallContext {
    snapshot: Arc<Snapshot>,
    request_id: RequestId,
    received: Instant,
    peer: Option<IpAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    resource: Option<Box<str>>,
    caller: OnceLock<Caller>,
    model: OnceLock<Arc<ModelEntry>>,
    target: Mutex<Option<Arc<TargetName>>>,
}

/// Names one call in logs, headers and upstream requests: the caller's own id, or a random UUID.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

// === impl CallContext ===

impl CallContext {
    /// The circumstances of a call that begins now.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self {
            snapshot,
            request_id: RequestId::random(),
            received: Instant::now(),
            peer: None,
            method: Method::POST,
            uri: Uri::default(),
            headers: HeaderMap::new(),
            resource: None,
            caller: OnceLock::new(),
            model: OnceLock::new(),
            target: Mutex::new(None),
        }
    }

    /// Takes the caller's headers, and the request id among them when it is a valid one.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        let id = [RequestId::HEADER, "x-request-id"]
            .into_iter()
            .find_map(|name| headers.get(name).and_then(RequestId::from_caller));
        if let Some(id) = id {
            self.request_id = id;
        }
        self.headers = headers;
        self
    }

    /// Says how the call was asked for over HTTP.
    #[must_use]
    pub fn with_request_line(mut self, method: Method, uri: Uri) -> Self {
        self.method = method;
        self.uri = uri;
        self
    }

    /// Says from which address the call comes.
    #[must_use]
    pub fn with_peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }

    /// Names what the path named, such as the model of `GET /v1/models/{id}`.
    #[must_use]
    pub fn with_resource(mut self, name: impl Into<Box<str>>) -> Self {
        self.resource = Some(name.into());
        self
    }

    /// Says who calls, for calls that do not bring a key.
    #[must_use]
    pub fn with_caller(self, caller: Caller) -> Self {
        self.identify(caller);
        self
    }

    /// The configuration that the call runs under.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The call's name.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// When the call began.
    #[must_use]
    pub fn received(&self) -> Instant {
        self.received
    }

    /// The address from which the call comes, if it came over a network.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// The method of the HTTP request.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path of the HTTP request, without its query; `/` for calls within this process.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The headers that the caller sent.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What the path named.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// Who calls, once known.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.get()
    }

    /// Says who calls. The first word counts: `false` when the caller was known already.
    pub fn identify(&self, caller: Caller) -> bool {
        self.caller.set(caller).is_ok()
    }

    /// The model that is asked for, once known.
    #[must_use]
    pub fn model(&self) -> Option<&Arc<ModelEntry>> {
        self.model.get()
    }

    /// Says which model is asked for. The first word counts.
    pub fn resolve_model(&self, model: Arc<ModelEntry>) -> bool {
        self.model.set(model).is_ok()
    }

    /// The target that was tried last.
    #[must_use]
    pub fn target(&self) -> Option<Arc<TargetName>> {
        self.target
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that `target` is tried now.
    pub fn note_target(&self, target: Arc<TargetName>) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers carry credentials.
        f.debug_struct("CallContext")
            .field("request_id", &self.request_id)
            .field("revision", &self.snapshot.revision())
            .field("peer", &self.peer)
            .field("caller", &self.caller.get().map(Caller::id))
            .finish_non_exhaustive()
    }
}

// === impl RequestId ===

impl RequestId {
    /// The header that carries it, from callers, to callers, and to upstreams.
    pub const HEADER: &'static str = "x-aisix-request-id";

    /// A random one, in the form of a UUID of version 4.
    #[must_use]
    pub fn random() -> Self {
        let bits = fastrand::u128(..);
        let bits = (bits & !(0xf000 << 64) & !(0b11 << 62)) | (0x4000 << 64) | (0b10 << 62);
        let mut text = [0_u8; 36];
        let mut at = 0;
        for nibble in 0..32_u32 {
            if matches!(at, 8 | 13 | 18 | 23) {
                text[at] = b'-';
                at += 1;
            }
            // Four bits index sixteen digits.
            text[at] = b"0123456789abcdef"[(bits >> (124 - 4 * nibble)) as usize & 0xf];
            at += 1;
        }
        Self(HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-")))
    }

    /// The caller's own, when it is one to write into logs and headers: 1 to 128 letters, digits
    /// and `-_.:/+=@`.
    #[must_use]
    pub fn from_caller(value: &HeaderValue) -> Option<Self> {
        let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
        let bytes = value.as_bytes();
        ((1..=128).contains(&bytes.len()) && bytes.iter().all(valid)).then(|| Self(value.clone()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as the value of a header.
    #[must_use]
    pub fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
