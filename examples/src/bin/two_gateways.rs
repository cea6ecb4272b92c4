//! Two gateways in one process, with keys, models and limits of their own: nothing is global.
//!
//! Run with `cargo run -p aisix-examples --bin two_gateways`, then
//!
//! ```sh
//! for team in red blue; do
//!   curl http://127.0.0.1:3000/$team/v1/models -H "Authorization: Bearer sk-$team"
//! done
//! ```

use std::error::Error as StdError;

use aisix_core::config::MemoryStore;
use aisix_core::error::Result;
use aisix_core::gateway::Gateway;
use aisix_core::resource::{KeyHash, Kind};
use axum::Router;
use serde_json::json;
use tokio::net::TcpListener;

/// A gateway for each team, each under its path.
pub async fn app() -> Result<Router> {
    Ok(Router::new()
        .nest_service("/red", gateway("red", 1).await?)
        .nest_service("/blue", gateway("blue", 100).await?))
}

async fn gateway(team: &str, requests_per_day: u64) -> Result<Gateway> {
    let model =
        json!({"display_name": format!("{team}-model"), "provider": "mock", "model_name": "demo"});
    let key = json!({
        "key_hash": KeyHash::of(format!("sk-{team}")).to_string(),
        "allowed_models": ["*"],
        "rate_limit": {"rpd": requests_per_day},
    });
    let config =
        MemoryStore::new()
            .with(Kind::Models, "model", model)
            .with(Kind::ApiKeys, "key", key);
    let (gateway, driver) = Gateway::builder()
        .config(config)
        .providers(aisix_providers::providers())
        .hooks(aisix_hooks::defaults())
        .build()
        .await?;
    tokio::spawn(driver);
    Ok(gateway)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app().await?).await?;
    Ok(())
}
