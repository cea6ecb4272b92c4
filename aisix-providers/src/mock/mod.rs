//! A model in this process that needs no account: the same request gets the same answer.
//!
//! It is the demonstration model of the reference server, and what tests talk to. It answers text
//! with text, forced tool choices with tool calls, JSON schemas with documents that are valid by
//! them, and inputs with vectors; streams are paced, and faults happen on demand.
//!
//! # Scripts
//!
//! How it answers is said by a [`Script`]: by the host ([`Mock::with_script`]), behind a `?` in
//! the model's `model_name`, and by the caller in a last user message that begins with `/mock`:
//!
//! ```yaml
//! models:
//!   - {display_name: slow, provider: mock, model_name: "demo?delay=200ms&pace=20ms"}
//!   - {display_name: broken, provider: mock, model_name: "demo?status=503&retry_after=1s"}
//! ```
//!
//! | word | meaning |
//! |---|---|
//! | `text=…` | says this instead of an answer of its own |
//! | `words=n` | says that many words, at most 10,000 |
//! | `tool` | calls the first tool, also when it does not have to |
//! | `delay=200ms` | waits before it answers |
//! | `pace=20ms` | waits before each further event of a stream |
//! | `status=503` | fails so instead of answering; `retry_after=1s` says when to come back |
//! | `fail_first=n` | fails only the first `n` attempts at a call |
//! | `cut=n` | breaks off after `n` events; with 0, before there is an answer |
//! | `malformed=n` | sends nonsense after `n` events; with 0, instead of an answer |
//! | `hang` | never answers |
//!
//! Words are separated by `&` or by white space; no time is longer than an hour.

use std::task::{Context, Poll};

use aisix_core::call::{Call, Operation};
use aisix_core::error::{Error, Result};
use aisix_core::hook::BoxCallFuture;
use aisix_core::reply::{EventStream, Reply};
use tower_service::Service;

mod answer;
mod pace;
mod schema;
mod script;
mod vector;

pub use script::{ParseScriptError, Script};

use pace::Paced;

/// The model.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Mock {
    script: Script,
}

impl Mock {
    /// A model that answers at once, and without fail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers by `script`, as far as neither the model's name nor the caller says otherwise.
    pub fn with_script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }
}

impl Service<Call> for Mock {
    type Response = Reply;
    type Error = Error;
    type Future = BoxCallFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> BoxCallFuture {
        let script = self.script.clone();
        Box::pin(async move { answer(call, script).await })
    }
}

async fn answer(call: Call, script: Script) -> Result<Reply> {
    let model = call
        .model_entry()
        .map(|entry| entry.upstream_name(call.model()));
    let model = model.as_deref().unwrap_or_default();
    let mut script = match model.split_once('?') {
        Some((_, query)) => script.and(query)?,
        None => script,
    };
    if call.operation() == Operation::Chat
        && let Some(words) = answer::directive(call.payload().chat()?)
    {
        script = script.and(&words)?;
    }
    if script.hang {
        std::future::pending::<()>().await;
    }
    if !script.delay.is_zero() {
        tokio::time::sleep(script.delay).await;
    }
    if let Some(error) = script.failure(call.attempt()) {
        return Err(error);
    }
    match call.operation() {
        Operation::Chat => {
            // An upstream that breaks off at once has not answered, and can be tried again.
            if let Some(error) = script.cut_error(0) {
                return Err(error);
            }
            let response = answer::chat(call.payload().chat()?, &script, call.model());
            Ok(match call.is_stream() {
                true => Reply::stream(EventStream::events(Paced::new(response, &script))),
                false => Reply::chat(response),
            })
        }
        Operation::Embeddings => Ok(Reply::embeddings(vector::embed(
            &call.payload().embeddings()?,
            call.model(),
        )?)),
        operation => Err(Error::invalid_request(format!(
            "The mock does not offer {operation}."
        ))),
    }
}

#[cfg(test)]
mod tests;
