//! The official `openai` packages of PyPI and npm as callers.

use aisix_tests::openai::{completion, delta, embeddings, error, finish, role, text, usage_chunk};
use aisix_tests::resources::{KEY, MODEL, Resources, UPSTREAM_MODEL};
use aisix_tests::sdk::{Job, Sdk};
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, Upstream};
use serde_json::{Value, json};

async fn pair() -> (Upstream, Server) {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    (upstream, server)
}

fn ask() -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]})
}

fn ask_with(more: Value) -> Value {
    let mut request = ask();
    aisix_tests::resources::merge(&mut request, more);
    request
}

fn weather_tool() -> Value {
    json!([{
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": false,
            },
            "strict": true,
        },
    }])
}

/// One test for each SDK, so that the report says which one fails.
macro_rules! both {
    ($($name:ident)*) => {
        mod python {
            $(#[tokio::test] async fn $name() { super::$name(super::Sdk::Python).await; })*
        }
        mod node {
            $(#[tokio::test] async fn $name() { super::$name(super::Sdk::Node).await; })*
        }
    };
}

both! {
    chats
    streams
    streams_with_the_helper
    calls_tools
    streams_tool_calls
    parses_a_json_schema
    sends_images
    embeds
    lists_and_shows_models
    raises_the_right_exception
    raises_in_the_middle_of_a_stream
    raises_what_the_gateway_says_itself
    tries_again_as_the_headers_say
    shows_the_request_id
}

async fn chats(sdk: Sdk) {
    let (upstream, server) = pair().await;
    let answer = completion("Hello 😀", 9, 3);
    upstream.push(Answer::json(answer.to_string()));
    let request = ask_with(json!({"temperature": 0.5, "user": "someone", "seed": 7}));

    let read = sdk.ok(&server.base_url(), "chat", request).await;

    let mut want = answer;
    want["model"] = json!(MODEL);
    assert_eq!(read, want);
    let seen = upstream.next_request().await;
    let want = json!({
        "model": UPSTREAM_MODEL,
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "user": "someone",
        "seed": 7,
    });
    assert_eq!(seen.json(), want);
    let authorization = seen.header("authorization").unwrap_or_default();
    assert!(!authorization.contains(KEY), "{authorization}");
}

async fn streams(sdk: Sdk) {
    let (upstream, server) = pair().await;
    let chunks = [
        role(),
        text("Hel"),
        text("lo"),
        finish("stop"),
        usage_chunk(9, 2),
    ];
    upstream.push(Answer::events(chunks.clone()));
    upstream.push(Answer::events(chunks.clone()));
    let asked = ask_with(json!({"stream_options": {"include_usage": true}}));
    let job = Job::new(&server.base_url())
        .op("chat_stream", asked)
        .op("chat_stream", ask());

    let results = sdk.run(&job).await;

    let mut want = Value::from(chunks.to_vec());
    for chunk in want.as_array_mut().unwrap() {
        chunk["model"] = json!(MODEL);
    }
    assert_eq!(results[0]["ok"], want);
    want.as_array_mut().unwrap().pop();
    assert_eq!(results[1]["ok"], want, "no usage for whom did not ask");
}

async fn streams_with_the_helper(sdk: Sdk) {
    let (upstream, server) = pair().await;
    upstream.push(Answer::events([
        role(),
        text("Hel"),
        text("lo"),
        finish("stop"),
        usage_chunk(9, 2),
    ]));
    let request = ask_with(json!({"stream_options": {"include_usage": true}}));

    let read = sdk
        .ok(&server.base_url(), "chat_stream_helper", request)
        .await;

    assert_eq!(read["content"], "Hello");
    assert_eq!(read["final"]["model"], MODEL);
    assert_eq!(read["final"]["choices"][0]["finish_reason"], "stop");
    let kinds = read["kinds"].to_string();
    assert!(kinds.contains("content.delta"), "{kinds}");
    assert!(
        kinds.contains("content.done") || sdk == Sdk::Node,
        "{kinds}"
    );
}

async fn calls_tools(sdk: Sdk) {
    let (upstream, server) = pair().await;
    let mut answer = completion("", 20, 10);
    answer["choices"][0]["message"] = json!({
        "role": "assistant",
        "content": null,
        "refusal": null,
        "tool_calls": [
            {"id": "call_1", "type": "function",
             "function": {"name": "weather", "arguments": "{\"city\": \"Bern\"}"}},
            {"id": "call_2", "type": "function",
             "function": {"name": "weather", "arguments": "{\"city\":\"Ulm\""}},
        ],
    });
    answer["choices"][0]["finish_reason"] = json!("tool_calls");
    upstream.push(Answer::json(answer.to_string()));
    upstream.push(Answer::json(completion("Sunny", 40, 1).to_string()));
    let request = ask_with(json!({
        "tools": weather_tool(),
        "tool_choice": "required",
        "parallel_tool_calls": true,
    }));
    let calls = answer["choices"][0]["message"].clone();
    let results = json!([
        {"role": "user", "content": "Hi"},
        calls,
        {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "rain"}]},
    ]);
    let second = ask_with(json!({"tools": weather_tool(), "messages": results}));
    let job = Job::new(&server.base_url())
        .op("chat", request.clone())
        .op("chat", second.clone());

    let read = sdk.run(&job).await;

    let message = &read[0]["ok"]["choices"][0]["message"];
    assert_eq!(message["tool_calls"], calls["tool_calls"]);
    assert_eq!(message["content"], Value::Null);
    assert_eq!(read[0]["ok"]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(read[1]["ok"]["choices"][0]["message"]["content"], "Sunny");
    for mut sent in [request, second] {
        sent["model"] = json!(UPSTREAM_MODEL);
        assert_eq!(upstream.next_request().await.json(), sent);
    }
}

async fn streams_tool_calls(sdk: Sdk) {
    let (upstream, server) = pair().await;
    let open = |index: u64, id: &str| {
        delta(
            json!({"tool_calls": [{"index": index, "id": id, "type": "function",
            "function": {"name": "weather", "arguments": ""}}]}),
        )
    };
    let more = |index: u64, part: &str| {
        delta(json!({"tool_calls": [{"index": index, "function": {"arguments": part}}]}))
    };
    let answer = Answer::events([
        delta(json!({"role": "assistant", "content": null, "refusal": null})),
        open(0, "call_1"),
        more(0, "{\"city\""),
        more(0, ":\"Bern\"}"),
        open(1, "call_2"),
        more(1, "{\"city\":\"Ulm\"}"),
        finish("tool_calls"),
        usage_chunk(20, 10),
    ]);
    upstream.push(answer);
    let request = ask_with(json!({"tools": weather_tool()}));

    let read = sdk
        .ok(&server.base_url(), "chat_stream_helper", request)
        .await;

    let want = json!([
        {"id": "call_1", "name": "weather", "arguments": "{\"city\":\"Bern\"}"},
        {"id": "call_2", "name": "weather", "arguments": "{\"city\":\"Ulm\"}"},
    ]);
    assert_eq!(read["tool_calls"], want);
    assert_eq!(read["final"]["choices"][0]["finish_reason"], "tool_calls");
    let kinds = read["kinds"].to_string();
    assert!(
        kinds.contains("tool_calls.function.arguments.done"),
        "{kinds}"
    );
}

async fn parses_a_json_schema(sdk: Sdk) {
    let (upstream, server) = pair().await;
    let event = r#"{"name":"Fair","participants":["Ann","Bo"]}"#;
    upstream.push(Answer::json(completion(event, 30, 12).to_string()));
    let (one, two) = event.split_at(20);
    upstream.push(Answer::events([
        role(),
        text(one),
        text(two),
        finish("stop"),
        usage_chunk(30, 12),
    ]));
    let job = Job::new(&server.base_url())
        .op("chat_parse", ask())
        .op("chat_stream_helper", ask_with(json!({"parse": true})));

    let read = sdk.run(&job).await;

    let want = json!({"name": "Fair", "participants": ["Ann", "Bo"]});
    assert_eq!(read[0]["ok"], want, "{}", read[0]);
    assert_eq!(read[1]["ok"]["parsed"], want, "{}", read[1]);
    for _ in 0..2 {
        let seen = upstream.next_request().await.json();
        assert_eq!(seen["response_format"]["type"], "json_schema");
        let schema = &seen["response_format"]["json_schema"];
        assert_eq!(schema["name"], "Event");
        assert_eq!(schema["strict"], true);
        assert_eq!(
            schema["schema"]["required"],
            json!(["name", "participants"])
        );
        assert_eq!(schema["schema"]["additionalProperties"], false);
    }
}

async fn sends_images(sdk: Sdk) {
    let (upstream, server) = pair().await;
    upstream.push(Answer::json(completion("A cat", 300, 2).to_string()));
    // Larger than one read of a socket.
    let image = format!(
        "data:image/png;base64,{}",
        "iVBORw0KGgoAAAAN".repeat(20_000)
    );
    let messages = json!([{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": image, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
    ]}]);

    let read = sdk
        .ok(
            &server.base_url(),
            "chat",
            ask_with(json!({"messages": messages})),
        )
        .await;

    assert_eq!(read["choices"][0]["message"]["content"], "A cat");
    assert!(
        upstream.next_request().await.json()["messages"] == messages,
        "the image has changed"
    );
}

