//! Callers that speak another dialect than the upstream, which speaks OpenAI's chat.

use super::*;

fn ask(path: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::post(path)
        .body(Full::new(body.to_string().into()))
        .unwrap()
}

fn messages(extra: Value) -> Value {
    let mut body = hello(json!({"max_tokens": 9}));
    if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
        body.extend(extra);
    }
    body
}

async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test]
async fn a_conversation_is_translated_both_ways() {
    let fixture = fixture().await;
    fixture.upstream.json(StatusCode::OK, ANSWER);

    let response = respond(&fixture, ask("/v1/messages", &messages(json!({})))).await;

    assert!(response.headers().contains_key("request-id"));
    let answer = json_of(response).await;
    assert_eq!(answer["type"], "message");
    assert_eq!(answer["model"], "fast");
    assert_eq!(answer["content"][0]["text"], "hi");
    assert_eq!(answer["usage"]["input_tokens"], 3);
    let (head, body) = fixture.upstream.requests().remove(0);
    assert_eq!(head.uri, "https://acme.example/v1/chat/completions");
    let sent: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(sent["model"], "acme-1");
    assert_eq!(sent["messages"][0]["content"], "hi");
}

#[tokio::test]
async fn a_stream_is_translated_and_always_tells_its_usage() {
    let fixture = fixture().await;
    let upstream = fixture.upstream.stream();
    let chunk = |choices: &str, usage: &str| {
        format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
             \"choices\":[{choices}],\"usage\":{usage}}}\n\n"
        )
    };
    upstream.send(chunk(
        r#"{"index":0,"delta":{"role":"assistant","content":"Hel"}}"#,
        "null",
    ));
    upstream.send(chunk(
        r#"{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}"#,
        "null",
    ));
    upstream.send(chunk(
        "",
        r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#,
    ));
    upstream.send("data: [DONE]\n\n");
    drop(upstream);

    let request = ask("/v1/messages", &messages(json!({"stream": true})));
    let stream = text(respond(&fixture, request).await).await;

    let names: Vec<_> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert!(stream.contains(r#""output_tokens":2"#), "{stream}");
    let (_, body) = fixture.upstream.requests().remove(0);
    let sent: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(sent["stream_options"]["include_usage"], true);
}

#[tokio::test]
async fn errors_come_in_the_callers_dialect() {
    let fixture = fixture().await;
    let wrong_method = Request::get("/v1/messages").body(Full::default()).unwrap();
    let nowhere = ask("/v1/messages/nowhere", &json!({}));
    let unknown = ask("/v1/messages", &messages(json!({"model": "none"})));
    let asks = [(wrong_method, 405), (nowhere, 404), (unknown, 404)];
    for (request, status) in asks {
        let response = respond(&fixture, request).await;
        assert_eq!(response.status(), status);
        assert_eq!(json_of(response).await["type"], "error");
    }
}

#[tokio::test]
async fn a_failure_that_is_no_stream_keeps_its_status() {
    let fixture = fixture().await;
    let body = json!({"error": {"message": "Slow down.", "type": "rate_limit_exceeded", "code": "rate_limit_exceeded"}});
    for path in ["/v1/chat/completions", "/v1/messages"] {
        fixture.upstream.json(StatusCode::OK, body.to_string());
        let request = ask(path, &messages(json!({"stream": true})));
        assert_eq!(respond(&fixture, request).await.status(), 429, "{path}");
    }
}

#[tokio::test]
async fn tokens_are_guessed_where_nobody_counts_them() {
    let fixture = fixture().await;
    // What it says of streams is nothing to a count.
    let request = ask("/v1/messages/count_tokens", &hello(json!({"stream": true})));

    let response = respond(&fixture, request).await;

    assert_eq!(response.headers()["x-aisix-estimated"], "true");
    assert!(json_of(response).await["input_tokens"].as_u64() > Some(0));
    assert!(fixture.upstream.requests().is_empty());
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_by_name() {
    let fixture = fixture().await;
    let body = json!({"model": "fast", "input": "hi", "previous_response_id": "resp_1"});

    let response = respond(&fixture, ask("/v1/responses", &body)).await;

    assert_eq!(response.status(), 400);
    let error = error_of(response).await;
    assert_eq!(error["param"], "previous_response_id");
    assert_eq!(error["code"], "unsupported_parameter");
}

#[tokio::test]
async fn models_are_listed_as_the_callers_sdk_reads_them() {
    let fixture = fixture().await;
    for (path, place) in [("/v1/models", "/data/0/type"), ("/v1/models/fast", "/type")] {
        let mut request = Request::get(path).body(Full::default()).unwrap();
        let version = "2023-06-01".parse().unwrap();
        request.headers_mut().insert("anthropic-version", version);
        let models = json_of(respond(&fixture, request).await).await;
        assert_eq!(models.pointer(place), Some(&json!("model")), "{path}");
    }
}
