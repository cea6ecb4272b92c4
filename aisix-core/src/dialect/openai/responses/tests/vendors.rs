//! Callers of this format in front of the models of others.

use super::*;
use crate::conversation::ToolCall;
use crate::dialect::recorded;
use crate::dialect::{ANTHROPIC_MESSAGES, DialectId, Dialects, GEMINI_GENERATE, OPENAI_CHAT};

fn codec(id: DialectId) -> &'static dyn ChatCodec {
    Dialects::default().get(id).and_then(Dialect::chat).unwrap()
}

fn asked(id: DialectId, request: &ChatRequest, model: &str) -> Value {
    let (body, _) = codec(id)
        .write_request(request, &TargetModel::new(model))
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// What a client sends after it was given `answer`.
fn next_turn(answer: &ChatResponse, call_id: &str) -> ChatRequest {
    let written: Value = serde_json::from_slice(&CODEC.write_response(answer).unwrap()).unwrap();
    let mut items = vec![json!({"role": "user", "content": "q"})];
    items.extend(written["output"].as_array().unwrap().iter().cloned());
    items.push(json!({"type": "function_call_output", "call_id": call_id, "output": "4"}));
    let tools = json!([{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]);
    read(&json!({"model": "m", "input": items, "tools": tools, "reasoning": {"effort": "high"}}))
}

#[test]
fn claude_sees_its_signed_and_sealed_thoughts_again() {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "Eq="},
            {"type": "redacted_thinking", "data": "sealed"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    });
    let answer = codec(ANTHROPIC_MESSAGES)
        .read_response(body.to_string().as_bytes(), &Carry::default())
        .unwrap();
    let sent = asked(
        ANTHROPIC_MESSAGES,
        &next_turn(&answer, "toolu_1"),
        "claude-sonnet-4-5",
    );
    let said = &sent["messages"][1]["content"];
    assert_eq!(
        said[0],
        json!({"type": "thinking", "thinking": "hm", "signature": "Eq="})
    );
    assert_eq!(
        said[1],
        json!({"type": "redacted_thinking", "data": "sealed"})
    );
    assert_eq!(said[2]["id"], "toolu_1");
    // Nobody else does.
    for (id, model) in [
        (GEMINI_GENERATE, "gemini-3-pro"),
        (OPENAI_CHAT, "deepseek-chat"),
    ] {
        let sent = asked(id, &next_turn(&answer, "toolu_1"), model).to_string();
        assert!(!sent.contains("Eq=") && !sent.contains("sealed"), "{sent}");
    }
}

#[test]
fn gemini_sees_its_signature_of_a_call_again() {
    let body = json!({
        "responseId": "r", "modelVersion": "gemini-3-pro",
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "Cg=="},
        ]}}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
    });
    let answer = codec(GEMINI_GENERATE)
        .read_response(body.to_string().as_bytes(), &Carry::default())
        .unwrap();
    let sent = asked(GEMINI_GENERATE, &next_turn(&answer, "c1"), "gemini-3-pro");
    let call = &sent["contents"][1]["parts"][0];
    assert_eq!(call["functionCall"]["name"], "f");
    assert_eq!(call["thoughtSignature"], "Cg==");
    let sent = asked(
        ANTHROPIC_MESSAGES,
        &next_turn(&answer, "c1"),
        "claude-sonnet-4-5",
    );
    assert!(!sent.to_string().contains("Cg=="));
}

#[test]
fn what_openai_sealed_is_sent_to_nobody_else() {
    let request = read(&ask(&json!([
        {"role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAB"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "q"},
    ])));
    for (id, model) in [
        (ANTHROPIC_MESSAGES, "claude-sonnet-4-5"),
        (GEMINI_GENERATE, "gemini-3-pro"),
        (OPENAI_CHAT, "deepseek-chat"),
    ] {
        let sent = asked(id, &request, model).to_string();
        assert!(!sent.contains("gAAAA"), "{sent}");
    }
}

#[test]
fn recorded_streams_of_other_vendors_have_the_order_that_the_sdks_check() {
    for (vendor, endpoint, id, at_least) in [
        ("anthropic", "messages", ANTHROPIC_MESSAGES, 20),
        ("gemini", "streamGenerateContent", GEMINI_GENERATE, 10),
        ("deepseek", "chat_completions", OPENAI_CHAT, 2),
        ("openai", "chat_completions", OPENAI_CHAT, 20),
    ] {
        let Some(recorded) = recorded::recordings(&[vendor], endpoint, at_least) else {
            return;
        };
        for entry in recorded
            .entries
            .iter()
            .filter(|it| it.stream && it.status == 200)
        {
            let mut scanner = Scanner::new();
            scanner.push(Bytes::from(recorded.load(&entry.response)));
            let mut decoder = codec(id).decoder(Carry::default());
            let mut events = Vec::new();
            let mut is_whole = true;
            while let Some(event) = scanner.next_event().unwrap() {
                is_whole &= decoder.event(&event, &mut events).is_ok();
            }
            if !is_whole || decoder.end(&mut events).is_err() {
                continue;
            }
            let stream = encode(&events, EncodeOptions::default());
            check_order(&stream);
            let spelled = |events: Vec<ChatEvent>| {
                let mut answer = Assembler::new();
                events.into_iter().for_each(|event| answer.push(event));
                let answer = answer.into_response();
                let message = answer.message().cloned();
                let message = message.unwrap_or_else(|| Message::new(Role::Assistant, Vec::new()));
                let calls: Vec<ToolCall> = message.tool_calls().cloned().collect();
                (
                    message.text().into_owned(),
                    message.reasoning().into_owned(),
                    calls,
                )
            };
            let again = decode(stream.as_bytes(), usize::MAX).unwrap();
            assert_eq!(spelled(again), spelled(events), "{}", entry.id);
        }
    }
}
