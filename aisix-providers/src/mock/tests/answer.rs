use aisix_core::conversation::FinishReason;

use super::*;

fn weather() -> Value {
    json!([
        {"type": "function", "function": {"name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        }}},
        {"type": "function", "function": {"name": "clock"}},
    ])
}

fn with_tools(choice: &Value, text: &str) -> Call {
    let messages = json!([{"role": "user", "content": text}]);
    let body = json!({"messages": messages, "tools": weather(), "tool_choice": choice});
    request("demo", body)
}

/// The name and the arguments of the tool that is called.
async fn called(call: Call) -> Option<(String, String)> {
    let response = chat(call).await.unwrap();
    let choice = &response.choices[0];
    let call = choice.message.tool_calls().next()?;
    assert_eq!(choice.finish, Some(FinishReason::ToolCalls));
    Some((call.name.clone(), call.arguments.clone()))
}

#[tokio::test]
async fn gives_the_same_answer_to_the_same_request() {
    let answers = [
        chat(call("demo", "What is 2+2?")).await.unwrap(),
        chat(call("demo", "What is 2+2?")).await.unwrap(),
    ];
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].text(), "You said: What is 2+2?");
    let usage = answers[0].usage();
    assert_eq!((usage.input_tokens, usage.output_tokens), (3, 5));
    assert_eq!(answers[0].choices[0].finish, Some(FinishReason::Stop));
}

#[tokio::test]
async fn a_stream_says_what_a_whole_answer_says() {
    let messages = json!([{"role": "user", "content": "Why is the sky blue?"}]);
    let whole = chat(request("demo", json!({"messages": messages})))
        .await
        .unwrap();
    let (events, end) = events(request(
        "demo",
        json!({"messages": messages, "stream": true}),
    ))
    .await;
    end.unwrap();
    assert_eq!(text(&events), whole.text());
    let words = events
        .iter()
        .filter(|(_, event)| event.is_content())
        .count();
    assert_eq!(words, 7, "one event a word");
    let mut assembler = aisix_core::conversation::Assembler::new();
    for (_, event) in events {
        assembler.push(event);
    }
    assert_eq!(assembler.into_response(), whole);
}

#[tokio::test]
async fn gives_as_many_choices_as_it_is_asked_for() {
    let body = json!({"messages": [{"role": "user", "content": "hi"}], "n": 3});
    let response = chat(request("demo", body)).await.unwrap();
    let indices: Vec<_> = response.choices.iter().map(|choice| choice.index).collect();
    assert_eq!(indices, [0, 1, 2]);
    assert_eq!(response.usage().output_tokens, 9);
}

#[tokio::test]
async fn stops_at_the_limit_of_tokens() {
    let body = json!({"messages": [{"role": "user", "content": "hi there"}], "max_tokens": 2});
    let response = chat(request("demo", body)).await.unwrap();
    assert_eq!(response.text().trim_end(), "You said:");
    assert_eq!(response.choices[0].finish, Some(FinishReason::Length));
}

#[tokio::test]
async fn calls_the_tool_that_it_has_to_call() {
    let city = r#"{"city":"mock","days":1}"#;
    let weather = Some(("weather".to_owned(), city.to_owned()));
    let clock = Some(("clock".to_owned(), "{}".to_owned()));
    let named = |name| json!({"type": "function", "function": {"name": name}});
    assert_eq!(called(with_tools(&json!("required"), "hi")).await, weather);
    assert_eq!(called(with_tools(&named("clock"), "hi")).await, clock);
    assert_eq!(called(with_tools(&json!("auto"), "hi")).await, None);
    assert_eq!(
        called(with_tools(&json!("auto"), "/mock tool")).await,
        weather
    );
    assert_eq!(called(with_tools(&json!("none"), "/mock tool")).await, None);
}

#[tokio::test]
async fn answers_what_a_tool_has_said() {
    let body = json!({"tools": weather(), "messages": [
        {"role": "user", "content": "/mock tool"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_mock_0", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "call_mock_0", "content": "sunny"},
    ]});
    assert_eq!(
        chat(request("demo?tool", body)).await.unwrap().text(),
        "The tool says: sunny"
    );
}

#[tokio::test]
async fn writes_documents_that_are_valid_by_the_callers_schema() {
    let schema = json!({"type": "object", "properties": {
        "answer": {"type": "string"}, "sure": {"type": "boolean"},
        "steps": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/step"}},
    }, "$defs": {"step": {"enum": ["think", "write"]}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}});
    let body = json!({"messages": [{"role": "user", "content": "hi"}], "response_format": format});
    let text = chat(request("demo", body))
        .await
        .unwrap()
        .text()
        .into_owned();
    let document: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({"answer": "mock", "sure": true, "steps": ["think", "think"]});
    assert_eq!(document, expected);

    let body = json!({
        "messages": [{"role": "user", "content": "hi"}], "response_format": {"type": "json_object"},
    });
    let text = chat(request("demo", body))
        .await
        .unwrap()
        .text()
        .into_owned();
    assert!(serde_json::from_str::<Value>(&text).unwrap().is_object());
}

#[tokio::test]
async fn sees_images() {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    for (images, says) in [
        (
            vec![image.clone()],
            "I see one image. You said: What is this?",
        ),
        (
            vec![image.clone(), image],
            "I see 2 images. You said: What is this?",
        ),
    ] {
        let mut content = vec![json!({"type": "text", "text": "What is this?"})];
        content.extend(images);
        let body = json!({"messages": [{"role": "user", "content": content}]});
        assert_eq!(chat(request("demo", body)).await.unwrap().text(), says);
    }
}

async fn embed(body: Value) -> Result<Vec<Vec<f32>>> {
    let mut body = body;
    body["model"] = "m".into();
    let call = resolved("demo", TestCall::new(Operation::Embeddings, body));
    match reply(call).await?.body() {
        ReplyBody::Full(Answer::Embeddings(response)) => Ok(response
            .data
            .iter()
            .map(|embedding| embedding.vector.clone())
            .collect()),
        other => panic!("no vectors: {other:?}"),
    }
}

#[tokio::test]
async fn turns_inputs_into_vectors() {
    let one = embed(json!({"input": "one"})).await.unwrap();
    assert_eq!((one.len(), one[0].len()), (1, 256));
    let both = embed(json!({"input": ["one", "two"]})).await.unwrap();
    assert_eq!(both[0], one[0]);
    assert_ne!(both[1], one[0]);
    let tokens = embed(json!({"input": [[1, 2], [3]], "dimensions": 8}))
        .await
        .unwrap();
    assert_eq!((tokens.len(), tokens[0].len()), (2, 8));
}

#[tokio::test]
async fn makes_no_more_and_no_longer_vectors_than_others_do() {
    for (body, param) in [
        (json!({"input": "x", "dimensions": 0}), "dimensions"),
        (json!({"input": "x", "dimensions": 8193}), "dimensions"),
        (json!({"input": vec!["x"; 2049]}), "input"),
    ] {
        let error = embed(body).await.unwrap_err();
        assert_eq!((error.status().as_u16(), error.param()), (400, Some(param)));
    }
    assert_eq!(
        embed(json!({"input": vec!["x"; 2048], "dimensions": 1}))
            .await
            .unwrap()
            .len(),
        2048
    );
}

#[tokio::test]
async fn offers_nothing_else() {
    let call = resolved("demo", TestCall::new(Operation::ListModels, json!({})));
    assert_eq!(
        reply(call).await.unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
}
