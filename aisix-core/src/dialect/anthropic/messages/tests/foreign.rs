//! Requests of other formats, mostly OpenAI's.

use super::*;
use crate::conversation::{Media, Message, Opaque, Part, PartKind, Source};

#[test]
fn turns_are_sorted_by_who_speaks() {
    let body = translated(
        OPUS,
        &chat(
            &json!([
                {"role": "system", "content": "A"},
                {"role": "developer", "content": "B"},
                {"role": "user", "content": "one", "name": "ann"},
                {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "two"}]},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "c.1", "type": "function", "function": {"name": "f", "arguments": ""}},
                    {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{\"x\":1}"}}]},
                {"role": "tool", "tool_call_id": "c.1", "content": "r1"},
                {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "r2"}]},
                {"role": "user", "content": "go on"},
                {"role": "system", "content": "C"},
                {"role": "assistant", "content": ""},
                {"role": "user", "content": "!"},
            ]),
            &json!({}),
        ),
    );
    let system = json!([{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]);
    assert_eq!(body["system"], system);
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages
        .iter()
        .map(|turn| turn["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user", "system", "user"]);
    let texts = json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]);
    assert_eq!(messages[0]["content"], texts);
    let calls = &messages[1]["content"];
    let id = calls[0]["id"].as_str().unwrap();
    assert!(id.starts_with("c_1_") && calls[0]["input"] == json!({}));
    assert_eq!(
        calls[1],
        json!({"type": "tool_use", "id": "c2", "name": "g", "input": {"x": 1}})
    );
    let results = &messages[2]["content"];
    assert_eq!(
        results[0],
        json!({"type": "tool_result", "tool_use_id": id, "content": "r1"})
    );
    assert_eq!(results[1]["content"], "r2");
    assert_eq!(results[2], json!({"type": "text", "text": "go on"}));
    assert_eq!(messages[3]["content"], "C");
}

#[test]
fn older_models_hear_a_later_system_as_a_user() {
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "system", "content": "S"},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ]);
    let body = translated(SONNET, &chat(&messages, &json!({})));
    let content = &body["messages"][2]["content"];
    assert_eq!(content[0]["type"], "tool_result");
    assert_eq!(content[1]["text"], "<system>\nS\n</system>");
}

#[test]
fn media_go_where_they_can() {
    let user = |part: Value| chat(&json!([{"role": "user", "content": [part]}]), &json!({}));
    let image =
        |url: &str| user(json!({"type": "image_url", "image_url": {"url": url, "detail": "low"}}));
    let file = |file: Value| user(json!({"type": "file", "file": file}));
    let block = |chat: &Value| translated(OPUS, chat)["messages"][0]["content"][0].clone();
    assert_eq!(
        block(&image("data:image/jpg;base64,AA")),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AA"}})
    );
    assert_eq!(
        block(&image("https://x.example/a.png"))["source"],
        json!({"type": "url", "url": "https://x.example/a.png"})
    );
    assert_eq!(
        block(&file(
            json!({"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="})
        )),
        json!({"type": "document", "title": "a.pdf",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}})
    );
    assert_eq!(
        block(&file(json!({"file_data": "data:text/csv;base64,YSxi"})))["source"],
        json!({"type": "text", "media_type": "text/plain", "data": "a,b"})
    );
    assert_eq!(
        block(&file(json!({"file_id": "file_011"})))["source"],
        json!({"type": "file", "file_id": "file_011"})
    );
    for refusal in [
        image("data:image/tiff;base64,AA"),
        file(json!({"file_id": "file-openai"})),
        file(json!({"file_data": "data:application/zip;base64,UEs="})),
        user(json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}})),
        user(json!({"type": "new"})),
    ] {
        let error = refused(OPUS, &refusal);
        assert_eq!(error.param(), Some("messages[0].content[0]"));
        assert_eq!(error.code(), Some("unsupported_parameter"));
    }
}

#[test]
fn tool_results_may_hold_pictures() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}});
    let messages = json!([{"role": "tool", "tool_call_id": "1", "content": [picture]}]);
    let body = translated(OPUS, &chat(&messages, &json!({})));
    assert_eq!(
        body["messages"][0]["content"][0]["content"][0]["type"],
        "image"
    );
}

