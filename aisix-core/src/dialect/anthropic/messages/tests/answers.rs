//! Whole answers.

use super::*;
use crate::conversation::{Choice, FinishReason, Message, Part, PartKind, Usage};
use crate::error::ErrorKind;

fn finished(reason: &str) -> ChatResponse {
    answer(&json!({"content": [], "stop_reason": reason}))
}

#[test]
fn each_end_has_a_neutral_word() {
    for (reason, finish) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("compaction", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("refusal", FinishReason::ContentFilter),
        ("pause_turn", FinishReason::Pause),
    ] {
        let response = finished(reason);
        assert_eq!(response.finish(), Some(&finish));
        if reason != "stop_sequence" {
            assert_eq!(written_answer(&response)["stop_reason"], reason);
        }
    }
    let met = answer(&json!({"content": [], "stop_reason": "stop_sequence", "stop_sequence": "x"}));
    assert_eq!(written_answer(&met)["stop_reason"], "stop_sequence");
}

#[test]
fn an_answer_of_a_chat_is_a_message() {
    let body = json!({
        "id": "chatcmpl-1", "model": "gpt", "created": 1,
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "a", "reasoning_content": "hm", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"},
                    "extra_content": {"google": {"thought_signature": "Cs"}}},
                {"id": "c2", "type": "function", "function": {"name": "f", "arguments": "{\"x\":"}}]}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2}},
    });
    let response = CHAT
        .read_response(body.to_string().as_bytes(), &Carry::default())
        .unwrap();
    assert_eq!(
        written_answer(&response),
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "gpt",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "a"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1},
                    "extra_content": {"google": {"thought_signature": "Cs"}}},
                {"type": "tool_use", "id": "c2", "name": "f", "input": {"_raw": "{\"x\":"}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 7, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 3, "output_tokens": 4,
                "output_tokens_details": {"thinking_tokens": 2}},
        })
    );
}

#[test]
fn a_signature_of_gemini_comes_back_from_a_caller_of_this_format() {
    let call = json!({"type": "tool_use", "id": "c1", "name": "f", "input": {},
        "extra_content": {"google": {"thought_signature": "Cs"}}});
    let request =
        read(&json!({"model": "m", "messages": [{"role": "assistant", "content": [call]}]}));
    assert_eq!(
        request.messages[0].parts[0].signature.as_deref(),
        Some("Cs")
    );
    // Anthropic would refuse it.
    assert_eq!(
        write(&request)["messages"][0]["content"][0].get("extra_content"),
        None
    );
}

#[test]
fn a_refusal_tells_why_in_both_formats() {
    let details = json!({"type": "refusal", "category": "cyber", "explanation": "no"});
    let body = json!({"content": [], "stop_reason": "refusal", "stop_details": details});
    let response = answer(&body);
    assert_eq!(response.message().unwrap().refusal(), Some("no"));
    let written = written_answer(&response);
    assert_eq!(written["content"], json!([]));
    assert_eq!(written["stop_details"], details);

    let message = Message::new(
        crate::conversation::Role::Assistant,
        vec![PartKind::Refusal("I cannot".to_owned()).into()],
    );
    let choice = Choice::new(0, message).with_finish(FinishReason::Stop);
    let written = written_answer(&ChatResponse::new("m").with_choice(choice));
    assert_eq!(written["stop_reason"], "refusal");
    assert_eq!(written["content"][0]["text"], "I cannot");
    assert_eq!(written["stop_details"]["explanation"], "I cannot");
}

#[test]
fn the_counts_mean_the_same_everywhere() {
    let body = json!({"content": [], "usage": {"input_tokens": 1, "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 4, "output_tokens": 8, "service_tier": "standard"}});
    let response = answer(&body);
    let expected = Usage::new(7, 8)
        .with_cached_input_tokens(4)
        .with_cache_write_tokens(2);
    assert_eq!(response.usage(), expected);
    assert_eq!(response.service_tier.as_deref(), Some("default"));
    let chat: Value = serde_json::from_slice(&CHAT.write_response(&response).unwrap()).unwrap();
    assert_eq!(chat["usage"]["prompt_tokens"], 7);
    assert_eq!(
        chat["usage"]["prompt_tokens_details"]["cache_write_tokens"],
        2
    );
}

#[test]
fn an_answer_changed_by_a_hook_has_new_counts_and_keeps_the_rest() {
    let body = json!({"id": "msg_1", "content": [{"type": "text", "text": "a", "citations": [{"type": "x"}]}],
        "usage": {"input_tokens": 1, "output_tokens": 8, "service_tier": "priority"}, "container": {"id": "c"}});
    let mut response = answer(&body);
    response.usage = Some(Usage::new(5, 5));
    let written = written_answer(&response);
    assert_eq!(written["usage"]["input_tokens"], 5);
    assert_eq!(written["usage"]["service_tier"], "priority");
    assert_eq!(written["container"]["id"], "c");
    assert_eq!(written["content"][0]["citations"][0]["type"], "x");
}

#[test]
fn nonsense_is_the_upstreams_fault() {
    for body in [
        "",
        "<html>",
        "{}",
        "[]",
        "null",
        r#"{"content":7}"#,
        r#"{"content":[7]}"#,
        r#"{"content":[{"type":"text"}]}"#,
        r#"{"content":[{}]}"#,
    ] {
        let error = CODEC
            .read_response(body.as_bytes(), &Carry::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UpstreamDecode, "{body}");
    }
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    let error = CODEC.read_response(body, &Carry::default()).unwrap_err();
    assert_eq!(error.status(), 503);
}

#[test]
fn what_a_message_cannot_hold_is_not_silently_lost() {
    let message = Message::assistant("a").with_part(PartKind::Audio(
        crate::conversation::Media::from_url("data:audio/wav;base64,AA"),
    ));
    let response = ChatResponse::new("m").with_choice(Choice::new(0, message));
    let error = CODEC.write_response(&response).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    let empty = Message::assistant("").with_part(Part::text("b"));
    let response = ChatResponse::new("m").with_choice(Choice::new(0, empty));
    assert_eq!(
        written_answer(&response)["content"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn pages_of_the_web_are_annotations_of_a_chat() {
    let page = json!({"type": "web_search_result_location", "url": "https://x.example", "title": "X",
        "encrypted_index": "E", "cited_text": "c"});
    let body = json!({"stop_reason": "end_turn", "content": [
        {"type": "text", "text": "\u{e4}: "},
        {"type": "text", "text": "warm", "citations": [page, {"type": "page_location"}]},
    ]});
    let response = answer(&body);
    assert_eq!(written_answer(&response)["content"], body["content"]);
    let chat: Value = serde_json::from_slice(&CHAT.write_response(&response).unwrap()).unwrap();
    assert_eq!(
        chat["choices"][0]["message"]["annotations"],
        json!([{"type": "url_citation", "url_citation": {"url": "https://x.example", "title": "X",
            "start_index": 3, "end_index": 7}}])
    );
}
