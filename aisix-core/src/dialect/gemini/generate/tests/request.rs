//! What callers of other formats ask, and what native ones do.

use super::*;
use crate::dialect::openai::Responses;

const THREE: &str = "gemini-3-flash-preview";

const TWO_FIVE: &str = "gemini-2.5-flash";

fn weather() -> Value {
    json!({"type": "function", "function": {
        "name": "weather", "description": "Tells it",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "$schema": "x"}
    }})
}

fn called(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{\"city\":\"Rome\"}"}})
}

#[test]
fn the_body_names_no_model_and_no_stream() {
    let request = chat(&json!({"stream": true, "messages": [{"role": "user", "content": "Hi"}]}));
    assert_eq!(
        write(&request, THREE),
        json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
    );
}

#[test]
fn what_the_system_says_anywhere_is_the_instruction() {
    let request = chat(&json!({"messages": [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "Hi"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}]},
    ]}));
    let written = write(&request, THREE);
    assert_eq!(written["systemInstruction"]["parts"], texts(&["a", "b"]));
    assert_eq!(written["contents"].as_array().unwrap().len(), 1);

    let written = write(&request, "gemma-3-27b-it");
    assert!(written.get("systemInstruction").is_none());
    assert_eq!(written["contents"][0]["parts"], texts(&["a", "b", "Hi"]));

    let alone = chat(&json!({"messages": [{"role": "system", "content": "a"}]}));
    assert_eq!(
        write(&alone, THREE),
        json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}]})
    );
}

#[test]
fn turns_of_one_side_are_one_turn() {
    let request = chat(&json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "user", "content": ""},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": "d"},
    ]}));
    assert_eq!(
        write(&request, THREE)["contents"],
        json!([
            {"role": "user", "parts": texts(&["a", "b"])},
            {"role": "model", "parts": texts(&["c", "d"])},
        ])
    );
}

#[test]
fn results_find_the_names_of_their_calls_and_stand_in_their_order() {
    let request = chat(&json!({
        "tools": [weather()],
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": null, "tool_calls": [
                called("1", "weather"), called("2", "news.today"), called("3", "weather")
            ]},
            {"role": "tool", "tool_call_id": "3", "content": "{\"sunny\": true}"},
            {"role": "tool", "tool_call_id": "1", "content": "rain"},
            {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "none"}]},
            {"role": "user", "content": "b"},
        ]
    }));
    let written = write(&request, TWO_FIVE);
    let call = |name| json!({"functionCall": {"name": name, "args": {"city": "Rome"}}});
    let result =
        |name, response: Value| json!({"functionResponse": {"name": name, "response": response}});
    assert_eq!(
        written["contents"],
        json!([
            {"role": "user", "parts": texts(&["a"])},
            {"role": "model", "parts": [call("weather"), call("news.today"), call("weather")]},
            {"role": "user", "parts": [
                result("weather", json!({"output": "rain"})),
                result("news.today", json!({"output": "none"})),
                result("weather", json!({"sunny": true})),
            ]},
            {"role": "user", "parts": texts(&["b"])},
        ])
    );

    let written = write(&request, THREE);
    let parts = &written["contents"][1]["parts"];
    assert_eq!(parts[0]["functionCall"]["id"], "1");
    assert_eq!(
        parts[0]["thoughtSignature"],
        "skip_thought_signature_validator"
    );
    assert!(parts[1].get("thoughtSignature").is_none());
    let results = &written["contents"][2]["parts"];
    assert_eq!(results[2]["functionResponse"]["id"], "3");
}

#[test]
fn a_result_of_no_call_is_refused() {
    let error = refuse(
        &json!({"messages": [{"role": "tool", "tool_call_id": "9", "content": "x"}]}),
        THREE,
    );
    assert_eq!(error.param(), Some("messages[0].tool_call_id"));
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    let mut call = called("1", "weather");
    call["function"]["arguments"] = "[1".into();
    let body = json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "x", "tool_calls": [called("0", "f"), call]},
    ]});
    assert_eq!(
        refuse(&body, THREE).param(),
        Some("messages[1].tool_calls[1].function.arguments")
    );
}

