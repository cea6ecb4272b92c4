use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::Completions;
use crate::conversation::{ChatEvent, ChatRequest, ChatResponse, FinishReason, Start, Usage};
use crate::dialect::openai::Chat;
use crate::dialect::{Carry, ChatCodec, Dialect, EncodeOptions, TargetModel};
use crate::sse::{Event, Scanner};

const CODEC: Completions = Completions::new();
const CHAT: Chat = Chat::new();

fn read(value: &Value) -> ChatRequest {
    CODEC.read_request(value.to_string().as_bytes()).unwrap()
}

fn written(codec: &dyn ChatCodec, request: &ChatRequest) -> Value {
    let target = TargetModel::new(&request.model);
    let (body, _) = codec.write_request(request, &target).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn requests_read_and_write_the_same() {
    for value in [
        json!({"model": "m", "prompt": "a", "max_tokens": 5, "stop": ["x"], "logprobs": 2, "suffix": "s", "best_of": 3}),
        json!({"model": "m", "prompt": ["a", "b"], "stream": true, "stream_options": {"include_usage": true}}),
        json!({"model": "m", "prompt": ["a"]}),
        json!({"model": "m", "prompt": [1, 2], "echo": true, "logit_bias": {"1": 2}, "n": 2, "stream": false}),
        json!({"model": "m", "prompt": [[1], [2]], "temperature": 0.5, "seed": 1, "user": "u"}),
    ] {
        assert_eq!(written(&CODEC, &read(&value)), value);
    }
}

#[test]
fn a_hook_changes_each_of_several_prompts() {
    let mut request = read(&json!({"model": "m", "prompt": ["a", "b"]}));
    for (_, text) in request.texts_mut() {
        text.push('!');
    }
    assert_eq!(written(&CODEC, &request)["prompt"], json!(["a!", "b!"]));
}

#[test]
fn a_chat_model_is_asked_a_turn() {
    let request = read(&json!({
        "model": "m", "prompt": "Hi", "max_tokens": 5, "stop": "x", "n": 2, "logprobs": 1,
        "echo": false, "best_of": 1, "suffix": null, "logit_bias": {"1": 2},
    }));
    assert_eq!(
        written(&CHAT, &request),
        json!({
            "model": "m",
            "messages": [{"role": "user", "content": "Hi"}],
            "max_completion_tokens": 5, "stop": "x", "n": 2, "logprobs": true, "top_logprobs": 1,
            "logit_bias": {"1": 2},
        })
    );
}

#[test]
fn a_list_of_one_prompt_is_that_prompt() {
    // The legacy client of LangChain always sends a list.
    let mut request = read(&json!({"model": "m", "prompt": ["Hi"]}));
    assert_eq!(
        written(&CHAT, &request)["messages"],
        json!([{"role": "user", "content": "Hi"}])
    );
    for (_, text) in request.texts_mut() {
        text.push('!');
    }
    assert_eq!(written(&CODEC, &request)["prompt"], json!(["Hi!"]));
}

#[test]
fn what_a_chat_cannot_say_is_refused_by_name() {
    for (name, value) in [
        ("prompt", json!(["a", "b"])),
        ("prompt", json!([1, 2])),
        ("prompt", json!([[1]])),
        ("echo", json!(true)),
        ("suffix", json!("s")),
        ("best_of", json!(3)),
    ] {
        let mut body = json!({"model": "m", "prompt": "a"});
        body[name] = value;
        let error = CHAT
            .write_request(&read(&body), &TargetModel::new("m"))
            .unwrap_err();
        assert_eq!((error.status().as_u16(), error.param()), (400, Some(name)));
    }
    for (body, param) in [
        (json!({"prompt": "a"}), "model"),
        (json!({"model": "m"}), "prompt"),
        (json!({"model": "m", "prompt": 7}), "prompt"),
        (json!({"model": "m", "prompt": "a", "n": "x"}), "n"),
    ] {
        let error = CODEC.read_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((error.status().as_u16(), error.param()), (400, Some(param)));
    }
}

#[test]
fn a_conversation_is_no_prompt() {
    for request in [
        ChatRequest::new("m").system("s").user("a"),
        ChatRequest::new("m").assistant("a"),
    ] {
        let error = CODEC
            .write_request(&request, &TargetModel::new("m"))
            .unwrap_err();
        assert_eq!(error.param(), Some("messages"));
    }
    let request = ChatRequest::new("m").user("a").with_max_tokens(3);
    assert_eq!(
        written(&CODEC, &request),
        json!({"model": "m", "prompt": "a", "max_tokens": 3})
    );
}

#[test]
fn an_answer_reads_and_writes_the_same() {
    let value = json!({
        "id": "cmpl-1", "object": "text_completion", "created": 7, "model": "m",
        "choices": [{
            "text": "Hi!", "index": 0, "finish_reason": "length",
            "logprobs": {
                "tokens": ["Hi", "!"], "token_logprobs": [-0.5, -1.0],
                "top_logprobs": [{"Hi": -0.5, "Ho": -2.0}, {"!": -1.0}], "text_offset": [0, 2],
            },
        }],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        "system_fingerprint": "fp",
    });
    let response = CODEC
        .read_response(value.to_string().as_bytes(), &Carry::default())
        .unwrap();
    assert_eq!(
        (&*response.text(), response.usage()),
        ("Hi!", Usage::new(1, 2))
    );
    let bytes = CODEC.write_response(&response).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    let head = CODEC.scan_response(&bytes).unwrap();
    assert_eq!(head.finish, Some(FinishReason::Length));
}

#[test]
fn an_answer_of_a_chat_is_a_text() {
    let mut response = ChatResponse::text_only("m", "4").with_usage(Usage::new(1, 1));
    response.id = "chatcmpl-7".to_owned();
    let bytes = CODEC.write_response(&response).unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (&value["id"], &value["object"]),
        (&json!("cmpl-7"), &json!("text_completion"))
    );
    assert_eq!(
        value["choices"],
        json!([{"text": "4", "index": 0, "logprobs": null, "finish_reason": "stop"}])
    );
    for body in [&b""[..], b"{}", b"<html>"] {
        assert!(CODEC.read_response(body, &Carry::default()).is_err());
    }
}

