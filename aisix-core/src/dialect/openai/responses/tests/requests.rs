use super::*;

#[test]
fn a_request_may_go_on_from_what_is_kept_without_an_input() {
    assert_eq!(CODEC.input(), None);
    for more in [
        json!({"prompt": {"id": "pmpt_1"}}),
        json!({"previous_response_id": "resp_1"}),
        json!({"conversation": "conv_1"}),
    ] {
        let mut value = json!({"model": "m"});
        value
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_kept(&value);
    }
    for (value, code) in [
        (json!({"model": "m"}), "missing_required_parameter"),
        (
            json!({"model": "m", "input": null}),
            "missing_required_parameter",
        ),
        (
            json!({"model": "m", "prompt": null}),
            "missing_required_parameter",
        ),
        (json!({"model": "m", "input": []}), "empty_array"),
        (json!({"model": "m", "input": ""}), "empty_array"),
    ] {
        let error = CODEC
            .read_request(value.to_string().as_bytes())
            .unwrap_err();
        let seen = (error.status().as_u16(), error.param(), error.code());
        assert_eq!(seen, (400, Some("input"), Some(code)), "{value}");
    }
}

#[test]
fn a_text_and_items_are_two_ways_to_ask() {
    assert_kept(&ask(&json!("Hi")));
    assert_kept(&ask(&json!([
        {"role": "developer", "content": "a"},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "low"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
            {"type": "mystery", "x": 1},
        ]},
        {"role": "user", "content": [{"type": "input_text", "text": "c"}]},
    ])));
}

#[test]
fn what_the_model_said_is_one_turn() {
    let value = ask(&json!([
        {"role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAAA"},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "phase": "commentary",
         "content": [{"type": "output_text", "text": "a", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "f", "arguments": "{", "status": "completed"},
        {"type": "custom_tool_call", "call_id": "2", "name": "apply_patch", "input": "*** Begin"},
        {"type": "function_call_output", "call_id": "1", "output": "x"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "y"}]},
        {"role": "assistant", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]));
    let request = read(&value);
    let roles: Vec<_> = request.messages.iter().map(|it| it.role).collect();
    assert_eq!(
        roles,
        [
            Role::User,
            Role::Assistant,
            Role::Tool,
            Role::Tool,
            Role::Assistant
        ]
    );
    let said = &request.messages[1];
    assert_eq!(said.tool_calls().count(), 2);
    assert_eq!(said.reasoning(), "hm");
    assert_eq!(
        said.parts[0].signature.as_deref(),
        Some("openai:rs_1:gAAAA")
    );
    assert_kept(&value);
}

#[test]
fn each_field_finds_its_place() {
    let value = json!({
        "model": "m",
        "instructions": "Be brief.",
        "input": [],
        "tools": [
            {"type": "function", "name": "f", "description": "d", "parameters": {"z": 1, "a": 2}, "strict": false, "defer_loading": true},
            {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        "parallel_tool_calls": false,
        "temperature": 0.5,
        "max_output_tokens": 9,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"b": 1}, "strict": true}, "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "auto"},
        "top_logprobs": 2,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
        "store": false,
        "prompt_cache_key": "k",
        "previous_response_id": "resp_1",
        "stream": true,
        "metadata": {"a": "b"},
    });
    let request = read(&value);
    assert_eq!(request.messages[0], {
        let mut message = Message::system("Be brief.");
        message.extra = request.messages[0].extra.clone();
        message
    });
    assert_eq!(request.max_tokens, Some(9));
    assert_eq!(request.logprobs, Some(true));
    assert_eq!(request.verbosity.as_deref(), Some("low"));
    let mut expected = value;
    // Nothing new is said beside what the vendor keeps.
    expected.as_object_mut().unwrap().remove("input");
    assert_eq!(write(&request), expected);
}

