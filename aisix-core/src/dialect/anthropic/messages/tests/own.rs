//! Requests of this format.

use super::*;
use crate::conversation::{Effort, Message, ReasoningMode, Role, ToolChoice};

#[track_caller]
fn assert_kept(value: &Value) {
    assert_eq!(write(&read(value)), *value);
}

fn ask(fields: &Value) -> Value {
    let mut request = json!({"model": "m", "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[test]
fn what_nobody_knows_is_kept_where_it_stood() {
    assert_kept(&ask(&json!({
        "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "ttl": "1h"}, "new": 1}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "a"},
                {"type": "search_result", "source": "s", "title": "t", "content": []},
                {"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": "AA", "new": 1}},
                {"type": "document", "title": "T", "context": "c", "citations": {"enabled": true},
                    "source": {"type": "text", "media_type": "text/plain", "data": "d"}},
            ], "new": true},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "", "signature": "s"},
                {"type": "thinking", "thinking": "x", "signature": ""},
                {"type": "redacted_thinking", "data": "r"},
                {"type": "server_tool_use", "id": "1", "name": "web_search", "input": {"query": "q"}},
                {"type": "tool_use", "id": "2", "name": "f", "input": {"b": 1, "a": [2.5, null]}, "caller": {"type": "direct"}},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "before"},
                {"type": "tool_result", "tool_use_id": "2", "is_error": false,
                    "content": [{"type": "text", "text": "r"}, {"type": "tool_reference", "tool_name": "g"}]},
                {"type": "tool_result", "tool_use_id": "3"},
            ]},
            {"role": "system", "content": "now"},
            {"role": "system", "content": [{"type": "tool_addition", "tool": {"name": "g"}}]},
        ],
        "tools": [
            {"name": "f", "input_schema": {"type": "object"}, "defer_loading": true, "cache_control": {"type": "ephemeral"}},
            {"type": "custom", "name": "g", "description": "d", "input_schema": {}, "strict": true},
            {"type": "bash_20250124", "name": "bash"},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "thinking": {"type": "adaptive", "display": "summarized", "block_binding": {"a": 1}},
        "output_config": {"effort": "xhigh", "task_budget": {"total": 1},
            "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u", "new": 1},
        "service_tier": "standard_only",
        "stream": false,
        "context_management": {"edits": []},
        "cache_control": {"type": "ephemeral"},
        "stop_sequences": ["\n"],
        "temperature": 0.3, "top_k": 4, "top_p": 0.9,
    })));
}

#[test]
fn a_budget_a_named_tool_and_a_list_of_one_text_are_kept() {
    assert_kept(&ask(&json!({
        "system": "",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]},
            {"role": "assistant", "content": []}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tool_choice": {"type": "tool", "name": "f"},
        "stream": true,
    })));
    assert_kept(&ask(
        &json!({"thinking": {"type": "sometimes"}, "tool_choice": {"type": "new"}}),
    ));
}

#[test]
fn the_words_of_this_format_are_the_neutral_ones() {
    let request = read(&ask(&json!({
        "system": "S",
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"effort": "max"},
        "metadata": {"user_id": "u"},
        "stop_sequences": ["x"],
    })));
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.tool_choice, Some(ToolChoice::Auto));
    assert_eq!(request.parallel_tool_calls, Some(false));
    let reasoning = request.reasoning.unwrap();
    assert_eq!(reasoning.mode, Some(ReasoningMode::Enabled));
    assert_eq!(
        (reasoning.budget_tokens, reasoning.effort),
        (Some(2000), Some(Effort::Max))
    );
    assert_eq!(
        (request.user.as_deref(), &request.stop[..]),
        (Some("u"), &["x".to_owned()][..])
    );
}

