//! Streams of events.

use super::*;
use crate::conversation::{Assembler, Extra, FinishReason, Reasoning, Start, ToolCallKind, Usage};
use crate::error::ErrorKind;

fn begin() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "m", "content": [], "usage": {"input_tokens": 5, "output_tokens": 1}}})
}

fn open(index: u32, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn add(index: u32, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn close(index: u32) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn end(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": 9}})
}

fn stop() -> Value {
    json!({"type": "message_stop"})
}

fn text(index: u32, text: &str) -> [Value; 3] {
    [
        open(index, &json!({"type": "text", "text": ""})),
        add(index, &json!({"type": "text_delta", "text": text})),
        close(index),
    ]
}

fn whole(blocks: impl IntoIterator<Item = Value>, reason: &str) -> Vec<u8> {
    let mut events = vec![begin()];
    events.extend(blocks);
    events.extend([end(reason), stop()]);
    stream(&events)
}

fn answer_of(events: Vec<ChatEvent>) -> ChatResponse {
    let mut answer = Assembler::new();
    events.into_iter().for_each(|event| answer.push(event));
    answer.into_response()
}

fn call(tool: u32) -> ChatEvent {
    ChatEvent::ToolCallStart {
        choice: 0,
        tool,
        kind: ToolCallKind::Function,
        id: format!("c{tool}"),
        name: "f".to_owned(),
        signature: None,
    }
}

fn arguments(tool: u32, arguments: &str) -> ChatEvent {
    ChatEvent::ToolCallDelta {
        choice: 0,
        tool,
        arguments: arguments.to_owned(),
    }
}

#[test]
fn counts_of_the_beginning_and_of_the_end_are_one() {
    let events = decode(&whole(text(0, "Hi"), "end_turn")).unwrap();
    let usages: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::Usage { usage, .. } => Some(*usage),
            _ => None,
        })
        .collect();
    assert_eq!(usages, [Usage::new(5, 9)]);
    assert!(matches!(&events[0], ChatEvent::Start(start) if start.usage == Some(Usage::new(5, 1))));
}

#[test]
fn calls_are_counted_without_the_blocks_between_them() {
    let tool =
        |id: &str, input: Value| json!({"type": "tool_use", "id": id, "name": "f", "input": input});
    let piece = |json: &str| json!({"type": "input_json_delta", "partial_json": json});
    let mut blocks = text(0, "a").to_vec();
    blocks.extend([
        open(1, &tool("t1", json!({}))),
        add(1, &piece("")),
        add(1, &piece("{\"x\":")),
        add(1, &piece("1}")),
        close(1),
        json!({"type": "ping"}),
        open(2, &tool("t2", json!({}))),
        add(2, &piece("")),
        close(2),
        open(3, &tool("t3", json!({"y": 2}))),
        close(3),
    ]);
    let response = answer_of(decode(&whole(blocks, "tool_use")).unwrap());
    let calls: Vec<_> = response.message().unwrap().tool_calls().collect();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (&*call.id, &*call.arguments))
        .collect();
    assert_eq!(
        seen,
        [("t1", "{\"x\":1}"), ("t2", "{}"), ("t3", "{\"y\":2}")]
    );
    assert_eq!(response.finish(), Some(&FinishReason::ToolCalls));
}

#[test]
fn a_signature_comes_once_and_the_last_one_counts() {
    let blocks = [
        open(
            0,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        add(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
        add(0, &json!({"type": "signature_delta", "signature": "old"})),
        add(0, &json!({"type": "signature_delta", "signature": "new"})),
        close(0),
        open(1, &json!({"type": "redacted_thinking", "data": "r"})),
        close(1),
    ];
    let response = answer_of(decode(&whole(blocks, "end_turn")).unwrap());
    let parts = &response.message().unwrap().parts;
    assert_eq!(parts[0].signature.as_deref(), Some("new"));
    let sealed = parts[1]
        .as_reasoning()
        .and_then(|part| part.sealed.as_deref());
    assert_eq!(sealed, Some("r"));
}

#[test]
fn what_nobody_knows_is_passed_over() {
    let mut blocks = vec![
        json!({"type": "new_event", "index": 0}),
        open(0, &json!({"type": "new_block"})),
        add(0, &json!({"type": "new_delta", "x": 1})),
        close(0),
    ];
    blocks.extend(text(1, "a"));
    let body = whole(blocks, "end_turn");
    let events = decode(&body).unwrap();
    assert_eq!(answer_of(events.clone()).text(), "a");
    // It comes back in its own format.
    let again = data(encode(&events).as_bytes());
    assert!(again.contains(&add(0, &json!({"type": "new_delta", "x": 1}))));
}

#[test]
fn a_stream_may_begin_with_an_error_or_break_with_one() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}});
    let failed = decode(&stream(std::slice::from_ref(&error))).unwrap_err();
    assert!(failed.status() == 503 && failed.is_retryable());
    assert!(decode(&stream(&[begin(), error])).is_err());
}

