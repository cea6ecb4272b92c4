use std::time::Duration;

use aisix_core::call::{Call, Operation};
use aisix_core::conversation::{ChatEvent, ChatResponse};
use aisix_core::error::{Error, ErrorKind, Result};
use aisix_core::reply::{Answer, Reply, ReplyBody, StreamItem};
use aisix_core::resource::Kind;
use aisix_core::testing::{Delivery, TestCall};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower_service::Service;

use super::*;

mod answer;
mod gateway;
mod script;

/// A call whose last message says `text`, to a model of that `model_name`.
fn call(model_name: &str, text: &str) -> Call {
    request(
        model_name,
        json!({"messages": [{"role": "user", "content": text}]}),
    )
}

fn request(model_name: &str, mut body: Value) -> Call {
    body["model"] = "m".into();
    resolved(model_name, TestCall::new(Operation::Chat, body))
}

fn resolved(model_name: &str, call: TestCall) -> Call {
    let model = json!({"display_name": "m", "provider": "mock", "model_name": model_name});
    let call = call.row(Kind::Models, "m", model).build();
    let entry = call.snapshot().model("m").cloned().unwrap();
    call.context().resolve_model(entry);
    call
}

async fn reply(call: Call) -> Result<Reply> {
    Mock::new().call(call).await
}

async fn chat(call: Call) -> Result<ChatResponse> {
    match reply(call).await?.body() {
        ReplyBody::Full(Answer::Chat(response)) => Ok((**response).clone()),
        other => panic!("no conversation: {other:?}"),
    }
}

/// What the mock says to `text`.
async fn said(text: &str) -> String {
    chat(call("demo", text)).await.unwrap().text().into_owned()
}

/// The events of a stream, each with the time that has passed until then; and how it ended.
async fn events(call: Call) -> (Vec<(u128, ChatEvent)>, Result<()>) {
    let start = Instant::now();
    let mut delivery = Delivery::of(&call.clone(), reply(call).await.unwrap());
    let mut events = Vec::new();
    while let Some(item) = delivery.next().await {
        match item {
            Ok(StreamItem::Event(event)) => events.push((start.elapsed().as_millis(), event)),
            Ok(other) => panic!("no event: {other:?}"),
            Err(error) => return (events, Err(error)),
        }
    }
    (events, Ok(()))
}

fn text(events: &[(u128, ChatEvent)]) -> String {
    events
        .iter()
        .filter_map(|(_, event)| event.text_delta())
        .collect()
}
