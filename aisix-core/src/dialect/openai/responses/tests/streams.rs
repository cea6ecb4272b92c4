use super::*;

fn start() -> ChatEvent {
    ChatEvent::Start(Start::new("chatcmpl-7", "upstream").with_created(7))
}

fn call(tool: u32, kind: ToolCallKind, signature: Option<&str>) -> ChatEvent {
    ChatEvent::ToolCallStart {
        choice: 0,
        tool,
        kind,
        id: format!("call_{tool}"),
        name: "f".to_owned(),
        signature: signature.map(str::to_owned),
    }
}

fn arguments(tool: u32, arguments: &str) -> ChatEvent {
    ChatEvent::ToolCallDelta {
        choice: 0,
        tool,
        arguments: arguments.to_owned(),
    }
}

fn think(text: &str) -> ChatEvent {
    ChatEvent::ReasoningDelta {
        choice: 0,
        text: text.to_owned(),
    }
}

fn kinds(stream: &str) -> Vec<String> {
    frames(stream)
        .iter()
        .map(|frame| frame["type"].as_str().unwrap().replace("response.", ""))
        .collect()
}

#[test]
fn a_stream_has_every_event_that_the_sdks_wait_for() {
    let stream = encode(
        &[
            start(),
            think("hm"),
            ChatEvent::text(0, "Hel"),
            ChatEvent::text(0, "lo"),
            call(0, ToolCallKind::Function, None),
            arguments(0, "{}"),
            ChatEvent::finish(0, FinishReason::ToolCalls),
            ChatEvent::usage(Usage::new(1, 2)),
        ],
        EncodeOptions::default().with_model("fast"),
    );
    check_order(&stream);
    assert_eq!(
        kinds(&stream),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    let frames = frames(&stream);
    let last = &frames[frames.len() - 1]["response"];
    assert_eq!(
        (&last["id"], &last["model"]),
        (&json!("resp_7"), &json!("fast"))
    );
    assert_eq!(last["usage"]["total_tokens"], 3);
    assert_eq!(frames[0]["response"]["usage"], Value::Null);
    assert!(!stream.contains("[DONE]"));
}

#[test]
fn events_of_a_stream_come_back_as_they_were() {
    let events = [
        start(),
        think("a"),
        ChatEvent::ReasoningSignature {
            choice: 0,
            signature: "Eq=".to_owned(),
        },
        ChatEvent::ReasoningSealed {
            choice: 0,
            reasoning: Reasoning::sealed("d"),
        },
        ChatEvent::text(0, "b"),
        ChatEvent::TextSignature {
            choice: 0,
            signature: "t".to_owned(),
        },
        ChatEvent::RefusalDelta {
            choice: 0,
            text: "no".to_owned(),
        },
        call(0, ToolCallKind::Custom, Some("c")),
        call(1, ToolCallKind::Function, None),
        arguments(1, "{\"a\""),
        arguments(0, "free "),
        arguments(1, ":1}"),
        arguments(0, "text"),
        ChatEvent::finish(0, FinishReason::Length),
    ];
    let stream = encode(&events, EncodeOptions::default());
    check_order(&stream);
    let whole = decode(stream.as_bytes(), usize::MAX).unwrap();
    for size in [1, 3, 50] {
        assert_eq!(decode(stream.as_bytes(), size).unwrap(), whole);
    }
    let spelled = |events: &[ChatEvent]| {
        let mut answer = Assembler::new();
        events.iter().cloned().for_each(|event| answer.push(event));
        answer.into_response().choices
    };
    assert_eq!(spelled(&whole), spelled(&events));
    assert_eq!(
        frames(&stream).last().unwrap()["type"],
        "response.incomplete"
    );
}

#[test]
fn a_broken_stream_tells_the_failure_twice_and_is_not_complete() {
    let mut out = BytesMut::new();
    let mut encoder = CODEC.encoder(EncodeOptions::default());
    encoder.event(&start(), &mut out).unwrap();
    encoder.event(&ChatEvent::text(0, "H"), &mut out).unwrap();
    encoder.error(&Error::transport("cut {x}"), &mut out);
    let text = str::from_utf8(&out).unwrap();
    let frames = frames(text);
    let [.., error, failed] = &frames[..] else {
        panic!("two events")
    };
    assert_eq!(error["type"], "error");
    assert_eq!(error["message"], "cut {x}");
    assert_eq!(error["error"]["message"], "cut {x}");
    assert_eq!(failed["type"], "response.failed");
    assert_eq!(failed["response"]["status"], "failed");
    assert_eq!(failed["response"]["error"]["message"], "cut {x}");
    assert!(!text.contains("response.completed"));

    let mut out = BytesMut::new();
    CODEC.write_stream_error(&Error::transport("cut"), &mut out);
    assert!(out.starts_with(b"event: error\ndata: {\"type\":\"error\","));
}

#[test]
fn a_failure_in_a_stream_is_read_in_each_of_its_shapes() {
    for data in [
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": null, "sequence_number": 2}),
        json!({"type": "error", "sequence_number": 2, "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "slow", "param": null}}),
        json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}}),
    ] {
        let stream = format!("event: x\ndata: {data}\n\n");
        let error = decode(stream.as_bytes(), 9).unwrap_err();
        assert_eq!((error.status().as_u16(), error.message()), (429, "slow"));
        let seen = CODEC.scan_event(data.to_string().as_bytes()).unwrap();
        assert_eq!(seen.error.unwrap().status(), 429, "{data}");
    }
    let cut =
        b"data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"H\"}\n\n";
    let error = decode(cut, 9).unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Transport);
}