#[test]
fn a_cut_stream_is_a_fault_and_tells_what_it_cost() {
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from(stream(&[begin(), text(0, "a")[0].clone()])));
    let mut decoder = CODEC.decoder(Carry::default());
    let mut events = Vec::new();
    while let Some(event) = scanner.next_event().unwrap() {
        decoder.event(&event, &mut events).unwrap();
    }
    let error = decoder.end(&mut events).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(matches!(events.last(), Some(ChatEvent::Usage { .. })));
}

#[test]
fn nothing_is_waited_for_after_the_last_event() {
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from(stream(&[begin(), end("end_turn"), stop()])));
    let mut decoder = CODEC.decoder(Carry::default());
    let mut done = Vec::new();
    while let Some(event) = scanner.next_event().unwrap() {
        decoder.event(&event, &mut Vec::new()).unwrap();
        done.push(decoder.is_done());
    }
    assert_eq!(done, [false, false, true]);
}

#[test]
fn a_message_within_a_message_is_a_fault() {
    let mut other = begin();
    other["message"]["id"] = "msg_2".into();
    let error = decode(&stream(&[begin(), other])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamDecode);
    let twice = stream(&[begin(), begin(), end("end_turn"), stop()]);
    let starts = decode(&twice)
        .unwrap()
        .iter()
        .filter(|event| matches!(event, ChatEvent::Start(_)))
        .count();
    assert_eq!(starts, 1);
}

#[test]
fn nonsense_is_the_upstreams_fault_and_half_an_emoji_is_not() {
    for body in ["data: oops\n\n", "data: 7\n\n", "data: {\"index\":-1}\n\n"] {
        let error = decode(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UpstreamDecode, "{body}");
    }
    let body = String::from_utf8(whole(text(0, "HALF"), "end_turn")).unwrap();
    let events = decode(body.replace("HALF", "a\\ud83d").as_bytes()).unwrap();
    assert_eq!(answer_of(events).text(), "a\u{fffd}");
}

#[test]
fn a_refusal_without_a_block_tells_why() {
    let mut last = end("refusal");
    last["delta"]["stop_details"] = json!({"type": "refusal", "explanation": "no"});
    let body = stream(&[begin(), last, stop()]);
    let events = decode(&body).unwrap();
    let response = answer_of(events.clone());
    assert_eq!(response.message().unwrap().refusal(), Some("no"));
    assert_eq!(response.finish(), Some(&FinishReason::ContentFilter));
    let again = assembled(encode(&events).as_bytes());
    assert_eq!(again["content"], json!([]));
    assert_eq!(again["stop_details"]["explanation"], "no");
}

#[test]
fn a_tool_that_takes_text_is_told_when_it_is_whole() {
    let request = read_chat(&hi(
        &json!({"tools": [{"type": "custom", "custom": {"name": "sh"}}]}),
    ));
    let (_, carry) = write_for(OPUS, &request).unwrap();
    let body = whole(
        [
            open(
                0,
                &json!({"type": "tool_use", "id": "1", "name": "sh", "input": {}}),
            ),
            add(
                0,
                &json!({"type": "input_json_delta", "partial_json": "{\"input\": \"l"}),
            ),
            add(
                0,
                &json!({"type": "input_json_delta", "partial_json": "s\"}"}),
            ),
            close(0),
        ],
        "tool_use",
    );
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from(body));
    let mut decoder = CODEC.decoder(carry);
    let mut events = Vec::new();
    while let Some(event) = scanner.next_event().unwrap() {
        decoder.event(&event, &mut events).unwrap();
    }
    assert!(events.contains(&arguments(0, "ls")));
}