async fn embeds(sdk: Sdk) {
    let (upstream, server) = pair().await;
    upstream.push(Answer::json(embeddings(json!([0.5, -2.5]), 4).to_string()));
    upstream.push(Answer::json(
        embeddings(json!("AADAPwAAAL8="), 4).to_string(),
    ));
    let floats = json!({"model": MODEL, "input": "Hello", "encoding_format": "float"});
    let default = json!({"model": MODEL, "input": ["Hello"]});
    let job = Job::new(&server.base_url())
        .op("embeddings", floats)
        .op("embeddings", default);

    let read = sdk.run(&job).await;

    assert_eq!(
        read[0]["ok"]["data"][0]["embedding"],
        json!([0.5, -2.5]),
        "{}",
        read[0]
    );
    assert_eq!(read[0]["ok"]["model"], MODEL);
    assert_eq!(
        read[1]["ok"]["data"][0]["embedding"],
        json!([1.5, -0.5]),
        "{}",
        read[1]
    );
    assert_eq!(
        upstream.next_request().await.json()["encoding_format"],
        "float"
    );
    assert_eq!(
        upstream.next_request().await.json()["encoding_format"],
        "base64"
    );
}

async fn lists_and_shows_models(sdk: Sdk) {
    let (_upstream, server) = pair().await;
    let job = Job::new(&server.base_url())
        .op("models_list", json!({}))
        .op("models_retrieve", json!({"id": MODEL}))
        .op("models_retrieve", json!({"id": "no/such"}));

    let read = sdk.run(&job).await;

    assert_eq!(read[0]["ok"][0]["id"], MODEL, "{}", read[0]);
    assert_eq!(read[1]["ok"]["id"], MODEL, "{}", read[1]);
    assert_eq!(read[1]["ok"]["object"], "model");
    assert_eq!(read[2]["error"]["class"], "NotFoundError", "{}", read[2]);
    assert_eq!(read[2]["error"]["code"], "model_not_found");
}

