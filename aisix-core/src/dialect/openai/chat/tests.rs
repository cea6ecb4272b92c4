use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::Chat;
use crate::conversation::{
    Assembler, ChatEvent, ChatRequest, ChatResponse, FinishReason, FunctionTool, Message, Part,
    PartKind, Reasoning, ReasoningOptions, Role, Source, Start, ToolChoice, ToolResult, Usage,
};
use crate::dialect::anthropic::Messages;
use crate::dialect::{Carry, ChatCodec, EncodeOptions, TargetModel};
use crate::error::{Error, ErrorKind};
use crate::sse::Scanner;

const CODEC: Chat = Chat::new();

fn read(value: &Value) -> ChatRequest {
    CODEC.read_request(value.to_string().as_bytes()).unwrap()
}

fn write(request: &ChatRequest) -> Value {
    let (body, _) = CODEC
        .write_request(request, &TargetModel::new(&request.model))
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn ask(messages: &Value) -> Value {
    json!({"model": "m", "messages": messages})
}

#[track_caller]
fn assert_kept(value: &Value) {
    assert_eq!(write(&read(value)), *value);
}

fn answer(value: &Value) -> ChatResponse {
    CODEC
        .read_response(value.to_string().as_bytes(), &Carry::default())
        .unwrap()
}

fn answer_with(message: &Value) -> ChatResponse {
    answer(&json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}))
}

/// The events of a stream, fed in pieces of `size`.
fn decode(stream: &[u8], size: usize) -> crate::error::Result<Vec<ChatEvent>> {
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

fn chunks(stream: &str) -> Vec<Value> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn stream(chunks: &[Value]) -> Vec<u8> {
    let frames = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    frames
        .chain(["data: [DONE]\n\n".to_owned()])
        .collect::<String>()
        .into_bytes()
}

fn delta(delta: &Value) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn end(reason: &str) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

// === requests ===

#[test]
fn the_ways_to_say_nothing_are_kept_apart() {
    let call = json!([{"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}]);
    assert_kept(&ask(&json!([
        {"role": "assistant", "content": null, "tool_calls": call},
        {"role": "assistant", "content": "", "tool_calls": call},
        {"role": "assistant", "tool_calls": call},
        {"role": "assistant", "content": [], "tool_calls": call},
    ])));
}

#[test]
fn system_and_developer_are_two_roles() {
    let value = ask(&json!([
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}], "name": "n"},
    ]));
    let request = read(&value);
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.messages[1].role, Role::Developer);
    assert_kept(&value);
}

#[test]
fn arguments_are_characters_not_json() {
    let arguments = "{\"a\" : 1,, \u{2028}\"b\":1e999";
    let value = ask(&json!([{
        "role": "assistant",
        "content": null,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}],
    }]));
    let request = read(&value);
    assert_eq!(
        request.messages[0].tool_calls().next().unwrap().arguments,
        arguments
    );
    assert_kept(&value);
}

#[test]
fn what_nobody_knows_is_kept_where_it_stood() {
    assert_kept(&json!({
        "model": "m",
        "messages": [{
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low", "z": 1}},
                {"type": "video", "video": {"url": "u"}, "text": "t"},
            ],
            "mood": "good",
        }],
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"z": 1, "a": 2}, "x": 1}, "y": 2},
            {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}},
            {"type": "web_search", "engine": "e"},
        ],
        "tool_choice": {"type": "custom", "custom": {"name": "c"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"b": 1, "a": 1}, "strict": true, "w": 0}},
        "stream": true,
        "stream_options": {"include_usage": true, "include_obfuscation": false},
        "logit_bias": {"50256": -100},
        "top_k": -1,
        "prediction": {"type": "content", "content": "c"},
        "seed": 7,
        "stop": ["a"],
        "max_tokens": 5,
    }));
}

#[test]
fn properties_of_a_schema_keep_their_order() {
    let body = br#"{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":{"y":0.1,"b":2}}}}]}"#;
    let (written, _) = CODEC
        .write_request(&CODEC.read_request(body).unwrap(), &TargetModel::new("m"))
        .unwrap();
    assert_eq!(&written[..], body);
}

