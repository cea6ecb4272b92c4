//! A vendor that speaks OpenAI's dialect at an address and with a header of its own.
//!
//! Run with `cargo run -p aisix-examples --bin custom_provider`; it shows what would go out to the
//! vendor. A stub stands in the place of the HTTP client, so no account is needed. In earnest,
//! `aisix_providers::transport::HyperClient` goes there.
//!
//! A vendor that takes `Authorization: Bearer …` needs no code at all: give its provider key an
//! `api_base`, or add `OpenAi::compatible(name, api_base)`.

use std::error::Error as StdError;

use aisix_core::call::Operation;
use aisix_core::config::MemoryStore;
use aisix_core::dialect::{self, DialectId};
use aisix_core::error::Result;
use aisix_core::gateway::Gateway;
use aisix_core::provider::upstream::UpstreamClient;
use aisix_core::provider::{Endpoint, EndpointSpec, Provider, TargetSpec};
use aisix_core::resource::Kind;
use aisix_core::testing::TestUpstream;
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt;

/// The vendor: data and pure functions.
#[derive(Debug)]
pub struct Acme;

impl Provider for Acme {
    fn name(&self) -> &str {
        "acme"
    }

    fn dialects(&self, operation: Operation) -> &[DialectId] {
        match operation {
            Operation::Chat => &[dialect::OPENAI_CHAT],
            Operation::Embeddings => &[dialect::OPENAI_EMBEDDINGS],
            _ => &[],
        }
    }

    /// Called once for each version of a model's resources, not for each request.
    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
        let base = target.api_base_or("https://api.acme.example/v1");
        Endpoint::post(base, spec.openai_path())?.with_secret_header(
            "x-acme-key",
            target.secret()?,
            "",
        )
    }
}

/// A gateway that reaches the vendor through `client`.
pub async fn app(client: impl UpstreamClient) -> Result<Router> {
    let key = json!({"display_name": "acme", "provider": "acme", "api_key": "sk-acme"});
    let model = json!({
        "display_name": "fast", "provider": "acme", "model_name": "acme-1", "provider_key_id": "acme",
    });
    let config = MemoryStore::new()
        .with(Kind::ProviderKeys, "acme", key)
        .with(Kind::Models, "fast", model);
    let providers = aisix_providers::providers().with(Acme).with_client(client);
    let (gateway, driver) = Gateway::builder()
        .config(config)
        .providers(providers)
        .build()
        .await?;
    tokio::spawn(driver);
    Ok(Router::new().fallback_service(gateway))
}

/// What the stub answers.
pub const ANSWER: &str = r#"{"id": "1", "object": "chat.completion", "created": 0, "model": "acme-1-0124",
 "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi!"}, "finish_reason": "stop"}],
 "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, "acme_extra": true}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError + Send + Sync>> {
    let upstream = TestUpstream::new();
    upstream.json(StatusCode::OK, ANSWER);
    let body = r#"{"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}"#;
    let request = Request::post("/v1/chat/completions").body(Body::from(body))?;
    let response = app(upstream.clone()).await?.oneshot(request).await?;
    let answer = axum::body::to_bytes(response.into_body(), usize::MAX).await?;

    for (parts, body) in upstream.requests() {
        println!(
            "{} {}\n{}\n",
            parts.method,
            parts.uri,
            String::from_utf8_lossy(&body)
        );
    }
    println!("{}", String::from_utf8_lossy(&answer));
    Ok(())
}