async fn raises_the_right_exception(sdk: Sdk) {
    let (upstream, server) = pair().await;
    let cases = [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (409, "ConflictError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
    ];
    let mut job = Job::new(&server.base_url());
    for (status, _) in cases {
        let body = error("No.", "a_type", Some("messages[0]"), Some("a_code"));
        upstream.push(Answer::error(status, &body).header("retry-after", "3"));
        job = job.op("chat", ask());
    }
    upstream.push(Answer::error(503, &json!({"error": "secret"})));
    job = job.op("chat", ask());

    let read = sdk.run(&job).await;

    for ((status, class), read) in cases.iter().zip(&read) {
        let raised = &read["error"];
        assert_eq!(raised["class"], *class, "{read}");
        assert_eq!(raised["status_code"], *status, "{read}");
        assert_eq!(raised["type"], "a_type", "{read}");
        assert_eq!(raised["code"], "a_code", "{read}");
        assert_eq!(raised["param"], "messages[0]", "{read}");
        assert_eq!(raised["body"]["message"], "No.", "{read}");
    }
    assert_eq!(read[6]["error"]["retry_after"], "3");
    let last = &read[7]["error"];
    assert_eq!(last["class"], "InternalServerError", "{last}");
    assert_eq!(last["type"], "upstream_error");
    assert!(!last.to_string().contains("secret"), "{last}");
}

async fn raises_in_the_middle_of_a_stream(sdk: Sdk) {
    let (upstream, server) = pair().await;
    upstream.push(Answer::stream().event(&role()).event(&text("half")).cut());
    upstream.push(Answer::stream().event(&role()).event(&text("half")).cut());

    for op in ["chat_stream", "chat_stream_helper"] {
        let raised = sdk.error(&server.base_url(), op, ask()).await;
        assert_eq!(raised["class"], "APIError", "{raised}");
        assert_eq!(raised["type"], "transport_error", "{raised}");
    }
}

async fn raises_what_the_gateway_says_itself(sdk: Sdk) {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream)
        .api_key("sk-other", &["other"], json!({}))
        .api_key("sk-off", &["*"], json!({"disabled": true}))
        .api_key(
            "sk-none-left",
            &["*"],
            json!({"rate_limit": {"concurrency": 0, "rpd": 0}}),
        );
    let server = Server::start(&resources).await;
    for (key, request, class, kind, code) in [
        (
            "sk-unknown",
            ask(),
            "AuthenticationError",
            "invalid_api_key",
            json!("invalid_api_key"),
        ),
        (
            "sk-off",
            ask(),
            "AuthenticationError",
            "invalid_api_key",
            json!("api_key_disabled"),
        ),
        (
            "sk-other",
            ask(),
            "PermissionDeniedError",
            "permission_denied",
            json!("model_access_forbidden"),
        ),
        (
            KEY,
            ask_with(json!({"model": "nope"})),
            "NotFoundError",
            "model_not_found",
            json!("model_not_found"),
        ),
        (
            KEY,
            ask_with(json!({"messages": []})),
            "BadRequestError",
            "invalid_request_error",
            json!("empty_array"),
        ),
    ] {
        let job = Job::new(&server.base_url()).key(key).op("chat", request);
        let read = sdk.run(&job).await;
        let raised = &read[0]["error"];
        assert_eq!(raised["class"], class, "{raised}");
        assert_eq!(raised["type"], kind, "{raised}");
        assert_eq!(raised["code"], code, "{raised}");
    }
    assert_eq!(upstream.calls(), 0);
}

