//! How much a model is asked to think, and whose thoughts go back to it.

use super::*;
use crate::conversation::{Message, Part, ReasoningOptions};

#[test]
fn an_effort_is_said_as_the_model_takes_it() {
    let ask = |model, effort: &str| {
        let body = translated(model, &hi(&json!({"reasoning_effort": effort})));
        (
            body["thinking"].clone(),
            body["output_config"]["effort"].clone(),
        )
    };
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    assert_eq!(ask(OPUS, "minimal"), (adaptive.clone(), json!("low")));
    assert_eq!(ask(OPUS, "xhigh"), (adaptive.clone(), json!("xhigh")));
    assert_eq!(ask("claude-opus-4-6", "xhigh"), (adaptive, json!("max")));
    let disabled = json!({"type": "disabled"});
    assert_eq!(ask(OPUS, "none"), (disabled, Value::Null));
    assert_eq!(
        ask("claude-sonnet-5-5", "none").0,
        json!({"type": "between_tools"})
    );
    assert_eq!(ask("claude-fable-5", "none"), (Value::Null, json!("low")));
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    assert_eq!(ask(SONNET, "low"), (budget(4096), Value::Null));
    assert_eq!(ask(SONNET, "max"), (budget(63_999), Value::Null));
    assert_eq!(ask(SONNET, "none"), (Value::Null, Value::Null));
    let error = refused(
        "claude-3-haiku-20240307",
        &hi(&json!({"reasoning_effort": "low"})),
    );
    assert_eq!(error.param(), Some("reasoning_effort"));
}

#[test]
fn thoughts_stay_before_what_they_led_to() {
    let thought = |text: &str| json!({"type": "thinking", "thinking": text, "signature": "Eq"});
    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "one", "thinking_blocks": [thought("a")]},
        {"role": "assistant", "content": null, "tool_calls": [call], "thinking_blocks": [thought("b")]},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ]);
    let body = translated(OPUS, &chat(&messages, &json!({})));
    let said: Vec<_> = body["messages"][1]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| {
            let text = block.get("thinking").or_else(|| block.get("text"));
            text.or_else(|| block.get("name"))
                .unwrap()
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(said, ["a", "one", "b", "f"]);
}

#[test]
fn a_budget_gives_way_to_what_binds() {
    let thinking = |fields: Value| {
        let mut fields = fields;
        fields["reasoning_effort"] = "high".into();
        translated(SONNET, &hi(&fields))
    };
    let body = thinking(json!({"max_tokens": 3000, "temperature": 0.2}));
    assert_eq!(body["thinking"]["budget_tokens"], 2999);
    assert!(body.get("temperature").is_none());
    assert!(
        thinking(json!({"max_tokens": 1000}))
            .get("thinking")
            .is_none()
    );
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let forced = thinking(json!({"tools": tools, "tool_choice": "required"}));
    assert!(forced.get("thinking").is_none());

    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ]);
    let body = translated(
        SONNET,
        &chat(&messages, &json!({"reasoning_effort": "low"})),
    );
    assert!(body.get("thinking").is_none());
}

#[test]
fn a_budget_of_another_format_is_an_effort_where_there_are_no_budgets() {
    let request = ChatRequest::new("m")
        .user("q")
        .with_reasoning(ReasoningOptions::budget(10_000));
    let body = write_for(OPUS, &request).unwrap().0;
    assert_eq!(body["output_config"]["effort"], "medium");
}

#[test]
fn thoughts_go_back_to_claude_with_its_proof_only() {
    let assistant = |fields: Value| {
        let mut message = json!({"role": "assistant", "content": "a"});
        for (name, value) in fields.as_object().unwrap() {
            message[name] = value.clone();
        }
        let messages =
            json!([{"role": "user", "content": "q"}, message, {"role": "user", "content": "r"}]);
        translated(OPUS, &chat(&messages, &json!({})))["messages"][1]["content"].clone()
    };
    let blocks = json!([
        {"type": "thinking", "thinking": "hm", "signature": "Eq1"},
        {"type": "redacted_thinking", "data": "Em2"},
    ]);
    assert_eq!(
        assistant(json!({"reasoning_content": "hm", "thinking_blocks": blocks})),
        json!([blocks[0], blocks[1], {"type": "text", "text": "a"}])
    );
    assert_eq!(assistant(json!({"reasoning_content": "hm"})), "a");
    let sealed = json!([{"type": "redacted_thinking", "data": "gAAAAABo"}]);
    assert_eq!(assistant(json!({"thinking_blocks": sealed})), "a");
}

#[test]
fn thoughts_of_an_answer_read_here_survive_a_chat_client() {
    let content = json!([
        {"type": "thinking", "thinking": "hm", "signature": "Eq1"},
        {"type": "redacted_thinking", "data": "Em2"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
    ]);
    let response = answer(&json!({"content": content, "stop_reason": "tool_use"}));
    let chat_answer: Value =
        serde_json::from_slice(&CHAT.write_response(&response).unwrap()).unwrap();
    let messages = json!([
        {"role": "user", "content": "q"},
        chat_answer["choices"][0]["message"],
        {"role": "tool", "tool_call_id": "toolu_1", "content": "r"},
    ]);
    let body = translated(OPUS, &chat(&messages, &json!({})));
    assert_eq!(body["messages"][1]["content"], content);
}

#[test]
fn thoughts_of_gemini_stay_behind() {
    let mut part = Part::reasoning("hm").with_signature("Cs");
    part.extra.note("gemini.generate", "thought");
    let request = ChatRequest::new("m")
        .user("q")
        .message(Message::assistant("a").with_part(part))
        .user("r");
    let body = write_for(OPUS, &request).unwrap().0;
    assert_eq!(body["messages"][1]["content"], "a");
}
