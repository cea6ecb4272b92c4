use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::Scheme;
use http::{Method, Uri};

use super::upstream::UpstreamTls;
use crate::call::Operation;
use crate::dialect::{self, DialectId};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::Secret;

/// Where an operation of a target is asked for: the URL and the headers, ready to send.
#[derive(Clone)]
#[must_use]
pub struct Endpoint {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    tls: Option<Arc<UpstreamTls>>,
}

/// What an [`Endpoint`] is for.
///
/// ```
/// use aisix_core::call::Operation;
/// use aisix_core::dialect;
/// use aisix_core::provider::EndpointSpec;
///
/// let spec = EndpointSpec::new(Operation::Chat, dialect::OPENAI_RESPONSES);
/// assert_eq!(spec.openai_path(), "responses");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointSpec {
    /// What is asked for.
    pub operation: Operation,
    /// In which of the vendor's dialects.
    pub dialect: DialectId,
    /// Whether the answer is to be a stream.
    pub is_stream: bool,
}

// === impl EndpointSpec ===

impl EndpointSpec {
    /// A whole answer to `operation`, in `dialect`.
    #[must_use]
    pub const fn new(operation: Operation, dialect: DialectId) -> Self {
        Self {
            operation,
            dialect,
            is_stream: false,
        }
    }

    /// Says whether the answer is to be a stream.
    #[must_use]
    pub const fn with_stream(mut self, is_stream: bool) -> Self {
        self.is_stream = is_stream;
        self
    }

    /// The path below the `/v1` of an OpenAI-compatible vendor; empty for other dialects.
    #[must_use]
    pub fn openai_path(&self) -> &'static str {
        match self.dialect {
            dialect::OPENAI_CHAT => "chat/completions",
            dialect::OPENAI_COMPLETIONS => "completions",
            dialect::OPENAI_EMBEDDINGS => "embeddings",
            dialect::OPENAI_RESPONSES => "responses",
            _ => "",
        }
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// `POST` to `path` below `base`; a query of `base` is kept at the end.
    ///
    /// # Errors
    ///
    /// The two do not make an `http` or `https` URL.
    pub fn post(base: &str, path: &str) -> Result<Self> {
        let (base, query) = base
            .split_once('?')
            .map_or((base, None), |(b, q)| (b, Some(q)));
        let mut url = format!(
            "{}/{}",
            base.trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        if let Some(query) = query {
            url.push('?');
            url.push_str(query);
        }
        let uri: Uri = url
            .parse()
            .map_err(|error: http::uri::InvalidUri| not_a_url(&url).with_source(error))?;
        Self::post_uri(uri)
    }

    /// `POST` to `uri`.
    ///
    /// # Errors
    ///
    /// It is no absolute `http` or `https` URL.
    pub fn post_uri(uri: Uri) -> Result<Self> {
        let known = [Scheme::HTTP, Scheme::HTTPS];
        if uri.authority().is_none() || !uri.scheme().is_some_and(|scheme| known.contains(scheme)) {
            return Err(not_a_url(&uri.to_string()));
        }
        Ok(Self {
            method: Method::POST,
            uri,
            headers: HeaderMap::new(),
            tls: None,
        })
    }

    /// Sends `value` with each request, replacing a header of that name.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends the secret with each request, behind `prefix` (such as `Bearer `), marked so that it
    /// is neither printed nor indexed by HTTP/2.
    ///
    /// # Errors
    ///
    /// The secret holds what no header may.
    pub fn with_secret_header(
        mut self,
        name: &'static str,
        secret: &Secret,
        prefix: &str,
    ) -> Result<Self> {
        let value = format!("{prefix}{}", secret.expose());
        let mut value = HeaderValue::from_str(&value).map_err(|_| {
            Error::new(
                ErrorKind::Authentication,
                "The gateway's credential for this provider is not a valid header value.",
            )
        })?;
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// Trusts and checks certificates as `tls` says, rather than as the client does by default.
    pub fn with_tls(mut self, tls: Option<Arc<UpstreamTls>>) -> Self {
        self.tls = tls;
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The URL.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// How certificates are checked, if not by default.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<UpstreamTls>> {
        self.tls.as_ref()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secret headers are marked and print as `Sensitive`.
        f.debug_struct("Endpoint")
            .field("uri", &self.uri)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

fn not_a_url(url: &str) -> Error {
    Error::invalid_request(format!(
        "The provider's api_base makes no http(s) URL: `{url}`."
    ))
}