#[test]
fn a_hook_may_change_the_words_and_nothing_else_moves() {
    let value = ask(&json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "secret", "cache_control": {"type": "ephemeral"}},
        {"type": "tool_result", "tool_use_id": "1", "content": "secret"},
    ]}], "new": 1}));
    let mut request = read(&value);
    for (_, text) in request.texts_mut() {
        *text = text.replace("secret", "***");
    }
    let expected = value.to_string().replace("secret", "***");
    assert_eq!(write(&request).to_string(), reordered(&expected));
}

/// The members of a block stand in the order in which they are written; their meaning is the same.
fn reordered(json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap();
    write(&read(&value)).to_string()
}

#[test]
fn a_hook_may_put_its_own_words_first() {
    let mut request = read(&ask(&json!({"system": "S"})));
    request.messages.insert(0, Message::system("House rules."));
    let system = json!([{"type": "text", "text": "House rules."}, {"type": "text", "text": "S"}]);
    assert_eq!(write(&request)["system"], system);
    let mut request = read(&ask(&json!({})));
    request.messages.insert(0, Message::system("House rules."));
    assert_eq!(write(&request)["system"], "House rules.");
}

#[test]
fn what_is_wrong_is_named() {
    for (value, param) in [
        (json!({"model": "m"}), "messages"),
        (json!({"messages": []}), "model"),
        (ask(&json!({"max_tokens": "many"})), "max_tokens"),
        (ask(&json!({"messages": [{"role": "user"}]})), "messages[0]"),
        (
            ask(&json!({"messages": [{"role": "tool", "content": ""}]})),
            "messages[0].role",
        ),
        (
            ask(&json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]})),
            "messages[0].content[0].text",
        ),
        (
            ask(&json!({"tools": [{"input_schema": {}}]})),
            "tools[0].name",
        ),
    ] {
        let error = CODEC
            .read_request(value.to_string().as_bytes())
            .unwrap_err();
        assert_eq!(error.param(), Some(param), "{error}");
        assert_eq!(error.status(), 400);
    }
    assert!(CODEC.read_request(b"{").is_err());
}

#[test]
fn a_request_of_this_format_is_a_chat() {
    let request = read(&ask(&json!({
        "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "r", "is_error": true},
                {"type": "text", "text": "and?"}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "stop_sequences": ["x"],
    })));
    let (body, _) = CHAT
        .write_request(&request, &TargetModel::new("gpt"))
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({
            "model": "gpt",
            "messages": [
                {"role": "system", "content": "S"},
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
                {"role": "tool", "content": "Error: r", "tool_call_id": "1"},
                {"role": "user", "content": "and?"},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "tool_choice": "required",
            "parallel_tool_calls": false,
            "stop": "x",
            "max_completion_tokens": 9,
            "reasoning_effort": "low",
        })
    );
}

#[test]
fn what_a_coding_agent_sends_is_a_chat() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let asked = json!({
        "model": "m", "max_tokens": 32000, "stream": true, "temperature": 1.0,
        "system": [{"type": "text", "text": "You are an agent.", "cache_control": mark}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "<system-reminder>x</system-reminder>"},
                {"type": "text", "text": "Fix it.", "cache_control": mark}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "Eq"},
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file": "a"}},
                {"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {"command": "ls"}}]},
            {"role": "user", "content": [
                {"tool_use_id": "toolu_1", "type": "tool_result", "content": [{"type": "text", "text": "a"}]},
                {"tool_use_id": "toolu_2", "type": "tool_result", "content": "", "is_error": false, "cache_control": mark}]},
        ],
        "tools": [
            {"name": "Read", "description": "d", "input_schema": {"type": "object"}, "eager_input_streaming": true},
            {"name": "Bash", "description": "d", "input_schema": {"type": "object"}, "defer_loading": true, "cache_control": mark},
        ],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": "user_1"},
    });
    let request = read(&asked);
    assert_eq!(write(&request), asked);
    let (body, _) = CHAT
        .write_request(&request, &TargetModel::new("gpt"))
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let roles: Vec<_> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool"]);
    assert_eq!(body["reasoning_effort"], "high");
    assert_eq!(body["user"], "user_1");
    assert!(!body.to_string().contains("thinking"));
}
