//! How the URL of an upstream is joined.
//!
//! Operators write the base of an API in many ways: with its version or without, or pasted whole from
//! a vendor's page. [`ApiBase`] reads all of them as the same thing.

use std::fmt;

use aisix_core::error::Error;
use aisix_core::error::Result;
use http::Uri;
use http::uri::Authority;
use http::uri::Scheme;

pub use aisix_core::provider::model_segment;

/// The base of an upstream's API, an absolute `http` or `https` URL.
///
/// A pasted endpoint is cut off, a query is kept for every request.
///
/// ```
/// use aisix_providers::url::ApiBase;
///
/// let base = ApiBase::parse("https://api.example.com")?;
/// let url = base.join("chat/completions")?;
/// assert_eq!(url, "https://api.example.com/v1/chat/completions");
///
/// let base = ApiBase::parse("https://example.com/llm/chat/completions?api-version=1")?;
/// let url = base.join("embeddings")?;
/// assert_eq!(url, "https://example.com/llm/embeddings?api-version=1");
/// # Ok::<(), aisix_core::error::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ApiBase {
    scheme: Scheme,
    authority: Authority,
    // Without a slash at its end, and so empty for a bare host.
    path: String,
    query: Option<String>,
}

impl ApiBase {
    /// Reads a base as an operator wrote it.
    ///
    /// # Errors
    ///
    /// It is no absolute URL, neither `http` nor `https`, names no host, or holds a user name, a fragment
    /// or dot segments.
    pub fn parse(base: &str) -> Result<Self> {
        let base = base.trim();
        if base.contains('#') {
            return Err(invalid("has a fragment"));
        }
        let uri: Uri = base
            .parse()
            .map_err(|error| invalid("is no URL").with_source(error))?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.ok_or_else(|| invalid("has no scheme"))?;
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(invalid("is neither http nor https"));
        }
        let authority = parts.authority.ok_or_else(|| invalid("names no host"))?;
        if authority.host().is_empty() {
            return Err(invalid("names no host"));
        }
        if authority.as_str().contains('@') {
            return Err(invalid("has a user name"));
        }
        let (path, query) = parts.path_and_query.as_ref().map_or(("", None), |whole| {
            (
                whole.path(),
                whole.query().filter(|query| !query.is_empty()),
            )
        });
        if path.split('/').any(is_dots) {
            return Err(invalid("has dot segments"));
        }
        Ok(Self {
            scheme,
            authority,
            path: without_endpoint(path).to_owned(),
            query: query.map(ToOwned::to_owned),
        })
    }

    /// The URL of an endpoint such as `chat/completions`; a bare host gets `/v1` in front of it.
    ///
    /// # Errors
    ///
    /// `endpoint` cannot stand in a URL.
    pub fn join(&self, endpoint: &str) -> Result<Uri> {
        if self.path.is_empty() {
            self.build("/v1/", endpoint)
        } else {
            self.build("/", endpoint)
        }
    }

    /// The URL of an endpoint whose vendor counts the version, such as `v1` or `v1beta`, to the endpoint and
    /// not to the base; a base that ends in a version keeps its own.
    ///
    /// # Errors
    ///
    /// `version` or `endpoint` cannot stand in a URL.
    pub fn join_versioned(&self, version: &str, endpoint: &str) -> Result<Uri> {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        if is_version(last) {
            self.build("/", endpoint)
        } else {
            self.build(&format!("/{version}/"), endpoint)
        }
    }

    fn build(&self, between: &str, endpoint: &str) -> Result<Uri> {
        let path = &self.path;
        let endpoint = endpoint.trim_start_matches('/');
        let path_and_query = match (&self.query, endpoint.contains('?')) {
            (None, _) => format!("{path}{between}{endpoint}"),
            (Some(query), false) => format!("{path}{between}{endpoint}?{query}"),
            (Some(query), true) => format!("{path}{between}{endpoint}&{query}"),
        };
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .map_err(|error| invalid("cannot be joined").with_source(error))
    }
}

impl fmt::Debug for ApiBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some vendors take the key in the query.
        f.debug_struct("ApiBase")
            .field("scheme", &self.scheme)
            .field("authority", &self.authority)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Cuts off what operators paste along with the base.
fn without_endpoint(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    PASTED
        .iter()
        .find_map(|endpoint| path.strip_suffix(endpoint))
        .unwrap_or(path)
        .trim_end_matches('/')
}

fn is_dots(segment: &str) -> bool {
    // Escaped dots count too, RFC 3986, 6.2.2.2.
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// Whether `segment` reads as `v1`, `v1beta`, `v2alpha1`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_digit())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn invalid(reason: &str) -> Error {
    Error::config(format!("api_base {reason}"))
}

