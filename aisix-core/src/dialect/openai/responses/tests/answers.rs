use super::*;

fn written(response: &ChatResponse) -> Value {
    serde_json::from_slice(&CODEC.write_response(response).unwrap()).unwrap()
}

fn answer(message: Message, finish: FinishReason) -> ChatResponse {
    let mut response = ChatResponse::text_only("m", "").with_usage(Usage::new(3, 2));
    response.id = "chatcmpl-7".to_owned();
    response.choices[0].message = message;
    response.choices[0].finish = Some(finish);
    response
}

#[test]
fn an_answer_of_another_format_has_all_that_clients_look_for() {
    let message = Message::new(Role::Assistant, vec![Part::reasoning("hm")])
        .with_part("Hi")
        .with_part(Part::tool_call("1", "f", "{}"));
    let value = written(&answer(message, FinishReason::ToolCalls));
    assert_eq!(value["id"], "resp_7");
    assert_eq!(
        (&value["object"], &value["status"]),
        (&json!("response"), &json!("completed"))
    );
    assert_eq!(value["store"], false);
    assert_eq!(
        value["output"],
        json!([
            {"id": "rs_7_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"id": "msg_7_1", "type": "message", "status": "completed", "role": "assistant",
             "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]},
            {"id": "fc_7_2", "type": "function_call", "status": "completed", "arguments": "{}", "call_id": "1", "name": "f"},
        ])
    );
    assert_eq!(
        value["usage"],
        json!({
            "input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        })
    );
}

#[test]
fn an_answer_that_was_cut_says_why() {
    for (finish, reason) in [
        (FinishReason::Length, "max_output_tokens"),
        (FinishReason::ContentFilter, "content_filter"),
    ] {
        let value = written(&answer(Message::assistant("H"), finish.clone()));
        assert_eq!(value["status"], "incomplete");
        assert_eq!(value["incomplete_details"]["reason"], reason);
        assert_eq!(value["output"][0]["status"], "incomplete");
        let again = CODEC
            .read_response(value.to_string().as_bytes(), &Carry::default())
            .unwrap();
        assert_eq!(again.finish(), Some(&finish));
    }
}

#[test]
fn proofs_of_other_vendors_survive_a_client() {
    let message = Message::new(
        Role::Assistant,
        vec![
            Part::reasoning("hm").with_signature("Eq="),
            PartKind::Reasoning(Reasoning::sealed("d")).into(),
            Part::text("a").with_signature("t"),
            Part::tool_call("1", "f", "{}").with_signature("c"),
        ],
    );
    let value = written(&answer(message.clone(), FinishReason::ToolCalls));
    let mut items = value["output"].as_array().unwrap().clone();
    items.push(json!({"type": "function_call_output", "call_id": "1", "output": "x"}));
    let request = read(&ask(&items.into()));
    let mut replayed = request.messages[0].clone();
    for part in &mut replayed.parts {
        part.extra = Extra::default();
    }
    assert_eq!(replayed, message);
}

#[test]
fn a_failure_inside_a_success_is_a_failure() {
    let error = |error: Value| {
        let body = json!({"id": "resp_1", "status": "failed", "output": [], "error": error});
        let body = body.to_string();
        let read = CODEC
            .read_response(body.as_bytes(), &Carry::default())
            .unwrap_err();
        let seen = CODEC.scan_response(body.as_bytes()).unwrap_err();
        assert_eq!((seen.kind(), seen.status()), (read.kind(), read.status()));
        read.status().as_u16()
    };
    assert_eq!(error(json!({"code": "server_error", "message": "m"})), 502);
    assert_eq!(
        error(json!({"code": "rate_limit_exceeded", "message": "m"})),
        429
    );
    assert_eq!(
        error(json!({"code": "invalid_prompt", "message": "m"})),
        400
    );
    for body in [
        &b""[..],
        b"<html>",
        b"{}",
        b"[]",
        br#"{"output":[{"type":"function_call"}]}"#,
    ] {
        let error = CODEC.read_response(body, &Carry::default()).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::UpstreamDecode);
    }
}

#[test]
fn a_citation_is_spelled_for_either_client() {
    let chat = crate::dialect::openai::Chat::new();
    let flat =
        json!({"type": "url_citation", "start_index": 0, "end_index": 1, "url": "u", "title": "t"});
    let body = json!({"id": "resp_1", "model": "m", "status": "completed", "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": [flat]}]},
    ]});
    let response = CODEC
        .read_response(body.to_string().as_bytes(), &Carry::default())
        .unwrap();
    let shown: Value = serde_json::from_slice(&chat.write_response(&response).unwrap()).unwrap();
    let message = &shown["choices"][0]["message"];
    assert_eq!(message["annotations"][0]["url_citation"]["url"], "u");
    let back = chat
        .read_response(shown.to_string().as_bytes(), &Carry::default())
        .unwrap();
    assert_eq!(
        written(&back)["output"][0]["content"][0]["annotations"],
        json!([flat])
    );
}

#[test]
fn what_another_vendors_own_tools_did_is_left_out() {
    let search = json!({"type": "server_tool_use", "name": "web_search"});
    let opaque = PartKind::Opaque(Opaque::new("anthropic.messages", search));
    let message = Message::new(
        Role::Assistant,
        vec![
            Part::text("I looked."),
            opaque.into(),
            Part::text(" It rains."),
        ],
    );
    let written = written(&answer(message, FinishReason::Stop));
    assert_eq!(written["output"].as_array().map(Vec::len), Some(1));
    let content = &written["output"][0]["content"];
    assert_eq!(content[0]["text"], "I looked.");
    assert_eq!(content[1]["text"], " It rains.");
}

#[test]
fn a_part_without_a_type_is_no_answer() {
    let body = json!({"id": "r", "model": "m", "status": "completed", "output": [
        {"type": "message", "role": "assistant", "content": [{"text": "ready"}]},
    ]});
    let error = CODEC
        .read_response(body.to_string().as_bytes(), &Carry::default())
        .unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::UpstreamDecode);
}
