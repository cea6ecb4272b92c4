//! Conversations that came in another format.

use super::*;
use crate::conversation::{CustomTool, Media, Opaque, ToolCall, ToolCallKind};
use crate::dialect::openai::{OPENAI_VENDORS, Responses};
use crate::dialect::recorded;

const RESPONSES: Responses = Responses::new();

fn from_responses(value: &Value) -> ChatRequest {
    let mut value = value.clone();
    if value.get("model").is_none() {
        value["model"] = "deepseek-chat".into();
    }
    RESPONSES
        .read_request(value.to_string().as_bytes())
        .unwrap()
}

/// As Codex asks: everything that it says has a place or none is needed.
fn codex() -> Value {
    json!({
        "model": "deepseek-chat",
        "instructions": "You are a coding agent.",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "sandbox"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "fix it"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "content": null, "encrypted_content": null},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "name": "shell", "arguments": "{\"command\":[\"ls\"]}", "call_id": "c1"},
            {"type": "custom_tool_call", "status": "completed", "call_id": "c2", "name": "apply_patch", "input": "*** Begin Patch"},
            {"type": "function_call_output", "call_id": "c1", "output": "a.rs"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "Done"},
        ],
        "tools": [
            {"type": "function", "name": "shell", "description": "Runs", "strict": false, "parameters": {"type": "object", "properties": {}}},
            {"type": "custom", "name": "apply_patch", "description": "Patches", "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": false,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": false,
        "stream": true,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "k",
        "client_metadata": {"x": "y"},
        "text": {"verbosity": "low"},
    })
}

#[test]
fn a_coding_agent_reaches_any_vendor() {
    let mut written = write(&from_responses(&codex()));
    let tool = written["tools"][1]["function"].take();
    assert_eq!(tool["name"], "apply_patch");
    assert_eq!(tool["parameters"]["required"], json!(["input"]));
    assert!(tool["description"].as_str().unwrap().ends_with("start: x"));
    assert_eq!(
        written["messages"],
        json!([
            {"role": "system", "content": "You are a coding agent."},
            {"role": "system", "content": "sandbox"},
            {"role": "user", "content": "fix it"},
            {"role": "assistant", "content": "I look.", "reasoning_content": "hm", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "shell", "arguments": "{\"command\":[\"ls\"]}"}},
                {"id": "c2", "type": "function", "function": {"name": "apply_patch", "arguments": "{\"input\":\"*** Begin Patch\"}"}},
            ]},
            {"role": "tool", "content": "a.rs", "tool_call_id": "c1"},
            {"role": "tool", "content": "Done", "tool_call_id": "c2"},
        ])
    );
    let kept = [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning_effort",
        "verbosity",
        "stream",
    ];
    let names: Vec<_> = written.as_object().unwrap().keys().collect();
    assert_eq!(names, kept);
}

#[test]
fn openais_own_models_get_their_own_words() {
    let mut body = codex();
    body["model"] = "gpt-5".into();
    let written = write(&from_responses(&body));
    assert_eq!(written["messages"][1]["role"], "developer");
    assert_eq!(written["tools"][1]["type"], "custom");
    let said = &written["messages"][3];
    assert_eq!(said["tool_calls"][1]["custom"]["input"], "*** Begin Patch");
    assert!(said.get("reasoning_content").is_none());
}