#[test]
fn signatures_go_back_through_a_client_that_only_knows_openai() {
    let signed = |signature| json!({"google": {"thought_signature": signature}});
    let mut first = called("1", "weather");
    first["extra_content"] = signed("sig-1");
    let request = chat(&json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "extra_content": signed("sig-0"),
         "reasoning_content": "hm", "tool_calls": [first, called("2", "weather")]},
    ]}));
    let parts = &write(&request, THREE)["contents"][1]["parts"];
    assert_eq!(parts[0], json!({"text": "b", "thoughtSignature": "sig-0"}));
    assert_eq!(parts[1]["thoughtSignature"], "sig-1");
    assert!(parts[2].get("thoughtSignature").is_none());
    assert_eq!(parts.as_array().unwrap().len(), 3);
}

#[test]
fn a_tool_that_failed_says_so_and_may_show_pictures_to_newer_models() {
    use crate::conversation::{Message, Part, PartKind, Role, ToolResult};

    let mut result = ToolResult::new(
        "1",
        vec![Part::text("boom"), Part::image("image/png", "AA")],
    );
    result.is_error = Some(true);
    let request = ChatRequest::new("m")
        .user("a")
        .message(Message::new(
            Role::Assistant,
            vec![Part::tool_call("1", "f", "")],
        ))
        .message(Message::new(
            Role::User,
            vec![PartKind::ToolResult(result).into(), Part::text("so?")],
        ));
    let written = write(&request, THREE);
    assert_eq!(
        written["contents"][2]["parts"],
        json!([{"functionResponse": {
            "id": "1", "name": "f", "response": {"error": "boom"},
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}],
        }}])
    );
    assert_eq!(written["contents"][3]["parts"], texts(&["so?"]));
    let error = try_write(&request, TWO_FIVE).unwrap_err();
    assert_eq!(error.param(), Some("messages[2].content[1]"));
}

#[test]
fn media_come_as_bytes_or_from_where_the_vendor_fetches() {
    let file = |data: &str, name: &str| json!({"type": "file", "file": {"file_data": data, "filename": name}});
    let content = json!([
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "high"}},
        {"type": "input_audio", "input_audio": {"data": "BB==", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "CC==", "format": "wav"}},
        file("data:application/pdf;base64,DD==", "a.pdf"),
        file("EE==", "b.PDF"),
        {"type": "file", "file": {"file_id": "files/abc-1"}},
        {"type": "image_url", "image_url": {"url": "https://youtu.be/x"}},
        {"type": "image_url", "image_url": {"url": "gs://bucket/x.png"}},
        {"type": "image_url", "image_url": {"url": "data:text/plain;charset=utf-8;base64,Zg=="}},
    ]);
    let request = chat(&json!({"messages": [{"role": "user", "content": content}]}));
    let inline = |kind, data| json!({"inlineData": {"mimeType": kind, "data": data}});
    let uri = |uri| json!({"fileData": {"fileUri": uri}});
    assert_eq!(
        write(&request, THREE)["contents"][0]["parts"],
        json!([
            inline("image/png", "AA=="),
            inline("audio/mp3", "BB=="),
            inline("audio/wav", "CC=="),
            inline("application/pdf", "DD=="),
            inline("application/pdf", "EE=="),
            uri("https://generativelanguage.googleapis.com/v1beta/files/abc-1"),
            uri("https://youtu.be/x"),
            uri("gs://bucket/x.png"),
            inline("text/plain", "Zg=="),
        ])
    );
    for part in [
        json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}),
        json!({"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg"}}),
        json!({"type": "file", "file": {"file_id": "file-abc"}}),
        json!({"type": "file", "file": {"file_data": "AA=="}}),
        json!({"type": "text", "text": "x", "mystery": 1}),
    ] {
        let text = json!({"type": "text", "text": "x"});
        let body = json!({"messages": [{"role": "user", "content": [text, part]}]});
        let error = refuse(&body, THREE);
        assert!(
            error.param().unwrap().starts_with("messages[0].content[1]"),
            "{error}"
        );
        assert_eq!(error.code(), Some("unsupported_parameter"));
    }
}