async fn tries_again_as_the_headers_say(sdk: Sdk) {
    let (upstream, server) = pair().await;
    let limited = error("Slow down", "requests", None, Some("rate_limit_exceeded"));
    upstream.push(Answer::error(429, &limited).header("retry-after", "1"));
    upstream.push(Answer::json(completion("Hi", 1, 1).to_string()));
    let job = Job::new(&server.base_url())
        .retries(1)
        .op("chat_raw", ask());

    let since = std::time::Instant::now();
    let read = sdk.run(&job).await;

    assert_eq!(read[0]["ok"]["retries_taken"], 1, "{}", read[0]);
    assert!(since.elapsed().as_millis() >= 1000, "{:?}", since.elapsed());
    assert_eq!(upstream.calls(), 2);
    let headers = &read[0]["ok"]["headers"];
    assert!(
        headers["server"]
            .as_str()
            .is_some_and(|name| name.starts_with("AISIX/")),
        "{headers}"
    );
    assert!(headers["x-aisix-request-id"].is_string(), "{headers}");
}

async fn shows_the_request_id(sdk: Sdk) {
    let (upstream, server) = pair().await;
    upstream
        .push(Answer::json(completion("Hi", 1, 1).to_string()).header("x-request-id", "req_up"));
    upstream
        .push(Answer::json(completion("Hi", 1, 1).to_string()).header("x-request-id", "req_up"));
    let job = Job::new(&server.base_url())
        .op("chat_raw", ask())
        .op("chat_id", ask());

    let read = sdk.run(&job).await;

    let headers = &read[0]["ok"]["headers"];
    assert_eq!(
        headers["x-aisix-request-id"].as_str().map(str::len),
        Some(36),
        "{headers}"
    );
    // What an SDK shows as the id of a request is an id that the gateway's operator can find.
    let shown = read[1]["ok"].as_str().unwrap_or_default();
    assert!(!shown.is_empty(), "{}", read[1]);
}