#[test]
fn blocks_come_one_after_the_other() {
    let mut start = Start::new("chatcmpl-9", "gpt");
    start.usage = None;
    let thought = |text: &str| ChatEvent::ReasoningDelta {
        choice: 0,
        text: text.to_owned(),
    };
    let events = [
        ChatEvent::Start(start),
        thought("h"),
        thought("m"),
        ChatEvent::ReasoningSealed {
            choice: 0,
            reasoning: Reasoning::sealed("r"),
        },
        ChatEvent::text(0, "a"),
        ChatEvent::text(0, "b"),
        call(0),
        arguments(0, "{\"x\":1}"),
        ChatEvent::text(1, "another choice"),
        ChatEvent::finish(0, FinishReason::ToolCalls),
        ChatEvent::usage(Usage::new(3, 4)),
    ];
    let message = assembled(encode(&events).as_bytes());
    assert_eq!(message["id"], "msg_9");
    assert_eq!(
        message["content"],
        json!([
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "redacted_thinking", "data": "r"},
            {"type": "text", "text": "ab"},
            {"type": "tool_use", "id": "c0", "name": "f", "input": {"x": 1}},
        ])
    );
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["usage"]["input_tokens"], 3);
}

#[test]
fn interleaved_calls_wait_for_each_other() {
    let events = [
        ChatEvent::Start(Start::new("1", "m")),
        call(0),
        call(1),
        arguments(1, "{\"b\":"),
        arguments(0, "{\"a\":"),
        ChatEvent::text(0, "late"),
        arguments(1, "2}"),
        arguments(0, "1}"),
        call(2),
        ChatEvent::finish(0, FinishReason::ToolCalls),
    ];
    let content = &assembled(encode(&events).as_bytes())["content"];
    let input = |at: usize| content[at]["input"].clone();
    assert_eq!(input(0), json!({"a": 1}));
    assert_eq!(input(1), json!({"b": 2}));
    let names: Vec<_> = content
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].clone())
        .collect();
    assert_eq!(names, ["tool_use", "tool_use", "text", "tool_use"]);
}

#[test]
fn many_calls_at_once_are_written_without_recursion() {
    const CALLS: u32 = 5000;
    let mut events: Vec<_> = (0..CALLS).map(call).collect();
    events.extend((0..CALLS).rev().map(|tool| arguments(tool, "{")));
    events.extend((0..CALLS).rev().map(|tool| arguments(tool, "}")));
    events.push(ChatEvent::text(0, "late"));
    let mut encoder = CODEC.encoder(EncodeOptions::default());
    let mut out = BytesMut::new();
    for event in &events {
        encoder.event(event, &mut out).unwrap();
    }
    let told = data(&out);
    // What waited is told as soon as it can be, without the end of the stream.
    assert_eq!(told.last().unwrap()["delta"]["text"], "late");
    let mut opened = told
        .iter()
        .filter_map(|event| event["content_block"]["id"].as_str());
    assert!((0..CALLS).all(|tool| opened.next() == Some(&*format!("c{tool}"))));
}