#[test]
fn tools_and_choices_have_their_words() {
    let tool = |name: &str, parameters: Value| json!({"type": "function", "function": {"name": name, "parameters": parameters}});
    let ask = |choice: Value| {
        chat(&json!({
            "messages": [{"role": "user", "content": "a"}],
            "tools": [weather(), tool("none", json!({"type": "object", "properties": {}}))],
            "tool_choice": choice,
            "parallel_tool_calls": false,
        }))
    };
    let written = write(&ask(json!("auto")), THREE);
    assert_eq!(
        written["tools"],
        json!([{"functionDeclarations": [
            {"name": "weather", "description": "Tells it", "parametersJsonSchema": {
                "type": "object", "properties": {"city": {"type": "string"}}}},
            {"name": "none"},
        ]}])
    );
    let named = |name| json!({"type": "function", "function": {"name": name}});
    let allowed = |mode| json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named("a"), named("b")]}});
    for (choice, expected) in [
        (json!("auto"), json!({"mode": "AUTO"})),
        (json!("none"), json!({"mode": "NONE"})),
        (json!("required"), json!({"mode": "ANY"})),
        (
            named("weather"),
            json!({"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        ),
        (
            allowed("auto"),
            json!({"mode": "VALIDATED", "allowedFunctionNames": ["a", "b"]}),
        ),
        (
            allowed("required"),
            json!({"mode": "ANY", "allowedFunctionNames": ["a", "b"]}),
        ),
    ] {
        let written = write(&ask(choice), THREE);
        assert_eq!(written["toolConfig"]["functionCallingConfig"], expected);
    }
}

#[test]
fn strict_tools_are_validated() {
    let mut tool = weather();
    tool["function"]["strict"] = true.into();
    let request = chat(&json!({"messages": [{"role": "user", "content": "a"}], "tools": [tool]}));
    let mode =
        |model| write(&request, model)["toolConfig"]["functionCallingConfig"]["mode"].clone();
    assert_eq!(mode(TWO_FIVE), "VALIDATED");
    assert_eq!(mode("gemini-2.0-flash"), Value::Null);
}

#[test]
fn names_that_the_vendor_does_not_take_come_back() {
    let name = "7 tools/é";
    let mut tool = weather();
    tool["function"]["name"] = name.into();
    let request = chat(&json!({"messages": [{"role": "user", "content": "a"}], "tools": [tool]}));
    let (written, carry) = try_write(&request, THREE).unwrap();
    let sent = written["tools"][0]["functionDeclarations"][0]["name"]
        .as_str()
        .unwrap();
    assert_ne!(sent, name);
    let body = json!({"candidates": [{"content": {"parts": [{"functionCall": {"name": sent}}]}}]});
    let answer = CODEC
        .read_response(body.to_string().as_bytes(), &carry)
        .unwrap();
    assert_eq!(
        answer.choices[0].message.tool_calls().next().unwrap().name,
        name
    );
}

#[test]
fn a_tool_that_takes_text_is_a_function_of_one_text() {
    let grammar =
        json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}});
    let request = chat(&json!({
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "1", "type": "custom", "custom": {"name": "patch", "input": "*** x"}}
            ]},
            {"role": "tool", "tool_call_id": "1", "content": "ok"},
        ],
        "tools": [{"type": "custom", "custom": {"name": "patch", "description": "P", "format": grammar}}],
    }));
    let (written, carry) = try_write(&request, THREE).unwrap();
    let call = json!({"id": "1", "name": "patch", "args": {"input": "*** x"}});
    assert_eq!(written["contents"][1]["parts"][0]["functionCall"], call);
    let declaration = &written["tools"][0]["functionDeclarations"][0];
    assert!(
        declaration["description"]
            .as_str()
            .unwrap()
            .ends_with("start: /x/")
    );
    assert_eq!(
        declaration["parametersJsonSchema"]["required"],
        json!(["input"])
    );

    let body = json!({"candidates": [{"content": {"parts": [{"functionCall": call}]}}]});
    let answer = CODEC
        .read_response(body.to_string().as_bytes(), &carry)
        .unwrap();
    let call = answer.choices[0].message.tool_calls().next().unwrap();
    assert_eq!(call.kind, crate::conversation::ToolCallKind::Custom);
    assert_eq!(call.arguments, "*** x");
}