#[test]
fn either_name_of_the_bound_is_kept() {
    for name in ["max_tokens", "max_completion_tokens"] {
        let value = json!({"model": "m", "messages": [], name: 9});
        assert_eq!(read(&value).max_tokens, Some(9));
        assert_kept(&value);
    }
    let fresh = write(&ChatRequest::new("m").with_max_tokens(9));
    assert_eq!(fresh["max_completion_tokens"], 9);
}

#[test]
fn inline_media_become_bytes_and_urls_again() {
    let value = ask(&json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "file", "file": {"file_data": "JVBE"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]}]));
    let request = read(&value);
    let PartKind::Audio(media) = &request.messages[0].parts[1].kind else {
        panic!("sound")
    };
    assert_eq!(media.media_type.as_deref(), Some("audio/mpeg"));
    assert_eq!(media.source, Source::Base64("UklG".to_owned()));
    assert_kept(&value);
}

#[test]
fn reasoning_of_each_vendor_goes_back_as_it_came() {
    assert_kept(&ask(&json!([
        {"role": "assistant", "content": "a", "reasoning_content": "deepseek"},
        {"role": "assistant", "content": "a", "reasoning": "groq"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "mistral"}]},
            {"type": "text", "text": "a"},
        ]},
        {"role": "assistant", "content": "a", "reasoning_content": "ab", "thinking_blocks": [
            {"type": "thinking", "thinking": "a", "signature": "s"},
            {"type": "thinking", "thinking": "b", "signature": "t"},
            {"type": "redacted_thinking", "data": "d"},
        ]},
        {"role": "assistant", "content": null, "tool_calls": [{
            "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "s"}},
        }]},
    ])));
}

#[test]
fn legacy_functions_survive() {
    assert_kept(&json!({
        "model": "m",
        "messages": [
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "content": "4", "name": "f"},
        ],
        "functions": [{"name": "f"}],
        "function_call": "auto",
    }));
}

#[test]
fn each_choice_of_tools_is_kept() {
    for choice in [
        json!("auto"),
        json!("none"),
        json!("required"),
        json!({"type": "function", "function": {"name": "f"}}),
        json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
            {"type": "function", "function": {"name": "f"}},
        ]}}),
        json!({"type": "mystery", "x": 1}),
    ] {
        let value = json!({"model": "m", "messages": [], "tool_choice": choice});
        let is_known = !matches!(read(&value).tool_choice, Some(ToolChoice::Opaque(_)));
        assert_eq!(is_known, choice["type"] != "mystery");
        assert_kept(&value);
    }
}

#[test]
fn a_bad_request_names_its_parameter() {
    for (body, param) in [
        (json!({"messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": 1, "messages": []}), "model"),
        (json!({"model": "m", "messages": "hi"}), "messages"),
        (
            json!({"model": "m", "messages": [], "temperature": "hot"}),
            "temperature",
        ),
        (json!({"model": "m", "messages": [], "n": 1.5}), "n"),
        (
            ask(&json!([{"role": "user", "content": "a"}, {"role": "user", "content": 7}])),
            "messages[1]",
        ),
        (
            ask(&json!([{"role": "king", "content": "a"}])),
            "messages[0].role",
        ),
        (
            ask(&json!([{"role": "user", "content": [{"type": "text"}]}])),
            "messages[0].content[0].text",
        ),
        (
            json!({"model": "m", "messages": [], "tools": [{"type": "function"}]}),
            "tools[0].function",
        ),
    ] {
        let error = CODEC.read_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            (error.status().as_u16(), error.param()),
            (400, Some(param)),
            "{body}"
        );
    }
    let error = CODEC.read_request(b"{\"model\":").unwrap_err();
    assert_eq!(
        (error.kind(), error.param()),
        (ErrorKind::InvalidRequest, None)
    );
}