#[test]
fn tools_are_fitted_and_their_names_come_back() {
    let tools = json!([
        {"type": "function", "function": {"name": "files.read", "description": "d", "strict": true,
            "parameters": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}}},
        {"type": "function", "function": {"name": "now"}},
        {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}},
        {"type": "web_search_20250305", "name": "web_search"},
    ]);
    let request = read_chat(&hi(&json!({"tools": tools})));
    let (body, carry) = write_for(OPUS, &request).unwrap();
    let sent = body["tools"][0]["name"].as_str().unwrap();
    assert_eq!(carry.tool_name(sent), "files.read");
    assert_eq!(body["tools"][0]["strict"], true);
    assert_eq!(
        body["tools"][0]["input_schema"]["additionalProperties"],
        false
    );
    assert_eq!(
        body["tools"][1]["input_schema"],
        json!({"type": "object", "properties": {}})
    );
    assert_eq!(
        body["tools"][2]["input_schema"]["required"],
        json!(["input"])
    );
    assert_eq!(body["tools"][3], tools[3]);

    let body = json!({"content": [
        {"type": "tool_use", "id": "1", "name": sent, "input": {}},
        {"type": "tool_use", "id": "2", "name": "shell", "input": {"input": "ls"}},
    ]});
    let response = CODEC
        .read_response(body.to_string().as_bytes(), &carry)
        .unwrap();
    let calls: Vec<_> = response.message().unwrap().tool_calls().collect();
    assert_eq!(calls[0].name, "files.read");
    assert_eq!(calls[1].arguments, "ls");

    let error = refused(OPUS, &hi(&json!({"tools": [{"type": "file_search"}]})));
    assert_eq!(error.param(), Some("tools[0].type"));
}

