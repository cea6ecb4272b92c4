mod answers;
mod foreign;
mod own;
mod properties;
mod recorded;
mod streams;
mod thoughts;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::Messages;
use crate::conversation::{ChatEvent, ChatRequest, ChatResponse};
use crate::dialect::openai::Chat;
use crate::dialect::{Carry, ChatCodec, EncodeOptions, TargetModel};
use crate::error::{Error, Result};
use crate::sse::Scanner;

const CODEC: Messages = Messages::new();
const CHAT: Chat = Chat::new();

/// A model that takes everything but budgets.
const OPUS: &str = "claude-opus-4-8";
/// A model that thinks by budget, and takes a temperature.
const SONNET: &str = "claude-sonnet-4-5";

fn read(value: &Value) -> ChatRequest {
    CODEC.read_request(value.to_string().as_bytes()).unwrap()
}

/// Reads a request of OpenAI's format.
fn read_chat(value: &Value) -> ChatRequest {
    CHAT.read_request(value.to_string().as_bytes()).unwrap()
}

fn write_for(model: &str, request: &ChatRequest) -> Result<(Value, Carry)> {
    let (body, carry) = CODEC.write_request(request, &TargetModel::new(model))?;
    Ok((serde_json::from_slice(&body).unwrap(), carry))
}

fn write(request: &ChatRequest) -> Value {
    write_for(&request.model, request).unwrap().0
}

/// What a chat of OpenAI's format becomes for `model`.
fn translated(model: &str, chat: &Value) -> Value {
    write_for(model, &read_chat(chat)).unwrap().0
}

fn refused(model: &str, chat: &Value) -> Error {
    write_for(model, &read_chat(chat)).unwrap_err()
}

/// A chat of OpenAI's format: `messages`, and what `fields` say beside them.
fn chat(messages: &Value, fields: &Value) -> Value {
    let mut chat = json!({"model": "m", "messages": messages});
    for (name, value) in fields.as_object().unwrap() {
        chat[name] = value.clone();
    }
    chat
}

fn hi(fields: &Value) -> Value {
    chat(&json!([{"role": "user", "content": "Hi"}]), fields)
}

fn answer(value: &Value) -> ChatResponse {
    CODEC
        .read_response(value.to_string().as_bytes(), &Carry::default())
        .unwrap()
}

fn written_answer(response: &ChatResponse) -> Value {
    serde_json::from_slice(&CODEC.write_response(response).unwrap()).unwrap()
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

fn decode(stream: &[u8]) -> Result<Vec<ChatEvent>> {
    decode_with(&CODEC, stream, usize::MAX)
}

fn encode_with(codec: &dyn ChatCodec, events: &[ChatEvent], options: EncodeOptions) -> String {
    let mut encoder = codec.encoder(options);
    let mut out = BytesMut::new();
    for event in events {
        encoder.event(event, &mut out).unwrap();
    }
    encoder.end(&mut out).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

fn encode(events: &[ChatEvent]) -> String {
    encode_with(&CODEC, events, EncodeOptions::default())
}

/// A stream of these events.
fn stream(events: &[Value]) -> Vec<u8> {
    let frame = |event: &Value| {
        let name = event["type"].as_str().unwrap();
        format!("event: {name}\ndata: {event}\n\n")
    };
    events.iter().map(frame).collect::<String>().into_bytes()
}

/// The data of each event; its name must be its type.
fn data(stream: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(stream).unwrap().replace("\r\n", "\n");
    let frames = text.split("\n\n").filter(|frame| !frame.trim().is_empty());
    frames
        .map(|frame| {
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            let data: Value = serde_json::from_str(field("data: ").unwrap()).unwrap();
            assert_eq!(data["type"], field("event: ").unwrap());
            data
        })
        .collect()
}

/// What the SDKs make of a stream: the message, its usage, the indices checked on the way.
fn assembled(stream: &[u8]) -> Value {
    let mut message = Value::Null;
    let mut pieces = String::new();
    for event in data(stream) {
        let index = || usize::try_from(event["index"].as_u64().unwrap()).unwrap();
        match event["type"].as_str().unwrap() {
            "message_start" if message.is_null() => message = event["message"].clone(),
            "content_block_start" => {
                assert_eq!(index(), message["content"].as_array().unwrap().len());
                let content = message["content"].as_array_mut().unwrap();
                content.push(event["content_block"].clone());
                pieces.clear();
            }
            "content_block_delta" => {
                let block = &mut message["content"][index()];
                add(block, &event["delta"], &mut pieces);
            }
            "message_delta" => {
                for part in [&event["delta"], &event["usage"]] {
                    let target = if part == &event["usage"] {
                        &mut message["usage"]
                    } else {
                        &mut message
                    };
                    for (name, value) in part.as_object().unwrap() {
                        target[name] = value.clone();
                    }
                }
                for (name, value) in event.as_object().unwrap() {
                    if !["type", "delta", "usage"].contains(&&**name) {
                        message[name] = value.clone();
                    }
                }
            }
            "message_stop" => return message,
            _ => {}
        }
    }
    panic!("no end: {message}")
}

fn add(block: &mut Value, delta: &Value, pieces: &mut String) {
    let mut append = |name: &str, piece: &Value| {
        let mut text = block[name].as_str().unwrap_or_default().to_owned();
        text.push_str(piece.as_str().unwrap());
        block[name] = text.into();
    };
    match delta["type"].as_str().unwrap() {
        "text_delta" => append("text", &delta["text"]),
        "thinking_delta" => append("thinking", &delta["thinking"]),
        "compaction_delta" => append("content", &delta["content"]),
        "signature_delta" => block["signature"] = delta["signature"].clone(),
        "input_json_delta" => {
            pieces.push_str(delta["partial_json"].as_str().unwrap());
            if let Ok(input) = serde_json::from_str(pieces) {
                block["input"] = input;
            }
        }
        "citations_delta" => {
            if block["citations"].is_null() {
                block["citations"] = json!([]);
            }
            let citations = block["citations"].as_array_mut().unwrap();
            citations.push(delta["citation"].clone());
        }
        other => panic!("{other}"),
    }
}