#[test]
fn tool_results_inside_a_turn_come_before_the_rest_of_it() {
    let mut failed = ToolResult::new("2", vec![Part::text("no")]);
    failed.is_error = Some(true);
    let turn = Message::user("go on")
        .with_part(Part::tool_result("1", "4"))
        .with_part(PartKind::ToolResult(failed));
    let written = write(&ChatRequest::new("m").message(turn));
    assert_eq!(
        written["messages"],
        json!([
            {"role": "tool", "content": "4", "tool_call_id": "1"},
            {"role": "tool", "content": "Error: no", "tool_call_id": "2"},
            {"role": "user", "content": "go on"},
        ])
    );
}

#[test]
fn only_unsigned_reasoning_of_another_format_is_replayed() {
    let turn = Message::assistant("a")
        .with_part(Part::reasoning("mine"))
        .with_part(Part::reasoning("theirs").with_signature("s"))
        .with_part(PartKind::Reasoning(Reasoning::sealed("x")));
    let written = write(&ChatRequest::new("m").message(turn));
    assert_eq!(
        written["messages"][0],
        json!({"role": "assistant", "content": "a", "reasoning_content": "mine"})
    );
}

#[test]
fn fields_of_another_format_are_refused_by_name() {
    let mut request = ChatRequest::new("m").user("hi");
    request
        .extra
        .insert("anthropic.messages", "container", json!("c"));
    let error = CODEC
        .write_request(&request, &TargetModel::new(&request.model))
        .unwrap_err();
    assert_eq!(error.code(), Some("unsupported_parameter"));
    assert_eq!(error.param(), Some("container"));

    let mut part = Part::text("hi");
    part.extra
        .insert("anthropic.messages", "citations", json!({}));
    let turn = Message::new(Role::User, vec![part]);
    let error = CODEC
        .write_request(&ChatRequest::new("m").message(turn), &TargetModel::new("m"))
        .unwrap_err();
    assert_eq!(error.param(), Some("messages[0].content[0].citations"));
}

#[test]
fn hints_for_tools_of_another_format_are_left_out() {
    let tool = json!({
        "name": "search",
        "input_schema": {"type": "object"},
        "eager_input_streaming": true,
        "defer_loading": true,
        "cache_control": {"type": "ephemeral"},
    });
    let request = json!({
        "model": "m",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [tool],
    });
    let request = Messages::new()
        .read_request(request.to_string().as_bytes())
        .unwrap();
    let function = json!({"name": "search", "parameters": {"type": "object"}});
    assert_eq!(
        write(&request)["tools"],
        json!([{"type": "function", "function": function}])
    );
}

#[test]
fn a_tool_of_another_vendor_is_refused_by_its_type() {
    let tool = json!({"name": "search", "type": "web_search_20250305", "max_uses": 1});
    let request = json!({
        "model": "m",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [tool],
    });
    let request = Messages::new()
        .read_request(request.to_string().as_bytes())
        .unwrap();
    let error = CODEC
        .write_request(&request, &TargetModel::new("m"))
        .unwrap_err();
    assert_eq!(error.param(), Some("tools[0].type"));
}

#[test]
fn names_that_are_none_here_are_restored_on_the_way_back() {
    let long = "a".repeat(80);
    let request = ChatRequest::new("m")
        .user("hi")
        .with_tool(FunctionTool::new("files.read"))
        .with_tool(FunctionTool::new(&*long))
        .with_tool(FunctionTool::new("plain"));
    let (body, carry) = CODEC
        .write_request(&request, &TargetModel::new(&request.model))
        .unwrap();
    let value: Value = serde_json::from_slice(&body).unwrap();
    let name = |at: usize| value["tools"][at]["function"]["name"].as_str().unwrap();
    assert!(name(0).starts_with("files_read_"));
    assert_eq!((name(1).len(), name(2)), (64, "plain"));

    let call =
        json!({"id": "1", "type": "function", "function": {"name": name(0), "arguments": "{}"}});
    let body = json!({"choices": [{"message": {"role": "assistant", "tool_calls": [call]}}]});
    let response = CODEC
        .read_response(body.to_string().as_bytes(), &carry)
        .unwrap();
    let call = response.message().unwrap().tool_calls().next().unwrap();
    assert_eq!(call.name, "files.read");
}