#[test]
fn a_tool_that_takes_text_comes_back_as_one() {
    let request = from_responses(&codex());
    let (_, carry) = CODEC
        .write_request(&request, &TargetModel::new("deepseek-chat"))
        .unwrap();
    let call = |arguments: &str| json!({"id": "1", "type": "function", "function": {"name": "apply_patch", "arguments": arguments}});
    let custom = ToolCall::new("1", "apply_patch", "*** a\nb").with_kind(ToolCallKind::Custom);
    for arguments in ["{\"input\": \"*** a\\nb\"}", "*** a\nb"] {
        let body = json!({"choices": [{"message": {"tool_calls": [call(arguments)]}}]});
        let response = CODEC
            .read_response(body.to_string().as_bytes(), &carry)
            .unwrap();
        let message = response.message().unwrap();
        assert_eq!(message.tool_calls().collect::<Vec<_>>(), [&custom]);
    }

    let piece = |arguments: &str| {
        delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}))
    };
    let mut opening = call("");
    opening["index"] = 0.into();
    let text = stream(&[
        delta(&json!({"tool_calls": [opening]})),
        piece("{\"inp"),
        piece("ut\": \"*** a\\nb\"}"),
        end("tool_calls"),
    ]);
    let mut decoder = CODEC.decoder(carry);
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from(text));
    let mut events = Vec::new();
    while let Some(event) = scanner.next_event().unwrap() {
        decoder.event(&event, &mut events).unwrap();
    }
    let mut answer = Assembler::new();
    events.into_iter().for_each(|event| answer.push(event));
    let answer = answer.into_response();
    let calls: Vec<_> = answer.message().unwrap().tool_calls().collect();
    assert_eq!(calls, [&custom]);
}

#[test]
fn what_needs_the_vendors_memory_or_tools_is_refused_by_name() {
    for (name, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("background", json!(true)),
        ("prompt", json!({"id": "p"})),
        ("moderation", json!({"model": "m"})),
    ] {
        let mut body = json!({"input": "Hi"});
        body[name] = value;
        let error = CODEC
            .write_request(&from_responses(&body), &TargetModel::new("m"))
            .unwrap_err();
        assert_eq!(error.param(), Some(name));
        assert_eq!(error.code(), Some("unsupported_parameter"));
    }
    for (body, param) in [
        (
            json!({"input": "Hi", "tools": [{"type": "web_search"}]}),
            "tools[0].type",
        ),
        (json!({"input": "Hi", "store": true}), "store"),
        (
            json!({"input": "Hi", "tools": [{"type": "mcp", "server_label": "x"}]}),
            "tools[0].type",
        ),
        (
            json!({"input": "Hi", "tool_choice": {"type": "file_search"}}),
            "tool_choice",
        ),
        (
            json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
            "input",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x/a.pdf"}]}]}),
            "input",
        ),
    ] {
        let error = CODEC
            .write_request(&from_responses(&body), &TargetModel::new("m"))
            .unwrap_err();
        assert_eq!(error.param(), Some(param), "{body}");
    }
    // What is only a wish about what the vendor keeps is none.
    let body = json!({"input": "Hi", "store": false, "truncation": "auto", "background": false, "metadata": {"a": "b"}});
    assert_eq!(
        write(&from_responses(&body)),
        json!({"model": "deepseek-chat", "messages": [{"role": "user", "content": "Hi"}]})
    );
}

#[test]
fn files_of_tools_stand_behind_all_results() {
    let file = Media::new(Source::Base64("JVBE".to_owned()))
        .with_media_type("application/pdf")
        .with_name("a.pdf");
    let picture = ToolResult::new(
        "1",
        vec![Part::text("see"), Part::image("image/png", "iVBO")],
    );
    let document = ToolResult::new("2", vec![PartKind::File(file).into()]);
    let request = ChatRequest::new("m")
        .message(Message::new(
            Role::Tool,
            vec![PartKind::ToolResult(document).into()],
        ))
        .message(Message::new(
            Role::Tool,
            vec![PartKind::ToolResult(picture).into()],
        ))
        .user("go on");
    let messages = write(&request)["messages"].take();
    assert_eq!(
        messages[0],
        json!({"role": "tool", "content": "", "tool_call_id": "2"})
    );
    assert_eq!(messages[1]["content"][1]["type"], "image_url");
    assert_eq!(messages[2]["role"], "user");
    assert_eq!(messages[2]["content"][1]["file"]["filename"], "a.pdf");
    assert_eq!(messages[3], json!({"role": "user", "content": "go on"}));
}

#[test]
fn what_the_model_said_is_one_text() {
    let record = Opaque::new(
        "anthropic.messages",
        json!({"type": "web_search_tool_result"}),
    );
    let turn = Message::assistant("a")
        .with_part(PartKind::Opaque(record))
        .with_part("b")
        .with_part(Part::tool_call("1", "f", ""));
    let thoughts = Message::new(
        Role::Assistant,
        vec![PartKind::Reasoning(Reasoning::sealed("x")).into()],
    );
    let messages = write(&ChatRequest::new("m").message(turn).message(thoughts))["messages"].take();
    assert_eq!(
        messages,
        json!([{"role": "assistant", "content": "ab", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ]}])
    );
}

