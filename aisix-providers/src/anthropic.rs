use aisix_core::call::Operation;
use aisix_core::dialect::{self, DialectId};
use aisix_core::error::Result;
use aisix_core::provider::{Endpoint, EndpointSpec, Provider, TargetSpec};
use http::{HeaderName, HeaderValue};

use crate::credential::keyed;
use crate::url::ApiBase;

/// Anthropic, or a vendor that speaks its Messages API.
///
/// Callers of that API say themselves which version of it they speak and which betas they use;
/// everybody else gets the version that takes a temperature, where the model does.
///
/// Source: <https://docs.claude.com/en/api/overview>.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct Anthropic;

impl Anthropic {
    /// Anthropic's own service.
    pub fn new() -> Self {
        Self
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &str {
        "anthropic"
    }

    fn dialects(&self, operation: Operation) -> &[DialectId] {
        match operation {
            Operation::Chat => &[dialect::ANTHROPIC_MESSAGES],
            Operation::CountTokens => &[dialect::ANTHROPIC_COUNT_TOKENS],
            // It offers no embeddings.
            _ => &[],
        }
    }

    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
        let path = match spec.dialect {
            dialect::ANTHROPIC_COUNT_TOKENS => "messages/count_tokens",
            _ => "messages",
        };
        let base = ApiBase::parse(target.api_base_or(API_BASE))?;
        let endpoint = Endpoint::post_uri(base.join_versioned("v1", path)?)?.with_header(
            HeaderName::from_static(VERSION),
            HeaderValue::from_static(DEFAULT_VERSION),
        );
        keyed(endpoint, target, "x-api-key", "")
    }

    /// Every stream tells its usage.
    fn tells_usage_on_request(&self) -> bool {
        false
    }

    fn passes_header(&self, name: &HeaderName) -> bool {
        name == VERSION || name == BETA
    }
}

const API_BASE: &str = "https://api.anthropic.com";

const VERSION: &str = "anthropic-version";
const BETA: &str = "anthropic-beta";

/// Later versions refuse `temperature`, `top_p` and `top_k` for every model.
const DEFAULT_VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests {
    use aisix_core::call::{Call, Caller};
    use aisix_core::config::MemoryStore;
    use aisix_core::gateway::Gateway;
    use aisix_core::hook::check_fn;
    use aisix_core::provider::Registry;
    use aisix_core::resource::Kind;
    use aisix_core::testing::TestUpstream;
    use http::{Request, StatusCode, request};
    use serde_json::json;
    use tower_service::Service;

    use super::*;

    /// What Anthropic is asked when a caller of its own API asks at `path`.
    async fn asked(path: &str, api_base: Option<&str>) -> request::Parts {
        let mut key = json!({"display_name": "k", "provider": "anthropic", "api_key": "sk-ant"});
        if let Some(base) = api_base {
            key["api_base"] = base.into();
        }
        let model = json!({"display_name": "m", "provider": "anthropic", "provider_key_id": "k",
            "model_name": "claude-opus-5"});
        let upstream = TestUpstream::new();
        let answer = json!({"type": "message", "model": "claude-opus-5", "content": [],
            "usage": {"input_tokens": 1, "output_tokens": 1}, "input_tokens": 1});
        upstream.json(StatusCode::OK, answer.to_string());
        let config =
            MemoryStore::new()
                .with(Kind::ProviderKeys, "k", key)
                .with(Kind::Models, "m", model);
        let (mut gateway, _driver) = Gateway::builder()
            .config(config)
            .providers(
                Registry::new()
                    .with(Anthropic::new())
                    .with_client(upstream.clone()),
            )
            .hook(check_fn(|call: &Call| {
                call.context().identify(Caller::service("test"));
                Ok(())
            }))
            .build()
            .await
            .unwrap();
        let body = json!({"model": "m", "max_tokens": 9, "stream": true,
            "messages": [{"role": "user", "content": "Hi"}]});
        let request = Request::post(path)
            .header("anthropic-beta", "context-1m-2025-08-07")
            .header("x-api-key", "sk-caller")
            .body(body.to_string())
            .unwrap();
        let Ok(_response) = gateway.call(request).await;
        upstream.requests().remove(0).0
    }

    #[tokio::test]
    async fn a_native_caller_keeps_its_betas_and_not_its_key() {
        let request = asked("/v1/messages", None).await;
        assert_eq!(request.uri, "https://api.anthropic.com/v1/messages");
        assert_eq!(request.headers["x-api-key"], "sk-ant");
        assert_eq!(request.headers["anthropic-version"], "2023-06-01");
        assert_eq!(request.headers["anthropic-beta"], "context-1m-2025-08-07");
        assert!(!request.headers.contains_key("authorization"));
    }

    #[tokio::test]
    async fn a_pasted_endpoint_leads_to_both_of_its_own() {
        let base = Some("https://proxy.example/anthropic/v1/messages");
        for (path, expected) in [
            (
                "/v1/messages",
                "https://proxy.example/anthropic/v1/messages",
            ),
            (
                "/v1/messages/count_tokens",
                "https://proxy.example/anthropic/v1/messages/count_tokens",
            ),
        ] {
            assert_eq!(asked(path, base).await.uri, expected);
        }
    }
}
