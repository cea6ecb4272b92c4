//! Hooks as closures: block a word, add a header, time each call.
//!
//! Run with `cargo run -p aisix-examples --bin hook_fn`, then
//!
//! ```sh
//! curl -i http://127.0.0.1:3000/v1/chat/completions -H 'Content-Type: application/json' \
//!   -d '{"model": "demo", "messages": [{"role": "user", "content": "What is the launch code?"}]}'
//! ```

use std::error::Error as StdError;
use std::time::Duration;

use aisix_core::call::Call;
use aisix_core::config::MemoryStore;
use aisix_core::error::{Error, ErrorKind, Result};
use aisix_core::gateway::Gateway;
use aisix_core::hook::{Next, check_fn, hook_fn};
use aisix_core::reply::{EndGuard, Outcome};
use aisix_core::resource::Kind;
use axum::Router;
use http::HeaderValue;
use serde_json::json;
use tokio::net::TcpListener;

/// What is noted of a call when it has ended.
#[derive(Clone, Debug)]
pub struct Timing {
    pub model: String,
    pub status: u16,
    pub took: Duration,
    pub output_tokens: u64,
}

/// A gateway that blocks a word, signs its answers, and tells `note` how long each call took.
pub async fn app(note: impl Fn(Timing) + Clone + Send + Sync + 'static) -> Result<Router> {
    // Says yes or no, and so needs no allocation.
    let block = check_fn(|call: &Call| {
        if let Some(chat) = call.conversation()?
            && chat.texts().any(|(_, text)| text.contains("launch code"))
        {
            let message = "Blocked by the guardrail `secrets`.";
            return Err(Error::new(ErrorKind::ContentFilter, message));
        }
        Ok(())
    });

    let sign = hook_fn(|call: Call, next: Next| async move {
        let mut reply = next.run(call).await?;
        let value = HeaderValue::from_static("the-example");
        reply.meta_mut().headers.insert("x-served-by", value);
        Ok(reply)
    });

    // The guard fires once, whatever happens: at the last byte, on a refusal, or when the caller
    // has gone. `Reply::on_end` would do for calls that were answered.
    let time = hook_fn(move |call: Call, next: Next| {
        let note = note.clone();
        async move {
            let model = call.model().to_owned();
            let guard = EndGuard::of(&call).with(move |outcome| note(timing(model, outcome)));
            guard.settle(next.run(call).await)
        }
    });

    let model = json!({"display_name": "demo", "provider": "mock", "model_name": "demo"});
    let (gateway, driver) = Gateway::builder()
        .config(MemoryStore::new().with(Kind::Models, "demo", model))
        .providers(aisix_providers::providers())
        .edge_hook(time)
        .hook(block)
        .hook(sign)
        .build()
        .await?;
    tokio::spawn(driver);
    Ok(Router::new().fallback_service(gateway))
}

fn timing(model: String, outcome: &Outcome) -> Timing {
    Timing {
        model,
        status: outcome.status().as_u16(),
        took: outcome.duration(),
        output_tokens: outcome.usage().output_tokens,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let app = app(|timing| println!("{timing:?}")).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