#[test]
fn choices_of_tools_have_words_of_their_own() {
    let tools = json!([{"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "g"}}]);
    let choose =
        |choice: Value| translated(OPUS, &hi(&json!({"tools": tools, "tool_choice": choice})));
    assert_eq!(
        choose(json!("auto"))["tool_choice"],
        json!({"type": "auto"})
    );
    assert_eq!(
        choose(json!("none"))["tool_choice"],
        json!({"type": "none"})
    );
    assert_eq!(
        choose(json!("required"))["tool_choice"],
        json!({"type": "any"})
    );
    let named = json!({"type": "function", "function": {"name": "g"}});
    assert_eq!(
        choose(named.clone())["tool_choice"],
        json!({"type": "tool", "name": "g"})
    );
    let allowed = choose(json!({"type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [named]}}));
    assert_eq!(allowed["tool_choice"], json!({"type": "any"}));
    assert_eq!(allowed["tools"].as_array().unwrap().len(), 1);

    let refuse = |fields: Value| {
        let error = refused(OPUS, &hi(&fields));
        assert_eq!(error.param(), Some("tool_choice"));
        error.to_string()
    };
    let unknown = json!({"type": "function", "function": {"name": "h"}});
    for mode in ["auto", "required"] {
        let allowed = json!({"type": "allowed_tools",
            "allowed_tools": {"mode": mode, "tools": [unknown]}});
        assert!(refuse(json!({"tools": tools, "tool_choice": allowed})).contains("`h`"));
    }
    assert!(refuse(json!({"tools": tools, "tool_choice": unknown})).contains("`h`"));
    refuse(json!({"tool_choice": "required"}));

    let single = translated(
        OPUS,
        &hi(&json!({"tools": tools, "parallel_tool_calls": false})),
    );
    assert_eq!(
        single["tool_choice"],
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    assert!(
        translated(OPUS, &hi(&json!({"tool_choice": "none"})))
            .get("tool_choice")
            .is_none()
    );
    let forced = hi(&json!({"tools": tools, "tool_choice": "required"}));
    assert_eq!(
        refused("claude-opus-5-5", &forced).param(),
        Some("tool_choice")
    );
}

#[test]
fn what_a_model_takes_is_looked_up() {
    let body = |model, fields| translated(model, &hi(&fields));
    assert_eq!(
        body(SONNET, json!({"temperature": 1.7}))["temperature"],
        1.0
    );
    let both = body(
        SONNET,
        json!({"temperature": 0.5, "top_p": 0.5, "top_k": 3}),
    );
    assert_eq!(
        (&both["temperature"], &both["top_k"]),
        (&json!(0.5), &json!(3))
    );
    assert!(both.get("top_p").is_none());
    assert_eq!(
        body(SONNET, json!({"temperature": 1, "top_p": 0.5}))["top_p"],
        0.5
    );
    assert!(
        body(OPUS, json!({"temperature": 1, "top_p": 1.0}))
            .get("temperature")
            .is_none()
    );
    assert_eq!(
        refused(OPUS, &hi(&json!({"temperature": 0.5}))).param(),
        Some("temperature")
    );
    assert_eq!(body(SONNET, json!({}))["max_tokens"], 64_000);
    assert_eq!(body("kimi-k2", json!({}))["max_tokens"], 8192);

    let prefilled = chat(
        &json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "{"}]),
        &json!({}),
    );
    assert_eq!(
        translated(SONNET, &prefilled)["messages"][1]["content"],
        "{"
    );
    assert_eq!(refused(OPUS, &prefilled).param(), Some("messages[1]"));
}

#[test]
fn the_form_of_the_answer_is_enforced_or_told() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let asked = hi(&json!({"response_format": format}));
    let body = translated(OPUS, &asked);
    let sent = &body["output_config"]["format"];
    assert_eq!(sent["type"], "json_schema");
    assert_eq!(
        sent["schema"]["properties"]["a"]["description"],
        "{maxLength: 3}"
    );
    let error = refused("claude-3-haiku-20240307", &asked);
    assert_eq!(error.param(), Some("response_format"));
    let body = translated(
        OPUS,
        &hi(&json!({"response_format": {"type": "json_object"}})),
    );
    assert!(body["system"].as_str().unwrap().contains("JSON object"));
}

#[test]
fn what_cannot_be_said_is_refused_by_name() {
    for fields in [
        json!({"n": 2}),
        json!({"logprobs": true}),
        json!({"presence_penalty": 0.5}),
        json!({"frequency_penalty": 0.5}),
        json!({"logit_bias": {"1": 2}}),
        json!({"prediction": {"type": "content"}}),
        json!({"functions": []}),
        json!({"modalities": ["audio"]}),
        json!({"unheard_of": 1}),
    ] {
        let error = refused(OPUS, &hi(&fields));
        let name = fields.as_object().unwrap().keys().next().unwrap();
        assert_eq!(error.param(), Some(name.as_str()));
        assert_eq!(error.code(), Some("unsupported_parameter"));
    }
    let call = json!({"role": "assistant", "content": null, "function_call": {"name": "f"}});
    let error = refused(OPUS, &chat(&json!([call]), &json!({})));
    assert_eq!(error.param(), Some("messages[0].function_call"));
    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}});
    let asked = chat(
        &json!([{"role": "assistant", "tool_calls": [call]}]),
        &json!({}),
    );
    assert_eq!(
        refused(OPUS, &asked).param(),
        Some("messages[0].tool_calls[0].arguments")
    );
    assert_eq!(
        refused(OPUS, &chat(&json!([]), &json!({}))).param(),
        Some("messages")
    );
}

#[test]
fn what_changes_no_answer_is_left_out() {
    let body = translated(
        OPUS,
        &hi(&json!({
            "n": 1, "seed": 7, "store": true, "prompt_cache_key": "k", "metadata": {"a": "b"},
            "presence_penalty": 0, "logit_bias": null, "stream": true,
            "stream_options": {"include_usage": true}, "service_tier": "flex", "user": "a@b.example",
            "modalities": ["text"], "stop": [" ", "x"], "logprobs": false,
        })),
    );
    assert_eq!(
        body,
        json!({"model": OPUS, "max_tokens": 128_000, "stream": true, "stop_sequences": ["x"],
            "messages": [{"role": "user", "content": "Hi"}]})
    );
}

