//! A model in this process: any Tower service over calls, no HTTP and no dialect.
//!
//! Run with `cargo run -p aisix-examples --bin local_model`, then
//!
//! ```sh
//! curl http://127.0.0.1:3000/v1/chat/completions -H 'Content-Type: application/json' \
//!   -d '{"model": "parrot", "messages": [{"role": "user", "content": "one two three"}], "stream": true}'
//! ```

use std::error::Error as StdError;

use aisix_core::call::{Call, Operation};
use aisix_core::config::MemoryStore;
use aisix_core::conversation::{ChatEvent, FinishReason, Usage};
use aisix_core::error::{Error, Result};
use aisix_core::gateway::Gateway;
use aisix_core::provider::Registry;
use aisix_core::reply::{EventStream, Reply};
use aisix_core::resource::Kind;
use axum::Router;
use futures_util::stream;
use serde_json::json;
use tokio::net::TcpListener;
use tower::service_fn;

/// Answers whole. The gateway writes a stream of it where the caller wants one.
async fn upper(call: Call) -> Result<Reply> {
    Ok(Reply::text(last_words(&call)?.to_uppercase()))
}

/// Answers word by word where the caller wants a stream.
async fn parrot(call: Call) -> Result<Reply> {
    let text = last_words(&call)?;
    if !call.is_stream() {
        return Ok(Reply::text(text));
    }
    let words: Vec<_> = text.split_inclusive(' ').map(ToOwned::to_owned).collect();
    let usage = Usage::new(words.len() as u64, words.len() as u64);
    let events = words
        .into_iter()
        .map(|word| ChatEvent::text(0, word))
        .chain([
            ChatEvent::finish(0, FinishReason::Stop),
            ChatEvent::usage(usage),
        ]);
    Ok(Reply::stream(EventStream::events(stream::iter(
        events.map(Ok),
    ))))
}

/// What was said last.
fn last_words(call: &Call) -> Result<String> {
    if call.operation() != Operation::Chat {
        return Err(Error::invalid_request("This model only chats."));
    }
    let last = call.payload().chat()?.messages.last();
    Ok(last
        .map(|message| message.text().into_owned())
        .unwrap_or_default())
}

/// A gateway whose models are functions.
pub async fn app() -> Result<Router> {
    let config = MemoryStore::new()
        .with(
            Kind::Models,
            "u",
            json!({"display_name": "upper", "provider": "upper", "model_name": "1"}),
        )
        .with(
            Kind::Models,
            "p",
            json!({"display_name": "parrot", "provider": "parrot", "model_name": "1"}),
        );
    let providers = Registry::new()
        .with_service("upper", service_fn(upper))
        .with_service("parrot", service_fn(parrot));
    let (gateway, driver) = Gateway::builder()
        .config(config)
        .providers(providers)
        .build()
        .await?;
    tokio::spawn(driver);
    Ok(Router::new().fallback_service(gateway))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app().await?).await?;
    Ok(())
}