#[test]
fn a_search_stands_beside_functions_for_newer_models_only() {
    let alone = json!({"messages": [{"role": "user", "content": "a"}], "web_search_options": {"search_context_size": "low"}});
    let written = write(&chat(&alone), TWO_FIVE);
    assert_eq!(written["tools"], json!([{"googleSearch": {}}]));
    let mut both = alone.clone();
    both["tools"] = json!([weather()]);
    assert_eq!(refuse(&both, TWO_FIVE).param(), Some("web_search_options"));
    let written = write(&chat(&both), THREE);
    assert_eq!(
        written["toolConfig"]["includeServerSideToolInvocations"],
        true
    );
    assert_eq!(
        written["toolConfig"]["functionCallingConfig"]["mode"],
        "VALIDATED"
    );
    let mut located = alone;
    located["web_search_options"] = json!({"user_location": {"type": "approximate"}});
    assert_eq!(
        refuse(&located, THREE).param(),
        Some("web_search_options.user_location")
    );
}

#[test]
fn options_of_the_answer_have_their_words() {
    let request = chat(&json!({
        "messages": [{"role": "user", "content": "a"}],
        "temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7, "n": 2, "max_completion_tokens": 9,
        "stop": ["x", "y"], "presence_penalty": 0.1, "frequency_penalty": 0.2,
        "logprobs": true, "top_logprobs": 3, "modalities": ["text", "image"],
        "service_tier": "flex", "store": false, "user": "u", "metadata": {"a": "b"},
    }));
    let written = write(&request, TWO_FIVE);
    assert_eq!(
        written["generationConfig"],
        json!({
            "temperature": 0.5, "topP": 0.9, "topK": 40, "seed": 7, "candidateCount": 2,
            "maxOutputTokens": 9, "stopSequences": ["x", "y"], "presencePenalty": 0.1,
            "frequencyPenalty": 0.2, "responseLogprobs": true, "logprobs": 3,
            "responseModalities": ["TEXT", "IMAGE"],
        })
    );
    assert_eq!(written["serviceTier"], "flex");
    assert_eq!(written.as_object().unwrap().len(), 3);
}

#[test]
fn nothing_is_kept_for_callers_of_responses() {
    let ask = |store: Value| {
        let body = json!({"model": "m", "input": "Hi", "store": store});
        let request = Responses::new()
            .read_request(body.to_string().as_bytes())
            .unwrap();
        try_write(&request, THREE)
    };
    let error = ask(json!(true)).unwrap_err();
    assert_eq!(
        (error.status().as_u16(), error.param()),
        (400, Some("store"))
    );
    assert_eq!(ask(json!(false)).unwrap().0, ask(Value::Null).unwrap().0);
    // Whoever chats never comes back for it.
    let chats = chat(&json!({"messages": [{"role": "user", "content": "Hi"}], "store": true}));
    assert_eq!(write(&chats, THREE), ask(Value::Null).unwrap().0);
}

