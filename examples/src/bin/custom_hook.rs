//! A hook as a `tower::Layer`: it blocks a word, and costs no allocation.
//!
//! Run with `cargo run -p aisix-examples --bin custom_hook`, then
//!
//! ```sh
//! curl -i http://127.0.0.1:3000/v1/chat/completions -H 'Content-Type: application/json' \
//!   -d '{"model": "demo", "messages": [{"role": "user", "content": "What is the launch code?"}]}'
//! ```
//!
//! A hook that only says yes or no is shorter with `aisix_core::hook::check_fn`; this is the whole
//! way, for hooks that change the call, the reply, or the order of things.

use std::error::Error as StdError;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use aisix_core::call::Call;
use aisix_core::config::MemoryStore;
use aisix_core::error::{Error, ErrorKind, Result};
use aisix_core::gateway::Gateway;
use aisix_core::hook::CallService;
use aisix_core::reply::Reply;
use aisix_core::resource::Kind;
use axum::Router;
use pin_project_lite::pin_project;
use serde_json::json;
use tokio::net::TcpListener;
use tower_layer::Layer;
use tower_service::Service;

/// Refuses conversations that hold the word.
#[derive(Clone, Copy, Debug)]
pub struct BlockWordLayer(pub &'static str);

/// The service of a [`BlockWordLayer`].
#[derive(Clone, Copy, Debug)]
pub struct BlockWord<S> {
    word: &'static str,
    inner: S,
}

pin_project! {
    /// The future of a [`BlockWord`].
    #[project = ResponseFutureProj]
    pub enum ResponseFuture<S: Service<Call>> {
        Start { word: &'static str, inner: S, call: Option<Call> },
        Inner { #[pin] future: S::Future },
    }
}

impl<S> Layer<S> for BlockWordLayer {
    type Service = BlockWord<S>;

    fn layer(&self, inner: S) -> BlockWord<S> {
        let word = self.0;
        BlockWord { word, inner }
    }
}

impl<S: CallService> Service<Call> for BlockWord<S> {
    type Response = Reply;
    type Error = Error;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> ResponseFuture<S> {
        // The instance that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let (word, call) = (self.word, Some(call));
        ResponseFuture::Start { word, inner, call }
    }
}

impl<S: CallService> Future for ResponseFuture<S> {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                // Work starts here, on the first poll, and not in `call`.
                ResponseFutureProj::Start { word, inner, call } => {
                    let call = call.take().ok_or_else(|| Error::internal("polled twice"))?;
                    check(word, &call)?;
                    let future = inner.call(call);
                    self.set(Self::Inner { future });
                }
                ResponseFutureProj::Inner { future } => return future.poll(cx),
            }
        }
    }
}

fn check(word: &str, call: &Call) -> Result<()> {
    if let Some(chat) = call.conversation()?
        && chat.texts().any(|(_, text)| text.contains(word))
    {
        let message = "Blocked by the guardrail `secrets`.";
        return Err(Error::new(ErrorKind::ContentFilter, message));
    }
    Ok(())
}

/// A gateway behind the hook.
pub async fn app() -> Result<Router> {
    let model = json!({"display_name": "demo", "provider": "mock", "model_name": "demo"});
    let (gateway, driver) = Gateway::builder()
        .config(MemoryStore::new().with(Kind::Models, "demo", model))
        .providers(aisix_providers::providers())
        .hook(BlockWordLayer("launch code"))
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
