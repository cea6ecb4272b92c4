use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
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
    names_model: bool,
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
            names_model: false,
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

    /// Puts the provider's name of the model in place of [`MODEL`](Self::MODEL) in the path, for each
    /// request anew: that of a wildcard is known no earlier. The body is not told it then.
    ///
    /// ```
    /// use aisix_core::provider::Endpoint;
    ///
    /// let endpoint = Endpoint::post("https://api.example.com/v1beta", "models/{model}:ask")?
    ///     .with_model_in_path();
    /// let url = endpoint.uri_of("models/gemini-2.5-flash")?;
    /// assert_eq!(url, "https://api.example.com/v1beta/models/gemini-2.5-flash:ask");
    /// # Ok::<(), aisix_core::error::Error>(())
    /// ```
    pub fn with_model_in_path(mut self) -> Self {
        self.names_model = true;
        self
    }

    /// What the name of a model stands for in a path.
    pub const MODEL: &'static str = "{model}";

    /// Whether the URL names the model, and the body does not.
    #[must_use]
    pub fn names_model(&self) -> bool {
        self.names_model
    }

    /// The URL for the model that the provider calls `name`. A name that repeats what stands before it
    /// in the path, as `models/…` does, is understood.
    ///
    /// # Errors
    ///
    /// The name cannot be a segment of a path; see [`model_segment`].
    pub fn uri_of(&self, name: &str) -> Result<Uri> {
        if !self.names_model {
            return Ok(self.uri.clone());
        }
        let path = self.uri.path_and_query().map_or("", PathAndQuery::as_str);
        let (before, behind) = path
            .split_once(Self::MODEL)
            .ok_or_else(|| Error::internal("an endpoint without a place for the model"))?;
        let parent = before.trim_end_matches('/').rsplit('/').next();
        let name = parent
            .and_then(|parent| name.strip_prefix(parent)?.strip_prefix('/'))
            .unwrap_or(name);
        let path = format!("{before}{}{behind}", model_segment(name)?);
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(path.try_into().map_err(|_| not_a_segment())?);
        Uri::from_parts(parts).map_err(|_| not_a_segment())
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

/// Writes a model's name as one segment of a path.
///
/// A colon is escaped, since vendors put the method behind one.
///
/// ```
/// use aisix_core::provider::model_segment;
///
/// assert_eq!(model_segment("gemini-2.5-flash")?, "gemini-2.5-flash");
/// assert!(model_segment("../files").is_err());
/// # Ok::<(), aisix_core::error::Error>(())
/// ```
///
/// # Errors
///
/// The name is empty, consists of dots, or holds other than ASCII letters, digits and `-._~@+:`.
pub fn model_segment(name: &str) -> Result<Cow<'_, str>> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@+:".contains(&byte);
    if matches!(name, "" | "." | "..") || !name.bytes().all(is_plain) {
        return Err(not_a_segment());
    }
    Ok(if name.contains(':') {
        Cow::Owned(name.replace(':', "%3A"))
    } else {
        Cow::Borrowed(name)
    })
}

fn not_a_segment() -> Error {
    let message = "the model's name cannot stand in the URL of its provider";
    Error::invalid_request(message).with_param("model")
}

fn not_a_url(url: &str) -> Error {
    Error::invalid_request(format!(
        "The provider's api_base makes no http(s) URL: `{url}`."
    ))
}
