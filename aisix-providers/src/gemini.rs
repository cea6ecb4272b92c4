use aisix_core::call::Operation;
use aisix_core::dialect::{self, DialectId};
use aisix_core::error::{Error, Result};
use aisix_core::provider::{Endpoint, EndpointSpec, Provider, TargetSpec};

use crate::credential::keyed;
use crate::url::ApiBase;

/// Gemini, by its Developer API.
///
/// The model and the method stand in the URL, the key in the header `x-goog-api-key`: in the URL,
/// where the vendor takes it too, it would end up in logs.
///
/// Source: <https://ai.google.dev/api>.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct Gemini;

impl Gemini {
    /// Google's own service.
    pub fn new() -> Self {
        Self
    }
}

impl Provider for Gemini {
    fn name(&self) -> &str {
        "gemini"
    }

    fn dialects(&self, operation: Operation) -> &[DialectId] {
        match operation {
            Operation::Chat => &[dialect::GEMINI_GENERATE],
            Operation::Embeddings => &[dialect::GEMINI_EMBED],
            Operation::CountTokens => &[dialect::GEMINI_COUNT_TOKENS],
            _ => &[],
        }
    }

    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
        let method = match (spec.dialect, spec.is_stream) {
            (dialect::GEMINI_GENERATE, false) => "generateContent",
            // Without the parameter the stream is one JSON array, sent in pieces.
            (dialect::GEMINI_GENERATE, true) => "streamGenerateContent?alt=sse",
            (dialect::GEMINI_EMBED, _) => "batchEmbedContents",
            (dialect::GEMINI_COUNT_TOKENS, _) => "countTokens",
            (other, _) => {
                return Err(Error::internal(format!("Gemini does not speak {other}")));
            }
        };
        let base = native_base(target.api_base_or(API_BASE));
        let path = format!("models/{}:{method}", Endpoint::MODEL);
        let url = ApiBase::parse(&base)?.join_versioned("v1beta", &path)?;
        let endpoint = Endpoint::post_uri(url)?.with_model_in_path();
        keyed(endpoint, target, "x-goog-api-key", "")
    }

    /// It tells it with every event.
    fn tells_usage_on_request(&self) -> bool {
        false
    }
}

/// Cuts off what operators paste along with the base: a whole endpoint, or the part of the vendor's
/// layer for OpenAI's clients.
fn native_base(base: &str) -> String {
    let (path, query) = base
        .split_once('?')
        .map_or((base, None), |(path, query)| (path, Some(query)));
    let path = path.trim().trim_end_matches('/');
    let path = match path.find("/models/") {
        Some(at) => &path[..at],
        None => path.strip_suffix("/models").unwrap_or(path),
    };
    let path = path.strip_suffix("/openai").unwrap_or(path);
    // The parameter of a pasted stream is that of one method, not of all.
    let query = query.filter(|query| *query != "alt=sse");
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

const API_BASE: &str = "https://generativelanguage.googleapis.com";

#[cfg(test)]
mod tests {
    use aisix_core::resource::{ProviderKey, read};
    use serde_json::json;

    use super::*;

    fn key(base: Option<&str>, secret: Option<&str>) -> ProviderKey {
        let row = json!({"display_name": "k", "api_base": base, "api_key": secret});
        read::<ProviderKey>(&row).unwrap().resource
    }

    fn endpoint(key: &ProviderKey, dialect: DialectId, is_stream: bool) -> Result<Endpoint> {
        let spec = EndpointSpec::new(Operation::Chat, dialect).with_stream(is_stream);
        Gemini::new().endpoint(&spec, &TargetSpec::new("google/*", Some(key)))
    }

    #[test]
    fn the_url_names_the_model_and_the_method() {
        let key = key(None, Some("secret"));
        for (dialect, is_stream, method) in [
            (dialect::GEMINI_GENERATE, false, "generateContent"),
            (
                dialect::GEMINI_GENERATE,
                true,
                "streamGenerateContent?alt=sse",
            ),
            (dialect::GEMINI_EMBED, false, "batchEmbedContents"),
            (dialect::GEMINI_COUNT_TOKENS, false, "countTokens"),
        ] {
            let endpoint = endpoint(&key, dialect, is_stream).unwrap();
            let base = "https://generativelanguage.googleapis.com/v1beta/models";
            for name in ["gemini-2.5-flash", "models/gemini-2.5-flash"] {
                let url = endpoint.uri_of(name).unwrap();
                assert_eq!(url, format!("{base}/gemini-2.5-flash:{method}").as_str());
            }
            let url = endpoint.uri_of("a:b").unwrap();
            assert_eq!(url, format!("{base}/a%3Ab:{method}").as_str());
        }
    }

    #[test]
    fn a_name_that_leaves_the_path_is_refused() {
        let endpoint = endpoint(&key(None, Some("s")), dialect::GEMINI_GENERATE, false).unwrap();
        for name in [
            "",
            "..",
            "../x",
            "a/b",
            "a?key=x",
            "models/",
            "tunedModels/x",
        ] {
            let error = endpoint.uri_of(name).unwrap_err();
            assert_eq!(
                (error.status().as_u16(), error.param()),
                (400, Some("model"))
            );
        }
    }

    #[test]
    fn the_key_stands_in_a_header_that_is_not_printed() {
        let endpoint =
            endpoint(&key(None, Some("secret")), dialect::GEMINI_GENERATE, true).unwrap();
        assert_eq!(endpoint.headers()["x-goog-api-key"], "secret");
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert!(!endpoint.uri().to_string().contains("secret"));
    }

    #[test]
    fn without_a_key_there_is_no_way_to_google() {
        let without = |base| {
            let key = key(base, None);
            endpoint(&key, dialect::GEMINI_GENERATE, false)
        };
        assert!(without(None).is_err());
        assert!(without(Some("http://127.0.0.1:9")).is_ok());
    }

    #[test]
    fn a_base_is_understood_however_it_was_pasted() {
        for (base, expected) in [
            ("https://h", "https://h/v1beta/models/m:countTokens"),
            ("https://h/v1beta/", "https://h/v1beta/models/m:countTokens"),
            ("https://h/v1", "https://h/v1/models/m:countTokens"),
            (
                "https://h/v1beta/openai/",
                "https://h/v1beta/models/m:countTokens",
            ),
            (
                "https://h/v1beta/models",
                "https://h/v1beta/models/m:countTokens",
            ),
            (
                "https://h/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
                "https://h/v1beta/models/m:countTokens",
            ),
            (
                "https://h/proxy?a=1",
                "https://h/proxy/v1beta/models/m:countTokens?a=1",
            ),
        ] {
            let key = key(Some(base), None);
            let endpoint = endpoint(&key, dialect::GEMINI_COUNT_TOKENS, false).unwrap();
            assert_eq!(endpoint.uri_of("m").unwrap(), expected, "from {base}");
        }
    }
}