#[test]
fn a_bad_request_names_its_parameter() {
    for (body, param) in [
        (json!({"input": "x"}), "model"),
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": 7}), "input"),
        (ask(&json!([7])), "input[0]"),
        (
            ask(&json!([{"role": "king", "content": "x"}])),
            "input[0].role",
        ),
        (
            ask(&json!([{"role": "user", "content": [{"type": "input_text"}]}])),
            "input[0].content[0].text",
        ),
        (
            ask(&json!([{"role": "user", "content": [7]}])),
            "input[0].content[0]",
        ),
        (
            ask(&json!([{"role": "user", "content": [{"type": "input_audio"}]}])),
            "input[0].content[0].input_audio.data",
        ),
        (
            ask(&json!([{"type": "function_call", "name": "f"}])),
            "input[0].call_id",
        ),
        (
            ask(&json!([{"type": "function_call_output", "call_id": "1"}])),
            "input[0].output",
        ),
        (
            ask(&json!([{"type": "reasoning", "summary": 1}])),
            "input[0].summary",
        ),
        (ask(&json!([{}])), "input[0].type"),
        (
            json!({"model": "m", "input": "x", "tools": [{"name": "f"}]}),
            "tools[0].type",
        ),
        (
            json!({"model": "m", "input": "x", "temperature": "hot"}),
            "temperature",
        ),
        (json!({"model": "m", "input": "x", "text": 1}), "text"),
    ] {
        let error = CODEC.read_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            (error.status().as_u16(), error.param()),
            (400, Some(param)),
            "{body}"
        );
    }
}

#[test]
fn the_proof_of_another_vendor_comes_back_where_it_belongs() {
    let item = |content: &str, text: &str| {
        let summary = [text].into_iter().filter(|text| !text.is_empty());
        let summary: Vec<_> = summary
            .map(|text| json!({"type": "summary_text", "text": text}))
            .collect();
        json!({"type": "reasoning", "id": "rs_x", "summary": summary, "encrypted_content": content})
    };
    let request = read(&ask(&json!([
        item("aisix:thoughts:Eq=", "hm"),
        item("aisix:sealed:data", ""),
        item("aisix:call:Cg=", ""),
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"role": "assistant", "content": "a"},
        item("aisix:text:Ch=", ""),
    ])));
    let parts = &request.messages[0].parts;
    assert_eq!(parts.len(), 4);
    assert_eq!(parts[0], Part::reasoning("hm").with_signature("Eq="));
    assert_eq!(
        parts[1],
        PartKind::Reasoning(Reasoning::sealed("data")).into()
    );
    assert_eq!(parts[2].signature.as_deref(), Some("Cg="));
    assert_eq!(parts[3].signature.as_deref(), Some("Ch="));
    // OpenAI could not read them.
    let written = write(&request);
    assert_eq!(written["input"].as_array().unwrap().len(), 2);
}

#[test]
fn a_chat_is_asked_as_items() {
    let chat = crate::dialect::openai::Chat::new();
    let body = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]},
            {"role": "assistant", "content": "b", "reasoning_content": "hm", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "type": "custom", "custom": {"name": "c", "input": "t"}},
            ]},
            {"role": "tool", "content": "x", "tool_call_id": "1"},
            {"role": "tool", "content": "y", "tool_call_id": "2"},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "max_tokens": 7,
        "reasoning_effort": "low",
        "prompt_cache_key": "k",
        "stream_options": {"include_usage": true},
        "stream": true,
    });
    let request = chat.read_request(body.to_string().as_bytes()).unwrap();
    assert_eq!(
        write(&request),
        json!({
            "model": "m",
            "input": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://x/y.png"}]},
                {"role": "assistant", "content": "b"},
                {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
                {"type": "custom_tool_call", "call_id": "2", "name": "c", "input": "t"},
                {"type": "function_call_output", "call_id": "1", "output": "x"},
                {"type": "custom_tool_call_output", "call_id": "2", "output": "y"},
            ],
            "tools": [{"type": "function", "name": "f", "strict": false}],
            "tool_choice": {"type": "function", "name": "f"},
            "max_output_tokens": 7,
            "reasoning": {"effort": "low"},
            "stream": true,
            "store": false,
            "prompt_cache_key": "k",
        })
    );
}

#[test]
fn what_has_no_word_here_is_refused_by_name() {
    let chat = crate::dialect::openai::Chat::new();
    for (name, value) in [
        ("n", json!(2)),
        ("stop", json!("x")),
        ("seed", json!(1)),
        ("logit_bias", json!({"1": 2})),
        ("presence_penalty", json!(0.5)),
        ("functions", json!([{"name": "f"}])),
    ] {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "a"}]});
        body[name] = value;
        let request = chat.read_request(body.to_string().as_bytes()).unwrap();
        let error = CODEC
            .write_request(&request, &TargetModel::new("m"))
            .unwrap_err();
        assert_eq!(error.param(), Some(name));
        assert_eq!(error.code(), Some("unsupported_parameter"));
    }
}

#[test]
fn a_reference_that_is_an_id_alone_keeps_it() {
    assert_kept(&ask(
        &json!([{"role": "user", "content": "Hi"}, {"id": "rs_1"}]),
    ));
}