#[test]
fn a_long_name_of_a_user_is_shortened_the_same_way_each_time() {
    let mut request = ChatRequest::new("m").user("hi");
    request.user = Some("user_".repeat(40));
    request.extra.note("anthropic.messages", "x");
    let user = write(&request)["user"].take();
    assert_eq!(user.as_str().unwrap().len(), 64);
    assert_eq!(write(&request)["user"], user);
}

#[test]
fn a_picture_of_the_model_reaches_the_caller() {
    let mut response = ChatResponse::text_only("m", "see");
    let message = &mut response.choices[0].message;
    message.parts.push(Part::image("image/png", "iVBO"));
    let written: Value = serde_json::from_slice(&CODEC.write_response(&response).unwrap()).unwrap();
    let url = &written["choices"][0]["message"]["images"][0]["image_url"]["url"];
    assert_eq!(url, "data:image/png;base64,iVBO");
}

#[test]
fn tools_that_nobody_has_are_not_chosen() {
    let body =
        json!({"input": "Hi", "tools": [], "tool_choice": "auto", "parallel_tool_calls": true});
    let written = write(&from_responses(&body));
    assert!(written.get("tool_choice").is_none() && written.get("parallel_tool_calls").is_none());
    let tool = CustomTool::new("c");
    let written = write(&ChatRequest::new("gpt-5").user("a").with_tool(tool));
    assert_eq!(written["tools"][0]["type"], "custom");
}

#[test]
fn recorded_responses_reach_a_chat_or_are_refused_by_name() {
    let Some(recorded) = recorded::recordings(OPENAI_VENDORS, "responses", 150) else {
        return;
    };
    let (mut sent, mut refused) = (0, 0);
    for entry in &recorded.entries {
        let Some(file) = &entry.request else { continue };
        let request = RESPONSES.read_request(&recorded.load(file)).unwrap();
        match CODEC.write_request(&request, &TargetModel::new("other")) {
            Ok((body, _)) => {
                let again = CODEC.read_request(&body).expect(&entry.id);
                let label = |text: &str| text.starts_with("Belongs to the result");
                let texts = again.texts().map(|(_, text)| text);
                assert_eq!(
                    texts.filter(|text| !label(text)).collect::<String>(),
                    request.texts().map(|(_, text)| text).collect::<String>(),
                    "{}",
                    entry.id
                );
                sent += 1;
            }
            Err(error) => {
                assert!(error.param().is_some(), "{}: {error}", entry.id);
                refused += 1;
            }
        }
    }
    assert!(sent > 60 && refused > 20, "{sent} sent, {refused} refused");
}

#[test]
fn recorded_answers_keep_their_meaning_through_the_other_format() {
    let Some(recorded) = recorded::recordings(OPENAI_VENDORS, "responses", 150) else {
        return;
    };
    for entry in &recorded.entries {
        if entry.stream || entry.status != 200 {
            continue;
        }
        let body = recorded.load(&entry.response);
        let answer = RESPONSES.read_response(&body, &Carry::default()).unwrap();
        let written = CODEC.write_response(&answer).unwrap();
        let shown = CODEC.read_response(&written, &Carry::default()).unwrap();
        let back = RESPONSES.write_response(&shown).unwrap();
        let back = RESPONSES.read_response(&back, &Carry::default()).unwrap();
        for other in [&shown, &back] {
            assert_eq!(other.text(), answer.text(), "{}", entry.id);
            assert_eq!(other.usage, answer.usage, "{}", entry.id);
            let calls = |answer: &ChatResponse| -> Vec<ToolCall> {
                answer
                    .message()
                    .into_iter()
                    .flat_map(Message::tool_calls)
                    .cloned()
                    .collect()
            };
            assert_eq!(calls(other), calls(&answer), "{}", entry.id);
        }
    }
}
