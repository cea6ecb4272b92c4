//! Calls without HTTP: typed requests and answers, whole and streamed, through the same hooks.
//!
//! Run with `cargo run -p aisix-examples --bin typed_call`.

use std::error::Error as StdError;

use aisix_core::call::Caller;
use aisix_core::config::MemoryStore;
use aisix_core::conversation::{ChatRequest, EmbeddingsRequest};
use aisix_core::error::Result;
use aisix_core::gateway::Gateway;
use aisix_core::resource::Kind;
use futures_util::TryStreamExt;
use serde_json::json;

/// What came back.
#[derive(Debug)]
pub struct Report {
    pub whole: String,
    pub tokens: u64,
    pub streamed: Vec<String>,
    pub vectors: usize,
}

/// A gateway, as a job in this process uses it.
pub async fn gateway() -> Result<Gateway> {
    let model = json!({"display_name": "demo", "provider": "mock", "model_name": "demo"});
    let (gateway, driver) = Gateway::builder()
        .config(MemoryStore::new().with(Kind::Models, "demo", model))
        .providers(aisix_providers::providers())
        .hooks(aisix_hooks::defaults())
        .build()
        .await?;
    tokio::spawn(driver);
    // The host's own code has no API key; whoever it says it is, it is believed.
    Ok(gateway.as_caller(Caller::service("nightly-report")))
}

/// Asks in three ways.
pub async fn run(gateway: &Gateway) -> Result<Report> {
    let request = ChatRequest::new("demo")
        .system("Be brief.")
        .user("Why is the sky blue?");

    let answer = gateway.chat(request.clone()).await?;

    let mut streamed = Vec::new();
    let mut events = gateway.chat(request).stream().await?;
    while let Some(event) = events.try_next().await? {
        streamed.extend(event.text_delta().map(ToOwned::to_owned));
    }

    let vectors = gateway
        .embeddings(EmbeddingsRequest::new("demo", ["one text", "and another"]))
        .await?;

    Ok(Report {
        whole: answer.text().into_owned(),
        tokens: answer.usage().total(),
        streamed,
        vectors: vectors.data.len(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError + Send + Sync>> {
    println!("{:#?}", run(&gateway().await?).await?);
    Ok(())
}
