use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::{Responses, seal};
use crate::conversation::{
    Assembler, ChatEvent, ChatRequest, ChatResponse, Extra, FinishReason, Message, Opaque, Part,
    PartKind, Reasoning, Role, Start, ToolCallKind, Usage,
};
use crate::dialect::{Carry, ChatCodec, Dialect, EncodeOptions, TargetModel};
use crate::error::{Error, Result};
use crate::sse::Scanner;

mod answers;
mod recorded;
mod requests;
mod streams;
mod vendors;

const CODEC: Responses = Responses::new();

fn read(value: &Value) -> ChatRequest {
    CODEC.read_request(value.to_string().as_bytes()).unwrap()
}

fn write(request: &ChatRequest) -> Value {
    let target = TargetModel::new(&request.model);
    let (body, _) = CODEC.write_request(request, &target).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[track_caller]
fn assert_kept(value: &Value) {
    assert_eq!(write(&read(value)), *value);
}

fn ask(input: &Value) -> Value {
    json!({"model": "m", "input": input})
}

/// The events of a stream, fed in pieces of `size`.
fn decode(stream: &[u8], size: usize) -> Result<Vec<ChatEvent>> {
    let mut scanner = Scanner::new();
    let mut decoder = CODEC.decoder(Carry::default());
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

fn encode(events: &[ChatEvent], options: EncodeOptions) -> String {
    let mut encoder = CODEC.encoder(options);
    let mut out = BytesMut::new();
    for event in events {
        encoder.event(event, &mut out).unwrap();
    }
    encoder.end(&mut out).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

fn frames(stream: &str) -> Vec<Value> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// Checks what the official SDKs check: names and numbers of events, that nothing is said of an
/// item that has not begun or is over, and that the end repeats what the items were.
#[track_caller]
fn check_order(stream: &str) {
    let names: Vec<_> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    let frames = frames(stream);
    assert_eq!(names.len(), frames.len());
    let mut items: Vec<(Value, bool)> = Vec::new();
    for (number, (frame, name)) in frames.iter().zip(names).enumerate() {
        assert_eq!(frame["type"], name);
        assert_eq!(frame["sequence_number"], number);
        let index = frame["output_index"]
            .as_u64()
            .map(|at| usize::try_from(at).unwrap());
        match (name, index) {
            ("response.output_item.added", Some(index)) => {
                assert_eq!(index, items.len());
                items.push((frame["item"].clone(), true));
            }
            ("response.output_item.done", Some(index)) => {
                let (item, is_open) = &mut items[index];
                assert!(std::mem::take(is_open), "{frame}");
                assert_eq!(item["id"], frame["item"]["id"]);
                *item = frame["item"].clone();
            }
            (_, Some(index)) => {
                let (item, is_open) = &items[index];
                assert!(*is_open, "{frame}");
                assert_eq!(item["id"], frame["item_id"]);
            }
            (_, None) => {}
        }
    }
    assert_eq!(frames[0]["type"], "response.created");
    assert_eq!(frames[1]["type"], "response.in_progress");
    let last = &frames[frames.len() - 1]["response"];
    let output: Vec<_> = items.into_iter().map(|(item, _)| item).collect();
    assert_eq!(last["output"], Value::from(output));
}
