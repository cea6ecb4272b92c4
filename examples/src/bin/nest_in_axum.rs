//! The gateway in an axum application, in three ways.
//!
//! Run with `cargo run -p aisix-examples --bin nest_in_axum`, then
//!
//! ```sh
//! curl http://127.0.0.1:3000/v1/chat/completions -H 'Content-Type: application/json' \
//!   -H 'Authorization: Bearer sk-demo' \
//!   -d '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}'
//! ```
//!
//! Three facts of axum to know:
//!
//! - `Router::layer` wraps the routes and the fallback that are there already. `AisixLayer` comes
//!   last: a fallback that is set after it would swallow the gateway's paths.
//! - `Router::nest_service` strips its prefix, so that a caller's `base_url` becomes
//!   `http://127.0.0.1:3000/ai/v1`; it panics on `""` and `"/"`.
//! - `Router::nest_service` and `Router::fallback_service` want `Error = Infallible`, which the
//!   gateway has: it writes its errors itself.

use std::error::Error;

use aisix_core::config::MemoryStore;
use aisix_core::error::Result;
use aisix_core::gateway::{AisixLayer, Gateway};
use aisix_core::resource::{KeyHash, Kind};
use axum::Router;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

/// The application: its own routes, and the gateway's paths in front of them.
pub async fn app() -> Result<Router> {
    Ok(Router::new()
        .route("/", get(home))
        .layer(AisixLayer::new(gateway().await?)))
}

/// The gateway under a path of its own.
pub async fn nested() -> Result<Router> {
    Ok(Router::new()
        .route("/", get(home))
        .nest_service("/ai", gateway().await?))
}

/// The gateway for everything that no route takes; what is not its own it answers with 404.
pub async fn fallback() -> Result<Router> {
    Ok(Router::new()
        .route("/", get(home))
        .fallback_service(gateway().await?))
}

async fn gateway() -> Result<Gateway> {
    let (gateway, driver) = Gateway::builder()
        .config(config())
        .providers(aisix_providers::providers())
        .hooks(aisix_hooks::defaults())
        .build()
        .await?;
    tokio::spawn(driver);
    Ok(gateway)
}

fn config() -> MemoryStore {
    let model = json!({"display_name": "demo", "provider": "mock", "model_name": "demo"});
    let key = json!({"key_hash": KeyHash::of("sk-demo").to_string(), "allowed_models": ["*"]});
    MemoryStore::new()
        .with(Kind::Models, "demo", model)
        .with(Kind::ApiKeys, "demo", key)
}

async fn home() -> &'static str {
    "An axum application.\n"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app().await?).await?;
    Ok(())
}