#[test]
fn brackets_within_texts_do_not_end_a_call() {
    let events = [
        call(0),
        call(1),
        arguments(0, r#"{"a":"}\"}","b":[{}"#),
        ChatEvent::text(0, "late"),
        arguments(1, "{"),
        arguments(0, "]} "),
        arguments(1, "}"),
        ChatEvent::text(0, "r"),
    ];
    let content = &assembled(encode(&events).as_bytes())["content"];
    assert_eq!(content[0]["input"], json!({"a": "}\"}", "b": [{}]}));
    assert_eq!(content[1]["input"], json!({}));
    assert_eq!(content[2]["text"], "later");
}

#[test]
fn complete_calls_do_not_wait() {
    let mut encoder = CODEC.encoder(EncodeOptions::default());
    let mut out = BytesMut::new();
    for event in [call(0), arguments(0, "{}"), call(1)] {
        encoder.event(&event, &mut out).unwrap();
    }
    let opened = data(&out)
        .iter()
        .filter(|event| event["type"] == "content_block_start")
        .count();
    assert_eq!(opened, 2);
}

#[test]
fn pictures_are_blocks_of_their_own() {
    let picture = |url: &str| json!({"type": "image_url", "image_url": {"url": url}, "index": 0});
    let pictures = json!([
        picture("data:image/png;base64,AA=="),
        picture("https://x.example/a"),
        {}
    ]);
    let delta = serde_json::Map::from_iter([("delta".to_owned(), json!({"images": pictures}))]);
    let events = [
        ChatEvent::text(0, "See"),
        ChatEvent::Other {
            choice: Some(0),
            extra: Extra::with_fields("openai.chat", delta),
        },
        ChatEvent::text(0, "!"),
    ];
    let shown = json!([
        {"type": "text", "text": "See"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a"}},
        {"type": "text", "text": "!"},
    ]);
    assert_eq!(assembled(encode(&events).as_bytes())["content"], shown);

    let whole = json!({"id": "1", "model": "m", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": "See", "images": pictures}}]});
    let response = CHAT
        .read_response(whole.to_string().as_bytes(), &Carry::default())
        .unwrap();
    let content = written_answer(&response)["content"].clone();
    assert_eq!(
        content.as_array().unwrap()[..],
        shown.as_array().unwrap()[..3]
    );
}

#[test]
fn a_stream_of_another_name_is_told_as_the_caller_asked() {
    let options = EncodeOptions::default()
        .with_model("fast")
        .with_id("chatcmpl-7");
    let message = assembled(encode_with(&CODEC, &[ChatEvent::text(0, "a")], options).as_bytes());
    assert_eq!(
        (&message["model"], &message["id"]),
        (&json!("fast"), &json!("msg_7"))
    );
    assert_eq!(message["stop_reason"], "end_turn");
}

#[test]
fn a_replayed_answer_is_a_stream() {
    let response = answer(&json!({"id": "msg_1", "model": "m", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "1", "name": "f", "input": {"x": 1}}],
        "stop_reason": "model_context_window_exceeded", "usage": {"input_tokens": 1, "output_tokens": 2}}));
    let content = written_answer(&response)["content"].clone();
    let message = assembled(encode(&response.into_events()).as_bytes());
    assert_eq!(message["content"], content);
    assert_eq!(message["stop_reason"], "model_context_window_exceeded");
}

#[test]
fn a_broken_stream_ends_with_an_error() {
    let mut encoder = CODEC.encoder(EncodeOptions::default());
    let mut out = BytesMut::new();
    encoder.event(&ChatEvent::text(0, "a"), &mut out).unwrap();
    encoder.error(&Error::transport("cut"), &mut out);
    assert_eq!(data(&out).last().unwrap()["type"], "error");
}

#[test]
fn silence_is_a_ping() {
    let mut out = BytesMut::new();
    crate::dialect::Dialect::write_keep_alive(&CODEC, &mut out);
    assert_eq!(data(&out), [json!({"type": "ping"})]);
}

#[test]
fn pages_of_the_web_are_annotations_of_a_streamed_chat() {
    let page =
        json!({"type": "web_search_result_location", "url": "https://x.example", "title": null});
    let mut blocks = text(0, "So ").to_vec();
    blocks.extend([
        open(1, &json!({"type": "text", "text": "", "citations": []})),
        add(1, &json!({"type": "citations_delta", "citation": page})),
        add(1, &json!({"type": "text_delta", "text": "warm"})),
        close(1),
    ]);
    blocks.extend(text(2, "."));
    let body = whole(blocks, "end_turn");
    let events = decode(&body).unwrap();
    assert_eq!(
        assembled(encode(&events).as_bytes())["content"],
        assembled(&body)["content"]
    );
    let chunks = encode_with(&CHAT, &events, EncodeOptions::default());
    let told: Vec<Value> = chunks
        .lines()
        .filter(|line| line.contains("url_citation"))
        .map(|line| serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    assert_eq!(told.len(), 1);
    let citation = &told[0]["choices"][0]["delta"]["annotations"][0]["url_citation"];
    assert_eq!(
        (&citation["start_index"], &citation["end_index"]),
        (&json!(3), &json!(7))
    );
}