#[test]
fn a_budget_of_reasoning_becomes_an_effort() {
    let effort = |budget| {
        let options = ReasoningOptions::budget(budget);
        write(&ChatRequest::new("m").with_reasoning(options))["reasoning_effort"].clone()
    };
    assert_eq!(
        [effort(1024), effort(10_000), effort(32_000)],
        ["low", "medium", "high"]
    );
}

// === answers ===

#[test]
fn an_answer_reads_and_writes_the_same() {
    let value = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-4o",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": null, "annotations": []},
            "logprobs": {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}], "refusal": null},
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": null,
    });
    let response = answer(&value);
    assert_eq!(response.text(), "Hi");
    assert_eq!(response.usage(), Usage::new(9, 1));
    let written: Value = serde_json::from_slice(&CODEC.write_response(&response).unwrap()).unwrap();
    let mut expected = value;
    // Counts of nothing that OpenAI sends and nobody reads.
    for details in ["prompt_tokens_details", "completion_tokens_details"] {
        expected["usage"][details]
            .as_object_mut()
            .unwrap()
            .remove("audio_tokens");
    }
    assert_eq!(written, expected);
}

#[test]
fn an_answer_without_an_answer_is_a_failure_of_the_upstream() {
    for body in [
        &b""[..],
        b"<html>",
        b"{}",
        b"[]",
        br#"{"choices":[{"message":{"content":7}}]}"#,
    ] {
        let error = CODEC.read_response(body, &Carry::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UpstreamDecode);
    }
}

#[test]
fn blank_lines_before_the_answer_are_skipped() {
    // DeepSeek keeps a connection alive with them.
    let body = b"\n\n\n{\"choices\":[{\"message\":{\"content\":\"x\"}}]}";
    let response = CODEC.read_response(body, &Carry::default()).unwrap();
    assert_eq!(response.text(), "x");
}

#[test]
fn signed_reasoning_reaches_the_caller_in_pieces_to_send_back() {
    let message = Message::assistant("4")
        .with_part(Part::reasoning("two and two").with_signature("s"))
        .with_part(PartKind::Reasoning(Reasoning::sealed("d")));
    let mut response = ChatResponse::text_only("m", "");
    response.choices[0].message = message;
    let written: Value = serde_json::from_slice(&CODEC.write_response(&response).unwrap()).unwrap();
    let message = &written["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], "two and two");
    assert_eq!(message["thinking_blocks"][0]["signature"], "s");
    assert_eq!(message["thinking_blocks"][1]["data"], "d");

    let replayed = answer_with(message);
    let parts = &replayed.message().unwrap().parts;
    assert_eq!(parts.iter().filter_map(Part::as_reasoning).count(), 2);
}

#[test]
fn the_index_of_a_call_is_kept() {
    let call = json!({"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let response = answer_with(&json!({"role": "assistant", "content": "", "tool_calls": [call]}));
    let written: Value = serde_json::from_slice(&CODEC.write_response(&response).unwrap()).unwrap();
    assert_eq!(written["choices"][0]["message"]["tool_calls"][0], call);
    assert_eq!(written["choices"][0]["message"]["content"], "");
}

// === streams ===

#[test]
fn a_stream_has_what_the_sdks_need() {
    let events = [
        ChatEvent::Start(Start::new("c", "upstream").with_created(7)),
        ChatEvent::text(0, "Hi"),
        ChatEvent::finish(0, FinishReason::Stop),
        ChatEvent::usage(Usage::new(1, 2)),
    ];
    let options = EncodeOptions::default().with_model("fast").with_usage(true);
    let text = encode(&events, options);
    assert!(text.ends_with("\n\ndata: [DONE]\n\n"));
    assert!(!text.contains("event:") && !text.contains("\nid:"));
    let chunks = chunks(&text);
    assert_eq!(chunks.len(), 4);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["id"] == "c" && chunk["model"] == "fast" && chunk["created"] == 7)
    );
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks[1]["choices"][0]["delta"], json!({"content": "Hi"}));
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[2]["usage"], Value::Null);
    assert_eq!(chunks[3]["choices"], json!([]));
    assert_eq!(chunks[3]["usage"]["total_tokens"], 3);

    let quiet = encode(&events, EncodeOptions::default());
    assert!(!quiet.contains("usage"));
}