#[test]
fn a_stream_comes_back_as_it_was() {
    let events = [
        ChatEvent::Start(Start::new("cmpl-7", "m").with_created(7)),
        ChatEvent::text(0, "H"),
        ChatEvent::text(1, "x"),
        ChatEvent::text(0, "i"),
        ChatEvent::finish(0, FinishReason::Stop),
        ChatEvent::finish(1, FinishReason::Length),
        ChatEvent::usage(Usage::new(1, 2)),
    ];
    let mut encoder = CODEC.encoder(EncodeOptions::default().with_usage(true));
    let mut out = BytesMut::new();
    for event in &events {
        encoder.event(event, &mut out).unwrap();
    }
    encoder.end(&mut out).unwrap();
    let out = out.freeze();
    assert!(out.ends_with(b"data: [DONE]\n\n"));
    for size in [1, 5, 1000] {
        let mut scanner = Scanner::new();
        let mut decoder = CODEC.decoder(Carry::default());
        let mut seen = Vec::new();
        for piece in out.chunks(size) {
            scanner.push(Bytes::copy_from_slice(piece));
            while let Some(event) = scanner.next_event().unwrap() {
                decoder.event(&event, &mut seen).unwrap();
            }
        }
        decoder.end(&mut seen).unwrap();
        assert_eq!(seen.len(), events.len());
        assert_eq!(seen[1..6], events[1..6]);
    }
    let data = br#"{"choices":[{"text":"Hello","index":0,"finish_reason":null}]}"#;
    assert_eq!(CODEC.scan_event(data).unwrap().content_bytes, 5);
}

#[test]
fn the_last_event_is_known_as_such() {
    let mut decoder = CODEC.decoder(Carry::default());
    let mut out = Vec::new();
    for (data, is_done) in [
        (
            r#"{"choices":[{"text":"H","finish_reason":"stop"}]}"#,
            false,
        ),
        ("[DONE]", true),
    ] {
        let event = Event::new(Bytes::from(format!("data: {data}\n\n")));
        decoder.event(&event, &mut out).unwrap();
        assert_eq!(decoder.is_done(), is_done);
    }
}

#[test]
fn a_cut_stream_is_a_failure() {
    let mut decoder = CODEC.decoder(Carry::default());
    let mut out = Vec::new();
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from_static(
        b"data: {\"choices\":[{\"text\":\"H\"}]}\n\n",
    ));
    let event = scanner.next_event().unwrap().unwrap();
    decoder.event(&event, &mut out).unwrap();
    assert!(decoder.end(&mut out).is_err());
}