#[test]
fn fields_with_another_name_are_mapped() {
    let body = translated(
        OPUS,
        &hi(&json!({
            "user": "u1", "service_tier": "default",
            "web_search_options": {"search_context_size": "low",
                "user_location": {"type": "approximate", "approximate": {"country": "CH", "city": null}}},
        })),
    );
    assert_eq!(body["metadata"], json!({"user_id": "u1"}));
    assert_eq!(body["service_tier"], "standard_only");
    assert_eq!(
        body["tools"][0],
        json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 1,
            "user_location": {"type": "approximate", "country": "CH"}})
    );
}

#[test]
fn the_last_four_marks_of_a_cache_are_kept() {
    let mark = json!({"type": "ephemeral"});
    let text = json!({"type": "text", "text": "t", "cache_control": mark});
    let messages = json!([
        {"role": "system", "content": [text, text]},
        {"role": "user", "content": [text, text]},
        {"role": "user", "content": "x", "cache_control": mark},
    ]);
    let body = translated(OPUS, &chat(&messages, &json!({})));
    assert!(body["system"][0].get("cache_control").is_none());
    assert_eq!(body["system"][1]["cache_control"], mark);
    assert_eq!(body.to_string().matches("cache_control").count(), 4);
    assert_eq!(body["messages"][0]["content"][2]["cache_control"], mark);
}

#[test]
fn every_mark_of_a_cache_is_counted() {
    let mark = json!({"type": "ephemeral"});
    let text = json!({"type": "text", "text": "t", "cache_control": mark});
    let messages = json!([
        {"role": "user", "content": [text]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": [text, text]},
        {"role": "user", "content": [text]},
    ]);
    let marks = |fields: Value| {
        let body = translated(OPUS, &chat(&messages, &fields));
        let first = body["messages"][0]["content"].clone();
        (body.to_string().matches("cache_control").count(), first)
    };
    assert_eq!(marks(json!({})).0, 4);
    assert_eq!(marks(json!({"cache_control": mark})), (4, json!("t")));
    let tool = json!({"type": "function", "function": {"name": "f"}, "cache_control": mark});
    assert_eq!(marks(json!({"tools": [tool]})).0, 4);
    let (count, first) = marks(json!({"tools": [tool], "cache_control": mark}));
    assert_eq!((count, first), (4, json!("t")));
}

#[test]
fn the_same_conversation_gives_the_same_bytes() {
    let asked = read_chat(&hi(
        &json!({"tools": [{"type": "function", "function": {"name": "a.b"}}]}),
    ));
    let write = || {
        CODEC
            .write_request(&asked, &TargetModel::new(OPUS))
            .unwrap()
            .0
    };
    assert_eq!(write(), write());
}

#[test]
fn parts_made_in_code_are_written() {
    let file = Media::new(Source::Text("t".to_owned())).with_name("n");
    let request = ChatRequest::new("m").message(
        Message::user("q")
            .with_part(Part::image("image/png", "AA"))
            .with_part(PartKind::File(file)),
    );
    let body = write_for(OPUS, &request).unwrap().0;
    assert_eq!(body["messages"][0]["content"][2]["title"], "n");
}

#[test]
fn what_another_vendors_tools_did_is_left_out() {
    let search = Opaque::new("openai.responses", json!({"type": "web_search_call"}));
    let request = ChatRequest::new("m")
        .user("q")
        .message(Message::assistant("a").with_part(PartKind::Opaque(search.clone())))
        .user("r");
    let body = write_for(OPUS, &request).unwrap().0;
    assert_eq!(body["messages"][1]["content"], "a");
    let asked =
        ChatRequest::new("m").message(Message::user("q").with_part(PartKind::Opaque(search)));
    let error = write_for(OPUS, &asked).unwrap_err();
    assert_eq!(error.param(), Some("messages[0].content[1]"));
}

#[test]
fn which_earlier_thoughts_openai_looks_at_is_left_out() {
    let mut request = ChatRequest::new("m").user("q");
    let reasoning = json!({"context": "all_turns"});
    request
        .extra
        .insert("openai.responses", "reasoning", reasoning);
    let truncated = json!([{"type": "compaction"}]);
    request
        .extra
        .insert("openai.responses", "context_management", truncated);
    write_for(OPUS, &request).unwrap();

    request
        .extra
        .insert("openai.responses", "reasoning", json!({"mode": "novel"}));
    let error = write_for(OPUS, &request).unwrap_err();
    assert_eq!(error.param(), Some("reasoning"));
}