#[test]
fn a_choice_without_a_finish_gets_one() {
    let events = [
        ChatEvent::Start(Start::new("c", "m")),
        ChatEvent::text(1, "b"),
    ];
    let chunks = chunks(&encode(&events, EncodeOptions::default()));
    let finished = |index: u64| {
        chunks.iter().any(|chunk| {
            let choice = &chunk["choices"][0];
            choice["index"] == index && choice["finish_reason"] == "stop"
        })
    };
    assert!(finished(0) && finished(1));
}

#[test]
fn a_broken_stream_does_not_say_done() {
    let mut out = BytesMut::new();
    let mut encoder = CODEC.encoder(EncodeOptions::default());
    encoder.error(&Error::transport("cut"), &mut out);
    let text = str::from_utf8(&out).unwrap();
    assert!(text.starts_with("event: error\ndata: {\"error\":") && !text.contains("[DONE]"));
}

#[test]
fn calls_are_counted_from_zero_whatever_the_wire_says() {
    let call = |index: u32, id: &str, arguments: &str| {
        delta(&json!({"tool_calls": [{
            "index": index, "id": id, "type": "function",
            "function": {"name": "f", "arguments": arguments},
        }]}))
    };
    let tools = |chunks: &[Value]| -> Vec<(String, String)> {
        let mut answer = Assembler::new();
        for event in decode(&stream(chunks), 64).unwrap() {
            answer.push(event);
        }
        let answer = answer.into_response();
        answer
            .message()
            .unwrap()
            .tool_calls()
            .map(|call| (call.id.clone(), call.arguments.clone()))
            .collect()
    };
    let pair = |id: &str, arguments: &str| (id.to_owned(), arguments.to_owned());
    let expected = [pair("a", "{}"), pair("b", "[]")];
    // Anthropic's compatibility layer begins at 1.
    assert_eq!(
        tools(&[call(1, "a", "{}"), call(2, "b", "[]"), end("tool_calls")]),
        expected
    );
    // Gemini's calls them all 0.
    assert_eq!(
        tools(&[call(0, "a", "{}"), call(0, "b", "[]"), end("tool_calls")]),
        expected
    );
    // Some repeat the id with each fragment, some send the name late.
    let late =
        delta(&json!({"tool_calls": [{"index": 1, "id": "b", "function": {"arguments": "["}}]}));
    let named =
        delta(&json!({"tool_calls": [{"index": 1, "function": {"name": "f", "arguments": "]"}}]}));
    assert_eq!(
        tools(&[
            call(0, "a", "{"),
            call(0, "a", "}"),
            late,
            named,
            end("tool_calls")
        ]),
        expected
    );
}

