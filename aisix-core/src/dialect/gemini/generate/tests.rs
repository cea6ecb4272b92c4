use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::Generate;
use crate::conversation::{ChatEvent, ChatRequest, ChatResponse};
use crate::dialect::openai::Chat;
use crate::dialect::{Carry, ChatCodec, EncodeOptions, TargetModel};
use crate::error::{Error, Result};
use crate::sse::Scanner;

mod answer;
mod foreign;
mod native;
mod recorded;
mod request;
mod stream;

const CODEC: Generate = Generate::new();

/// What a caller asks in OpenAI's chat format.
fn chat(value: &Value) -> ChatRequest {
    let mut value = value.clone();
    value["model"] = "fast".into();
    Chat::new()
        .read_request(value.to_string().as_bytes())
        .unwrap()
}

fn read(value: &Value) -> ChatRequest {
    CODEC.read_request(value.to_string().as_bytes()).unwrap()
}

fn try_write(request: &ChatRequest, model: &str) -> Result<(Value, Carry)> {
    let (body, carry) = CODEC.write_request(request, &TargetModel::new(model))?;
    Ok((serde_json::from_slice(&body).unwrap(), carry))
}

fn write(request: &ChatRequest, model: &str) -> Value {
    try_write(request, model).unwrap().0
}

fn refuse(value: &Value, model: &str) -> Error {
    let error = try_write(&chat(value), model).unwrap_err();
    assert_eq!(error.status(), 400);
    error
}

#[track_caller]
fn assert_kept(value: &Value) {
    assert_eq!(write(&read(value), "gemini-3-flash"), *value);
}

fn answer(value: &Value) -> ChatResponse {
    CODEC
        .read_response(value.to_string().as_bytes(), &Carry::default())
        .unwrap()
}

fn events_of(value: &[Value]) -> String {
    let event = |value: &Value| format!("data: {value}\r\n\r\n");
    value.iter().map(event).collect()
}

/// The events of a stream, fed in pieces of `size`.
fn decode_with(codec: &dyn ChatCodec, stream: &[u8], size: usize) -> Result<Vec<ChatEvent>> {
    let mut scanner = Scanner::new();
    let mut decoder = codec.decoder(Carry::default());
    let mut events = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        scanner.push(Bytes::copy_from_slice(piece));
        while let Some(event) = scanner.next_event().unwrap() {
            decoder.event(&event, &mut events)?;
        }
    }
    decoder.end(&mut events)?;
    Ok(events)
}

fn decode(stream: &[u8], size: usize) -> Result<Vec<ChatEvent>> {
    decode_with(&CODEC, stream, size)
}

fn encode_with(codec: &dyn ChatCodec, events: &[ChatEvent]) -> String {
    let mut encoder = codec.encoder(EncodeOptions::default().with_usage(true));
    let mut out = BytesMut::new();
    for event in events {
        encoder.event(event, &mut out).unwrap();
    }
    encoder.end(&mut out).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

fn encode(events: &[ChatEvent]) -> String {
    encode_with(&CODEC, events)
}

fn texts(values: &[&str]) -> Value {
    values.iter().map(|text| json!({"text": text})).collect()
}
