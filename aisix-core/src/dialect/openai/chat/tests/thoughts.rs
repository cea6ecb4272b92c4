use super::*;
use crate::sse::Event;

/// What a client makes of the deltas of a stream that joins lists by the index of their elements,
/// as the helpers of the official SDKs do.
fn joined(stream: &str) -> Value {
    let mut message = json!({"role": "assistant", "content": "", "reasoning_content": ""});
    let mut blocks: Vec<Value> = Vec::new();
    let append = |to: &mut Value, more: &Value| {
        if let (Some(old), Some(more)) = (to.as_str(), more.as_str()) {
            *to = format!("{old}{more}").into();
        }
    };
    for chunk in chunks(stream) {
        let delta = &chunk["choices"][0]["delta"];
        for name in ["content", "reasoning_content"] {
            append(&mut message[name], &delta[name]);
        }
        for block in delta["thinking_blocks"].as_array().into_iter().flatten() {
            let known = blocks
                .iter_mut()
                .find(|known| known["index"] == block["index"]);
            match known {
                Some(known) => {
                    for name in ["thinking", "signature"] {
                        append(&mut known[name], &block[name]);
                    }
                }
                None => blocks.push(block.clone()),
            }
        }
    }
    message["thinking_blocks"] = blocks.into();
    message
}

#[test]
fn thoughts_of_a_streamed_answer_go_back_to_claude_with_their_text() {
    let vendor = Messages::new();
    let wire = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Let me "}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "see."}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "Eq1"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "Em2"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "thinking_delta", "thinking": "Yes."}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "signature_delta", "signature": "Eq3"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "content_block_start", "index": 3, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "4"}}),
        json!({"type": "content_block_stop", "index": 3}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ];
    let mut decoder = vendor.decoder(Carry::default());
    let mut events = Vec::new();
    for event in wire {
        let event = Event::new(Bytes::from(format!("data: {event}\n\n")));
        decoder.event(&event, &mut events).unwrap();
    }
    decoder.end(&mut events).unwrap();
    let stream = encode(&events, EncodeOptions::default());

    // Another gateway hears everything once.
    let heard = decode(stream.as_bytes(), 64).unwrap();
    let spelled = |events: &[ChatEvent]| {
        let mut answer = Assembler::new();
        events.iter().cloned().for_each(|event| answer.push(event));
        let response = answer.into_response();
        let parts = response.choices[0].message.parts.clone();
        let spell = |part: Part| {
            let reasoning = part.as_reasoning().cloned();
            (reasoning, part.as_text().map(str::to_owned), part.signature)
        };
        parts.into_iter().map(spell).collect::<Vec<_>>()
    };
    assert_eq!(spelled(&heard), spelled(&events));

    let message = joined(&stream);
    assert_eq!(message["reasoning_content"], "Let me see.Yes.");
    let request = read(&ask(&json!([
        {"role": "user", "content": "2+2?"}, message, {"role": "user", "content": "Sure?"},
    ])));
    let target = TargetModel::new("claude-opus-4-6");
    let (body, _) = vendor.write_request(&request, &target).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "Let me see.", "signature": "Eq1"},
            {"type": "redacted_thinking", "data": "Em2"},
            {"type": "thinking", "thinking": "Yes.", "signature": "Eq3"},
            {"type": "text", "text": "4"},
        ])
    );
}

#[test]
fn what_is_shown_of_thoughts_is_no_second_thought() {
    let signed = |text: &str| json!({"type": "thinking", "thinking": text, "signature": "s"});
    let sealed = json!({"type": "redacted_thinking", "data": "d"});
    for (shown, blocks, expected) in [
        ("a", json!([signed("")]), &[("a", true)][..]),
        ("", json!([signed("")]), &[("", true)]),
        (
            "a",
            json!([signed("a"), sealed]),
            &[("a", true), ("", false)],
        ),
        (
            "ab",
            json!([signed("a"), signed("")]),
            &[("a", true), ("b", true)],
        ),
        (
            "ab",
            json!([signed(""), signed("b")]),
            &[("a", true), ("b", true)],
        ),
        ("ab", json!([signed("b")]), &[("a", false), ("b", true)]),
        ("ab", json!([signed("a")]), &[("a", true), ("b", false)]),
        ("", json!([]), &[("", false)]),
    ] {
        let value = ask(&json!([{
            "role": "assistant", "content": "x", "reasoning_content": shown, "thinking_blocks": blocks,
        }]));
        let request = read(&value);
        let parts = &request.messages[0].parts;
        let seen: Vec<_> = parts
            .iter()
            .filter_map(|part| Some((&*part.as_reasoning()?.text, part.signature.is_some())))
            .collect();
        assert_eq!(seen, expected, "{value}");
        assert_eq!(write(&request)["messages"][0]["reasoning_content"], shown);
    }
}