#[test]
fn calls_are_numbered_in_the_order_in_which_they_are_told() {
    let calls = |calls: Value| delta(&json!({"tool_calls": calls}));
    let events = decode(
        &stream(&[
            calls(json!([{"index": 0, "id": "a", "function": {"arguments": ""}}])),
            calls(json!([{"index": 1, "id": "b", "function": {"name": "f", "arguments": "{}"}}])),
            calls(json!([{"index": 0, "function": {"name": "g", "arguments": "[]"}}])),
            end("tool_calls"),
        ]),
        64,
    )
    .unwrap();
    let starts: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::ToolCallStart { tool, id, .. } => Some((*tool, id.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(starts, [(0, "b"), (1, "a")]);
    let deltas: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::ToolCallDelta {
                tool, arguments, ..
            } => Some((*tool, arguments.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(deltas, [(0, "{}"), (1, "[]")]);
}

#[test]
fn a_cut_stream_is_a_failure_but_tells_its_usage() {
    let mut chunk = delta(&json!({"content": "Hi"}));
    chunk["usage"] = json!({"prompt_tokens": 5, "completion_tokens": 1});
    let text = format!("data: {chunk}\n\n");
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from(text));
    let mut decoder = CODEC.decoder(Carry::default());
    let mut events = Vec::new();
    let event = scanner.next_event().unwrap().unwrap();
    decoder.event(&event, &mut events).unwrap();
    let error = decoder.end(&mut events).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(
        events.last(),
        Some(&ChatEvent::Usage {
            usage: Usage::new(5, 1),
            extra: match events.last() {
                Some(ChatEvent::Usage { extra, .. }) => extra.clone(),
                _ => panic!("a usage"),
            },
        })
    );
}

#[test]
fn a_stream_may_end_without_saying_done() {
    let text = format!(
        "data: {}\n\ndata: {}\n\n",
        delta(&json!({"content": "Hi"})),
        end("stop")
    );
    let events = decode(text.as_bytes(), 7).unwrap();
    assert!(events.iter().any(|event| event.text_delta() == Some("Hi")));
    assert_eq!(decode(b"", 1).unwrap_err().kind(), ErrorKind::Transport);
}

#[test]
fn an_error_inside_a_stream_is_raised() {
    let text = b"data: {\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}\n\n";
    let error = decode(text, 16).unwrap_err();
    assert_eq!(
        (error.status().as_u16(), error.message()),
        (429, "slow down")
    );
}

#[test]
fn the_verdict_of_azure_comes_before_the_answer() {
    let verdict = json!({"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]});
    let events = decode(
        &stream(&[verdict, delta(&json!({"content": "Hi"})), end("stop")]),
        64,
    )
    .unwrap();
    let ChatEvent::Start(start) = &events[0] else {
        panic!("a start")
    };
    assert_eq!(start.id, "c");
    assert!(
        start
            .extra
            .get("openai.chat", "prompt_filter_results")
            .is_some()
    );
}

#[test]
fn logprobs_ride_on_the_text_that_they_are_of() {
    let logprobs = json!({"content": [{"token": "Hi", "logprob": -0.5, "bytes": null, "top_logprobs": []}], "refusal": null});
    let chunk = json!({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}, "logprobs": logprobs, "finish_reason": null}]});
    let events = decode(&stream(&[chunk, end("stop")]), 64).unwrap();
    let chunks = chunks(&encode(&events, EncodeOptions::default()));
    assert_eq!(chunks[1]["choices"][0]["delta"]["content"], "Hi");
    assert_eq!(chunks[1]["choices"][0]["logprobs"], logprobs);
}

#[test]
fn signatures_survive_a_stream() {
    let events = [
        ChatEvent::Start(Start::new("c", "m").with_created(1)),
        ChatEvent::ReasoningDelta {
            choice: 0,
            text: "hm".to_owned(),
        },
        ChatEvent::ReasoningSignature {
            choice: 0,
            signature: "s".to_owned(),
        },
        ChatEvent::ReasoningSealed {
            choice: 0,
            reasoning: Reasoning::sealed("d"),
        },
        ChatEvent::ToolCallStart {
            choice: 0,
            tool: 0,
            kind: crate::conversation::ToolCallKind::Custom,
            id: "1".to_owned(),
            name: "c".to_owned(),
            signature: Some("t".to_owned()),
        },
        ChatEvent::ToolCallDelta {
            choice: 0,
            tool: 0,
            arguments: "free text".to_owned(),
        },
        ChatEvent::finish(0, FinishReason::ToolCalls),
    ];
    let text = encode(&events, EncodeOptions::default());
    assert_eq!(decode(text.as_bytes(), 11).unwrap(), events);
}

#[test]
fn the_same_conversation_gives_the_same_bytes() {
    let request = ChatRequest::new("m")
        .user("hi")
        .with_tool(FunctionTool::new("a.b").with_parameters(json!({"z": 1, "a": 2})));
    assert_eq!(
        CODEC
            .write_request(&request, &TargetModel::new(&request.model))
            .unwrap()
            .0,
        CODEC
            .write_request(&request.clone(), &TargetModel::new(&request.model))
            .unwrap()
            .0
    );
}

mod foreign;
mod recorded;
mod thoughts;
