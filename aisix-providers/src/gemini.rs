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
mod tests;
