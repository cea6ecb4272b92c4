//! HTTP concerns stay with `tower-http`: CORS, a timeout and a header around the gateway.
//!
//! Run with `cargo run -p aisix-examples --bin tower_http_around`, then
//!
//! ```sh
//! curl -i http://127.0.0.1:3000/v1/chat/completions -H 'Content-Type: application/json' \
//!   -H 'Origin: https://chat.example.com' \
//!   -d '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}'
//! ```

use std::error::Error as StdError;
use std::time::Duration;

use aisix_core::config::MemoryStore;
use aisix_core::error::Result;
use aisix_core::gateway::Gateway;
use aisix_core::resource::Kind;
use axum::Router;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// The gateway and what stands around it; `patience` is how long an answer may take to begin.
pub async fn app(patience: Duration) -> Result<Router> {
    let model = json!({"display_name": "demo", "provider": "mock", "model_name": "demo"});
    let (gateway, driver) = Gateway::builder()
        .config(MemoryStore::new().with(Kind::Models, "demo", model))
        .providers(aisix_providers::providers())
        .build()
        .await?;
    tokio::spawn(driver);

    let around = ServiceBuilder::new()
        // Outermost: a browser's preflight never reaches the gateway, and every answer, errors
        // too, is one that the browser may read.
        .layer(
            CorsLayer::new()
                .allow_origin(HeaderValue::from_static("https://chat.example.com"))
                .allow_methods([Method::GET, Method::POST])
                .allow_headers([AUTHORIZATION, CONTENT_TYPE]),
        )
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ))
        // Bounds the time to the head of the answer, and so never cuts a stream that has begun.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            patience,
        ));
    Ok(Router::new().fallback_service(around.service(gateway)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(Duration::from_secs(60)).await?).await?;
    Ok(())
}