const PASTED: [&str; 4] = [
    "/chat/completions",
    "/embeddings",
    "/v1/messages",
    "/v1/messages/count_tokens",
];

#[cfg(test)]
mod tests {
    use aisix_core::error::ErrorKind;

    use super::*;

    #[test]
    fn joins_endpoints_however_the_base_was_written() {
        for (base, expected) in [
            ("https://api.openai.com", "https://api.openai.com/v1/E"),
            ("https://api.openai.com/", "https://api.openai.com/v1/E"),
            (" https://api.openai.com/v1 ", "https://api.openai.com/v1/E"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1/E"),
            ("https://api.openai.com/v1//", "https://api.openai.com/v1/E"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/E"),
            ("http://[::1]:8000/x", "http://[::1]:8000/x/E"),
            ("HTTPS://h/v1", "https://h/v1/E"),
            ("https://h/v1/chat/completions", "https://h/v1/E"),
            ("https://h/v1/chat/completions/", "https://h/v1/E"),
            ("https://h/chat/completions", "https://h/v1/E"),
            ("https://h/v1/embeddings", "https://h/v1/E"),
            ("https://h/v1/messages", "https://h/v1/E"),
            ("https://h/proxy/v1/messages", "https://h/proxy/E"),
            ("https://h/api/paas/v4", "https://h/api/paas/v4/E"),
            ("https://h?a=1", "https://h/v1/E?a=1"),
            ("https://h/?a=1", "https://h/v1/E?a=1"),
            ("https://h/?", "https://h/v1/E"),
            (
                "https://h/d/chat/completions?a=1&b=2",
                "https://h/d/E?a=1&b=2",
            ),
        ] {
            let url = ApiBase::parse(base).unwrap().join("E").unwrap();
            assert_eq!(url.to_string(), expected, "from {base}");
        }
    }

    #[test]
    fn joins_endpoints_that_bring_their_version() {
        for (base, expected) in [
            (
                "https://api.anthropic.com",
                "https://api.anthropic.com/v1/E",
            ),
            (
                "https://api.anthropic.com/v1",
                "https://api.anthropic.com/v1/E",
            ),
            ("https://h/anthropic", "https://h/anthropic/v1/E"),
            (
                "https://h/anthropic/v1/messages",
                "https://h/anthropic/v1/E",
            ),
            ("https://h/v1/messages/count_tokens", "https://h/v1/E"),
            ("https://h/v1beta", "https://h/v1beta/E"),
            ("https://h/vendor", "https://h/vendor/v1/E"),
        ] {
            let base = ApiBase::parse(base).unwrap();
            let url = base.join_versioned("v1", "E").unwrap();
            assert_eq!(url.to_string(), expected, "from {base:?}");
        }
    }

    #[test]
    fn keeps_the_query_of_the_endpoint_beside_its_own() {
        let base = ApiBase::parse("https://h/v1beta?a=1").unwrap();
        let url = base.join_versioned("v1beta", "models/m:stream?alt=sse");
        assert_eq!(
            url.unwrap().to_string(),
            "https://h/v1beta/models/m:stream?alt=sse&a=1"
        );
    }

    #[test]
    fn refuses_what_is_no_base() {
        for base in [
            "",
            "api.openai.com",
            "/v1",
            "ftp://h/v1",
            "file:///etc/passwd",
            "https://",
            "https:///v1",
            "https://user:secret@h/v1",
            "https://h/v1#top",
            "https://h/a b",
            "https://h/../v1",
            "https://h/%2E%2e/v1",
        ] {
            let error = ApiBase::parse(base).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "for {base}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn does_not_print_its_query() {
        let base = ApiBase::parse("https://h/v1?key=secret").unwrap();
        assert!(!format!("{base:?}").contains("secret"));
    }

    #[test]
    fn writes_model_names_as_one_segment() {
        for (name, expected) in [
            ("gpt-4o", Some("gpt-4o")),
            ("anthropic.claude-v2:1", Some("anthropic.claude-v2%3A1")),
            ("text@2024+x_~", Some("text@2024+x_~")),
            ("", None),
            (".", None),
            ("..", None),
            ("a/b", None),
            ("a\\b", None),
            ("a?b", None),
            ("a#b", None),
            ("a%2fb", None),
            ("a b", None),
            ("a\nb", None),
            ("modèle", None),
        ] {
            let segment = model_segment(name);
            assert_eq!(segment.as_deref().ok(), expected, "for {name:?}");
            if let Err(error) = segment {
                assert_eq!(error.param(), Some("model"));
            }
        }
    }
}