#[test]
fn a_call_that_stays_open_is_not_read_again_for_each_piece_of_text() {
    let mut encoder = CODEC.encoder(EncodeOptions::default());
    let mut out = BytesMut::new();
    // Not complete, though it ends like it.
    let long = format!("\"{}\"}}", "a".repeat(1 << 20));
    let mut write = |event: &ChatEvent| {
        out.clear();
        encoder.event(event, &mut out).unwrap();
    };
    write(&call(0, ToolCallKind::Function, None));
    write(&arguments(0, &long));
    let begin = std::time::Instant::now();
    for _ in 0..10_000 {
        write(&ChatEvent::text(0, "a"));
    }
    // Ten gigabytes would have been read.
    assert!(begin.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn calls_are_over_in_the_order_in_which_they_are_complete() {
    let stream = encode(
        &[
            call(0, ToolCallKind::Function, None),
            call(1, ToolCallKind::Function, None),
            arguments(1, "{}"),
            arguments(0, "{"),
            ChatEvent::text(0, "a"),
            arguments(0, "}"),
            ChatEvent::text(0, "b"),
        ],
        EncodeOptions::default(),
    );
    check_order(&stream);
    let done = frames(&stream)
        .into_iter()
        .filter(|frame| frame["type"] == "response.output_item.done")
        .map(|frame| frame["output_index"].clone());
    assert_eq!(Value::from_iter(done), json!([1, 0, 2]));
}

#[test]
fn the_last_event_is_known_as_such() {
    let event = |data: Value| crate::sse::Event::new(Bytes::from(format!("data: {data}\n\n")));
    let mut decoder = CODEC.decoder(Carry::default());
    let mut events = Vec::new();
    for (data, is_done) in [
        (
            json!({"type": "response.output_text.delta", "output_index": 0, "delta": "H"}),
            false,
        ),
        (
            json!({"type": "response.completed", "response": {"status": "completed"}}),
            true,
        ),
    ] {
        decoder.event(&event(data), &mut events).unwrap();
        assert_eq!(decoder.is_done(), is_done);
    }
}

#[test]
fn an_answer_begins_with_its_first_piece() {
    let response = json!({"id": "resp_1", "model": "m", "created_at": 7, "status": "queued"});
    let preamble = [
        "response.queued",
        "response.created",
        "response.in_progress",
    ]
    .map(|kind| json!({"type": kind, "response": response}));
    let frame = |data: &Value| format!("data: {data}\n\n");
    let preamble = [&preamble[..], &[json!({"type": "keepalive"})]].concat();
    let begin: String = preamble.iter().map(frame).collect();
    for failure in [
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}),
        json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}}),
    ] {
        let mut decoder = CODEC.decoder(Carry::default());
        let mut events = Vec::new();
        for data in &preamble {
            let event = crate::sse::Event::new(Bytes::from(frame(data)));
            decoder.event(&event, &mut events).unwrap();
        }
        let event = crate::sse::Event::new(Bytes::from(frame(&failure)));
        let error = decoder.event(&event, &mut events).unwrap_err();
        assert_eq!(error.status(), 429);
        assert_eq!(events, []);
    }

    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}});
    let events = [begin, frame(&added)].concat();
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from(events));
    let mut decoder = CODEC.decoder(Carry::default());
    let mut events = Vec::new();
    while let Some(event) = scanner.next_event().unwrap() {
        decoder.event(&event, &mut events).unwrap();
    }
    let ChatEvent::Start(start) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (&*start.id, &*start.model, start.created),
        ("resp_1", "m", Some(7))
    );
}

#[test]
fn what_only_says_that_an_answer_begins_promises_nothing() {
    for (kind, is_preamble) in [
        ("response.created", true),
        ("response.in_progress", true),
        ("response.queued", true),
        ("response.output_item.added", false),
        ("response.completed", false),
    ] {
        let data = json!({"type": kind, "response": {"model": "m"}}).to_string();
        let head = CODEC.scan_event(data.as_bytes()).unwrap();
        assert_eq!(head.is_preamble, is_preamble, "{kind}");
        let is_opening = kind == "response.output_item.added";
        assert_eq!(head.is_opening, is_opening, "{kind}");
        // Its model is replaced all the same.
        assert_eq!(&data[head.model.unwrap()], "\"m\"");
    }
}

#[test]
fn items_that_were_not_streamed_are_told_at_the_end() {
    let response = json!({"id": "resp_1", "status": "completed", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "g"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
    ]});
    let stream = format!(
        "data: {}\n\n",
        json!({"type": "response.completed", "response": response})
    );
    let mut answer = Assembler::new();
    for event in decode(stream.as_bytes(), 99).unwrap() {
        answer.push(event);
    }
    let answer = answer.into_response();
    assert_eq!(answer.text(), "Hi");
    assert_eq!(answer.finish(), Some(&FinishReason::ToolCalls));
    assert_eq!(answer.message().unwrap().parts.len(), 3);
}

#[test]
fn looking_at_an_event_counts_what_it_says() {
    let head = |data: Value| CODEC.scan_event(data.to_string().as_bytes()).unwrap();
    let delta = head(json!({"type": "response.output_text.delta", "delta": "Hello"}));
    assert!(delta.content_bytes == 5 && !delta.is_done);
    let added = head(json!({"type": "response.content_part.added", "part": {"text": ""}}));
    assert_eq!(added.content_bytes, 0);
    let data = json!({"type": "response.completed", "response": {
        "model": "m", "output": [], "usage": {"input_tokens": 4, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 3}},
    }});
    let text = data.to_string();
    let end = CODEC.scan_event(text.as_bytes()).unwrap();
    assert!(end.is_done && end.is_finish && end.usage_span.is_none());
    assert_eq!(
        end.usage,
        Some(Usage::new(4, 1).with_cached_input_tokens(3))
    );
    assert_eq!(&text[end.model.unwrap()], "\"m\"");
}