#[test]
fn what_a_line_ignores_is_left_out_and_what_it_refuses_is_refused() {
    let ask = |extra: Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "a"}]});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    let cold = chat(&ask(json!({"temperature": 0.1, "presence_penalty": 0})));
    assert!(
        write(&cold, "gemini-3.7-flash")
            .get("generationConfig")
            .is_none()
    );
    for (extra, param) in [
        (json!({"presence_penalty": 1}), "presence_penalty"),
        (json!({"frequency_penalty": 1}), "frequency_penalty"),
        (json!({"logit_bias": {"1": 2}}), "logit_bias"),
        (json!({"stop": ["1", "2", "3", "4", "5", "6"]}), "stop"),
        (json!({"modalities": ["audio"]}), "modalities"),
        (json!({"audio": {"voice": "alloy"}}), "audio"),
        (json!({"service_tier": "scale"}), "service_tier"),
        (json!({"reasoning_effort": "frantic"}), "reasoning_effort"),
        (
            json!({"tools": [{"type": "code_interpreter"}]}),
            "tools[0].type",
        ),
        (json!({"mystery": 1}), "mystery"),
    ] {
        assert_eq!(refuse(&ask(extra), THREE).param(), Some(param));
    }
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
    let both = ask(json!({"response_format": schema, "tools": [weather()]}));
    assert_eq!(refuse(&both, TWO_FIVE).param(), Some("response_format"));
    let written = write(&chat(&both), THREE);
    assert_eq!(
        written["generationConfig"],
        json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}})
    );
    let effort = ask(json!({"reasoning_effort": "low"}));
    assert_eq!(
        refuse(&effort, "gemini-2.0-flash").param(),
        Some("reasoning_effort")
    );
}

#[test]
fn an_effort_is_the_level_or_the_budget_of_the_line() {
    let config = |effort: &str, model: &str| {
        let request = chat(&json!({
            "messages": [{"role": "user", "content": "a"}], "reasoning_effort": effort
        }));
        write(&request, model)["generationConfig"]["thinkingConfig"].clone()
    };
    let level = |level: &str| json!({"includeThoughts": true, "thinkingLevel": level});
    let budget = |budget: u64| json!({"includeThoughts": true, "thinkingBudget": budget});
    for (effort, model, expected) in [
        ("none", THREE, json!({"thinkingLevel": "MINIMAL"})),
        ("none", "gemini-3.1-pro", json!({"thinkingLevel": "LOW"})),
        ("minimal", "gemini-3.8-flash", level("LOW")),
        ("medium", "gemini-3-pro-preview", level("HIGH")),
        ("medium", THREE, level("MEDIUM")),
        ("xhigh", THREE, level("HIGH")),
        ("none", TWO_FIVE, json!({"thinkingBudget": 0})),
        ("none", "gemini-2.5-pro", json!({"thinkingBudget": 128})),
        ("minimal", "gemini-2.5-flash-lite", budget(512)),
        ("low", TWO_FIVE, budget(1024)),
        ("medium", "gemini-2.5-pro", budget(8192)),
        ("high", "gemini-2.5-pro", budget(24_576)),
        ("max", "gemini-2.5-pro", budget(32_768)),
    ] {
        assert_eq!(config(effort, model), expected, "{effort} of {model}");
    }
    use crate::conversation::ReasoningOptions;
    let request = ChatRequest::new("m")
        .user("a")
        .with_reasoning(ReasoningOptions::budget(50_000));
    let config = |model| write(&request, model)["generationConfig"]["thinkingConfig"].clone();
    assert_eq!(config(TWO_FIVE), budget(24_576));
    assert_eq!(config(THREE), level("HIGH"));
}

#[test]
fn hints_for_tools_are_left_out() {
    let hinted = chat(&json!({
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{
            "type": "function",
            "function": {"name": "search"},
            "eager_input_streaming": true,
            "defer_loading": true,
        }],
    }));
    assert_eq!(
        write(&hinted, "gemini-3-flash")["tools"],
        json!([{"functionDeclarations": [{"name": "search"}]}])
    );
}

#[test]
fn which_earlier_thoughts_openai_looks_at_is_left_out() {
    let mut request = ChatRequest::new("m").user("q");
    let reasoning = json!({"context": "all_turns"});
    request
        .extra
        .insert("openai.responses", "reasoning", reasoning);
    try_write(&request, THREE).unwrap();

    request
        .extra
        .insert("openai.responses", "reasoning", json!({"mode": "novel"}));
    let error = try_write(&request, THREE).unwrap_err();
    assert_eq!(error.param(), Some("reasoning"));
}
