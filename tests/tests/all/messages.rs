//! `/v1/messages` and `/v1/messages/count_tokens`, in front of every vendor.

use aisix_tests::anthropic::{ask, block, error, events, message, start, stream, text};
use aisix_tests::client::Reply;
use aisix_tests::openai::{role, text as chat_text};
use aisix_tests::resources::{KEY, UPSTREAM_KEY};
use aisix_tests::sdk::{Job, Sdk};
use aisix_tests::server::Server;
use aisix_tests::splice::with_model;
use aisix_tests::upstream::{Answer, Gate, Upstream};
use aisix_tests::vendors::{self, Vendor};
use serde_json::{Value, json};

const CLAUDE: &str = "team/claude";

async fn post(server: &Server, request: &Value) -> Reply {
    server
        .client()
        .post("/v1/messages", request.to_string())
        .await
}

fn streamed(mut request: Value) -> Value {
    request["stream"] = json!(true);
    request
}

/// Fails unless this is an error of Anthropic's shape with these words.
#[track_caller]
fn is_error(reply: &Reply, status: u16, kind: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let body = reply.json();
    assert_eq!(body["type"], "error", "{body}");
    assert_eq!(body["error"]["type"], kind, "{body}");
    let message = body["error"]["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{body}");
    assert!(reply.header("request-id").is_some(), "{:?}", reply.headers);
}

/// The error that ends a stream which had begun.
#[track_caller]
fn broken_off(body: &[u8]) -> Value {
    let body = String::from_utf8_lossy(body);
    let (_, last) = body
        .rsplit_once("event: error\n")
        .unwrap_or_else(|| panic!("no error: {body}"));
    let data = last.strip_prefix("data: ").unwrap_or_default().trim_end();
    let error: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {last}"));
    assert_eq!(error["type"], "error", "{error}");
    assert!(!body.contains("message_stop"), "{body}");
    error["error"].clone()
}

// === who asks ===

#[tokio::test]
async fn passes_a_native_callers_words_to_anthropic() {
    let (upstream, server) = vendors::start().await;
    let answer = message("Hi", 3, 2).to_string();
    upstream.push(Answer::json(answer.clone()).header("request-id", "req_upstream"));
    let request = r#"{ "max_tokens":7,"model" : "team/claude", "novel":{"x":1.50}, "messages":[{"role":"user","content":"é\u2028"}]}"#;

    let reply = server
        .client()
        .without_key()
        .with("x-api-key", KEY)
        .with("anthropic-version", "2026-10-21")
        .with("anthropic-beta", "one-2026-01-01,two-2026-02-02")
        .with("cookie", "session=secret")
        .with("x-forwarded-for", "10.0.0.1")
        .post("/v1/messages?beta=true", request)
        .await
        .ok();

    assert_eq!(
        reply.text().as_bytes(),
        with_model(answer.as_bytes(), CLAUDE)
    );
    assert_eq!(reply.header("request-id"), Some("req_upstream"));
    let seen = upstream.next_request().await;
    let want = with_model(request.as_bytes(), Vendor::Anthropic.upstream_model());
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(&want)
    );
    assert_eq!(seen.uri.path(), "/v1/messages");
    assert_eq!(seen.header("x-api-key"), Some(UPSTREAM_KEY));
    assert_eq!(seen.header("anthropic-version"), Some("2026-10-21"));
    assert_eq!(
        seen.header("anthropic-beta"),
        Some("one-2026-01-01,two-2026-02-02")
    );
    for name in ["authorization", "cookie", "x-forwarded-for"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert!(
        !format!("{:?}", seen.headers).contains(KEY),
        "{:?}",
        seen.headers
    );
}

#[tokio::test]
async fn passes_every_line_of_a_header_that_repeats() {
    let (upstream, server) = vendors::start().await;
    upstream.push(Answer::json(message("Hi", 3, 2).to_string()));
    let body = ask(CLAUDE, "Hi").to_string();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-length: {}\r\n\
         anthropic-beta: one-2026-01-01\r\nanthropic-beta: two-2026-02-02\r\n\r\n",
        body.len()
    );

    let mut raw = aisix_tests::raw::RawClient::connect(server.addr()).await;
    raw.send((head + &body).as_bytes()).await.unwrap();
    let reply = raw.reply().await.expect("an answer");

    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = upstream.next_request().await;
    let lines = seen.headers.get_all("anthropic-beta").iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
    assert_eq!(lines.join(","), "one-2026-01-01,two-2026-02-02");
}

#[tokio::test]
async fn keeps_a_native_callers_headers_from_other_vendors() {
    let (upstream, server) = vendors::start().await;
    for vendor in [Vendor::OpenAi, Vendor::Gemini] {
        upstream.push(vendor.says("Hi", 3, 2));
        let reply = server
            .client()
            .with("anthropic-version", "2023-06-01")
            .with("anthropic-beta", "novel-2026-01-01")
            .post("/v1/messages", ask(vendor.model(), "Hi").to_string())
            .await
            .ok();

        assert_eq!(reply.json()["content"][0]["text"], "Hi", "{vendor:?}");
        let seen = upstream.next_request().await;
        for name in ["anthropic-version", "anthropic-beta", "x-api-key"] {
            assert_eq!(seen.header(name), None, "{vendor:?} {name}");
        }
    }
}

#[tokio::test]
async fn takes_the_key_in_either_header() {
    let (upstream, server) = vendors::start().await;
    let client = server.client().without_key();
    let body = ask(CLAUDE, "Hi").to_string();
    for (name, value, status) in [
        ("x-api-key", KEY.to_owned(), 200),
        ("authorization", format!("Bearer {KEY}"), 200),
        ("x-api-key", "sk-unknown".to_owned(), 401),
        ("authorization", KEY.to_owned(), 401),
        ("authorization", "Bearer sk-unknown".to_owned(), 401),
    ] {
        if status == 200 {
            upstream.push(Answer::json(message("Hi", 3, 2).to_string()));
        }
        let client = client.clone().with(name, &value);
        let reply = client.post("/v1/messages", body.clone()).await;
        assert_eq!(reply.status, status, "{name}: {value}: {}", reply.text());
        if status == 401 {
            is_error(&reply, 401, "authentication_error");
        }
    }
    let reply = client.post("/v1/messages", body).await;
    is_error(&reply, 401, "authentication_error");
}

// === errors ===

#[tokio::test]
async fn raises_the_right_exception_in_python() {
    raises_the_right_exception(Sdk::Python).await;
}

#[tokio::test]
async fn raises_the_right_exception_in_node() {
    raises_the_right_exception(Sdk::Node).await;
}

async fn raises_the_right_exception(sdk: Sdk) {
    let upstream = Upstream::start().await;
    let resources = vendors::resources(&upstream)
        .api_key("sk-other", &["other"], json!({}))
        .api_key("sk-none-left", &["*"], json!({"rate_limit": {"rpd": 0}}));
    let server = Server::start(&resources).await;
    for (key, model, class, status, kind) in [
        (
            "sk-unknown",
            CLAUDE,
            "AuthenticationError",
            401,
            "authentication_error",
        ),
        (
            "sk-other",
            CLAUDE,
            "PermissionDeniedError",
            403,
            "permission_error",
        ),
        (KEY, "nope", "NotFoundError", 404, "not_found_error"),
        (
            "sk-none-left",
            CLAUDE,
            "RateLimitError",
            429,
            "rate_limit_error",
        ),
        (KEY, "", "BadRequestError", 400, "invalid_request_error"),
    ] {
        let job = Job::new(&server.base_url())
            .key(key)
            .op("messages", ask(model, "Hi"))
            .op("messages_stream", ask(model, "Hi"))
            .op(
                "count_tokens",
                json!({"model": model, "messages": ask(model, "Hi")["messages"]}),
            );
        for read in sdk.run(&job).await {
            let raised = &read["error"];
            assert_eq!(raised["class"], class, "{read}");
            assert_eq!(raised["status_code"], status, "{raised}");
            let body = &raised["body"];
            assert_eq!(body["type"], "error", "{raised}");
            assert_eq!(body["error"]["type"], kind, "{raised}");
            assert!(raised["request_id"].is_string(), "{raised}");
            if status == 429 {
                assert!(raised["retry_after"].is_string(), "{raised}");
            }
        }
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn raises_what_the_upstream_says_in_python() {
    raises_what_the_upstream_says(Sdk::Python).await;
}

#[tokio::test]
async fn raises_what_the_upstream_says_in_node() {
    raises_what_the_upstream_says(Sdk::Node).await;
}

async fn raises_what_the_upstream_says(sdk: Sdk) {
    let (upstream, server) = vendors::start().await;
    let cases = [
        (400, "BadRequestError", "invalid_request_error"),
        (403, "PermissionDeniedError", "permission_error"),
        (404, "NotFoundError", "not_found_error"),
        (429, "RateLimitError", "rate_limit_error"),
    ];
    let mut job = Job::new(&server.base_url());
    let mut want = Vec::new();
    for vendor in Vendor::ALL {
        for case in cases {
            upstream.push(vendor.refuses(case.0, "The upstream's words"));
            job = job.op("messages", ask(vendor.model(), "Hi"));
            want.push((vendor, case));
        }
    }

    for (read, (vendor, (status, class, kind))) in sdk.run(&job).await.iter().zip(want) {
        let raised = &read["error"];
        assert_eq!(raised["class"], class, "{vendor:?}: {read}");
        assert_eq!(raised["status_code"], status, "{vendor:?}: {raised}");
        let body = &raised["body"]["error"];
        assert_eq!(
            body["message"], "The upstream's words",
            "{vendor:?}: {raised}"
        );
        // The type is the upstream's own where it has one; Anthropic's are kept to the letter.
        if vendor == Vendor::Anthropic {
            assert_eq!(body["type"], kind, "{raised}");
        }
    }
}

#[tokio::test]
async fn says_what_is_missing_in_anthropics_words() {
    let (upstream, server) = vendors::start().await;
    for vendor in Vendor::ALL {
        for request in [
            json!({"model": vendor.model(), "max_tokens": 1}),
            json!({"model": vendor.model(), "max_tokens": 1, "messages": []}),
            json!({"max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}),
        ] {
            is_error(&post(&server, &request).await, 400, "invalid_request_error");
        }
    }
    let broken = server.client().post("/v1/messages", "{\"model\":").await;
    is_error(&broken, 400, "invalid_request_error");
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn hides_a_failing_upstream() {
    let (upstream, server) = vendors::start().await;
    for vendor in Vendor::ALL {
        upstream.push(Answer::body(500, "text/html", "<html>db-7.internal</html>"));
        let reply = post(&server, &ask(vendor.model(), "Hi")).await;
        is_error(&reply, 502, "api_error");
        assert!(!reply.text().contains("db-7"), "{}", reply.text());
        upstream.push(Answer::json("{\"half\": ["));
        is_error(
            &post(&server, &ask(vendor.model(), "Hi")).await,
            502,
            "api_error",
        );
    }
}

#[tokio::test]
async fn refuses_by_name_what_a_vendor_cannot_be_told() {
    let (upstream, server) = vendors::start().await;
    for vendor in [Vendor::OpenAi, Vendor::Gemini] {
        let mut request = ask(vendor.model(), "Hi");
        request["mcp_servers"] = json!([{"type": "url", "url": "https://mcp.example"}]);
        let reply = post(&server, &request).await;
        is_error(&reply, 400, "invalid_request_error");
        assert!(reply.text().contains("mcp_servers"), "{}", reply.text());
    }
    assert_eq!(upstream.calls(), 0);
}

// === streams ===

#[tokio::test]
async fn passes_a_native_stream_but_for_the_model() {
    let (upstream, server) = vendors::start().await;
    let answer = stream("Hi", 3, 2);
    upstream.push(answer.clone());

    let request = streamed(ask(CLAUDE, "Hi")).to_string();
    let reply = server.client().open_bytes("/v1/messages", request).await;

    assert_eq!(reply.status, 200);
    let body = reply.text().await;
    let want = String::from_utf8(answer.bytes()).unwrap();
    let want = want.replace(Vendor::Anthropic.upstream_model(), CLAUDE);
    assert_eq!(body, want);
}

#[tokio::test]
async fn tells_of_a_stream_that_is_cut() {
    let (upstream, server) = vendors::start().await;
    for vendor in Vendor::ALL {
        upstream.push(vendor.breaks_off("half a wo"));
        let request = streamed(ask(vendor.model(), "Hi")).to_string();

        let reply = server.client().open_bytes("/v1/messages", request).await;
        assert_eq!(reply.status, 200, "{vendor:?}");
        let (body, _) = reply.rest().await;

        let said = String::from_utf8_lossy(&body).into_owned();
        assert!(said.contains("half a wo"), "{vendor:?}: {said}");
        assert_eq!(broken_off(&body)["type"], "api_error", "{vendor:?}: {said}");
    }
}

#[tokio::test]
async fn raises_in_the_middle_of_a_stream() {
    let (upstream, server) = vendors::start().await;
    for sdk in Sdk::ALL {
        let mut job = Job::new(&server.base_url());
        for vendor in Vendor::ALL {
            for op in ["messages_stream", "messages_stream_helper"] {
                upstream.push(vendor.breaks_off("half a wo"));
                job = job.op(op, ask(vendor.model(), "Hi"));
            }
        }
        for read in sdk.run(&job).await {
            assert!(
                read["error"]["body"]["error"]["type"].is_string(),
                "{sdk:?}: {read}"
            );
        }
    }
}

#[tokio::test]
async fn gives_an_error_at_the_head_of_a_stream_its_status() {
    let (upstream, server) = vendors::start().await;
    for (kind, status) in [
        ("overloaded_error", 503),
        ("api_error", 502),
        ("rate_limit_error", 429),
        ("invalid_request_error", 400),
    ] {
        for path in ["/v1/messages", "/v1/chat/completions"] {
            upstream.push(events([error(kind, "The upstream's words")]));
            let request = streamed(ask(CLAUDE, "Hi")).to_string();
            let reply = server.client().post(path, request).await;
            assert_eq!(reply.status, status, "{path} {kind}: {}", reply.text());
            if path == "/v1/messages" {
                is_error(&reply, status, kind);
            }
        }
    }
}

#[tokio::test]
async fn tries_again_after_an_error_at_the_head_of_a_stream() {
    let (upstream, server) =
        vendors::start_with(|builder| builder.config(json!({"upstream": {"retries": 1}}))).await;
    for path in ["/v1/messages", "/v1/chat/completions"] {
        let ping = json!({"type": "ping"});
        upstream.push(events([
            ping.clone(),
            error("overloaded_error", "Overloaded"),
        ]));
        upstream.push(stream("second", 3, 2));

        let request = streamed(ask(CLAUDE, "Hi")).to_string();
        let reply = server.client().post(path, request).await.ok();

        assert!(reply.text().contains("second"), "{path}: {}", reply.text());
    }
    assert_eq!(upstream.calls(), 4);
}

#[tokio::test]
async fn passes_on_an_error_in_the_middle_of_a_stream() {
    let (upstream, server) = vendors::start().await;
    upstream.push(events([
        start(3),
        block(),
        text("half a wo"),
        error("overloaded_error", "Overloaded"),
    ]));

    let request = streamed(ask(CLAUDE, "Hi")).to_string();
    let reply = server.client().open_bytes("/v1/messages", request).await;
    let (body, _) = reply.rest().await;

    assert_eq!(broken_off(&body)["type"], "overloaded_error");
}

#[tokio::test]
async fn keeps_a_silent_stream_alive_with_pings() {
    let keep_alive = json!({"downstream": {"sse_keepalive_interval_secs": 1}});
    let (upstream, server) = vendors::start_with(|builder| builder.config(keep_alive)).await;
    let gate = Gate::new();
    let begun = [
        (CLAUDE, events([start(3), block(), text("a")])),
        (
            "team/gpt",
            Answer::stream().event(&role()).event(&chat_text("a")),
        ),
    ];
    for (model, answer) in begun {
        upstream.push(answer.wait(&gate).cut());
        let request = streamed(ask(model, "Hi")).to_string();
        let mut reply = server.client().open_bytes("/v1/messages", request).await;
        loop {
            let event = reply.next_event().await.expect("an event");
            if event.contains("\"a\"") {
                break;
            }
        }
        let silent = reply.next_event().await.expect("a ping");
        gate.open();

        let (name, data) = silent.split_once('\n').unwrap_or_default();
        assert_eq!(name, "event: ping", "{model}: {silent:?}");
        let data = data.strip_prefix("data: ").expect("data");
        let data: Value = serde_json::from_str(data.trim_end()).expect("JSON");
        assert_eq!(data, json!({"type": "ping"}), "{model}");
        reply.rest().await;
    }
}

// === counting tokens ===

#[tokio::test]
async fn asks_a_vendor_that_counts_tokens() {
    let (upstream, server) = vendors::start().await;
    upstream.push(Answer::json(r#"{"input_tokens":2095}"#));
    upstream.push(Answer::json(
        r#"{"totalTokens":31,"promptTokensDetails":[]}"#,
    ));

    for (vendor, path, count) in [
        (Vendor::Anthropic, "/v1/messages/count_tokens", 2095),
        (Vendor::Gemini, ":countTokens", 31),
    ] {
        let mut request = ask(vendor.model(), "Hi");
        request.as_object_mut().unwrap().remove("max_tokens");
        let reply = server
            .client()
            .post("/v1/messages/count_tokens?beta=true", request.to_string())
            .await
            .ok();
        assert_eq!(reply.json()["input_tokens"], count, "{vendor:?}");
        assert_eq!(reply.header("x-aisix-estimated"), None, "{vendor:?}");
        let seen = upstream.next_request().await;
        assert!(seen.uri.path().ends_with(path), "{vendor:?}: {}", seen.uri);
    }
}

#[tokio::test]
async fn estimates_tokens_for_a_vendor_that_does_not_count() {
    let (upstream, server) = vendors::start().await;
    let long = "word ".repeat(400);
    for sdk in Sdk::ALL {
        let mut job = Job::new(&server.base_url());
        for text in ["Hi", &long] {
            let messages = &ask("", text)["messages"];
            let request = json!({"model": Vendor::OpenAi.model(), "messages": messages});
            job = job.op("count_tokens_raw", request);
        }
        let read = sdk.run(&job).await;
        let [short, long] = [&read[0]["ok"], &read[1]["ok"]];
        for read in [short, long] {
            assert_eq!(read["headers"]["x-aisix-estimated"], "true", "{read}");
        }
        let [short, long] = [short, long].map(|read| read["count"]["input_tokens"].as_u64());
        assert!(short < Some(20) && short > Some(0), "{short:?}");
        assert!(long > Some(200) && long < Some(1000), "{long:?}");
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn says_the_same_usage_in_a_stream_as_in_a_whole_answer() {
    let (upstream, server) = vendors::start().await;
    let usage = json!({
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 5},
    });
    let mut whole = aisix_tests::openai::completion("Hi", 0, 0);
    whole["usage"] = usage.clone();
    let mut last = aisix_tests::openai::usage_chunk(0, 0);
    last["usage"] = usage;
    upstream.push(Answer::json(whole.to_string()));
    let finish = aisix_tests::openai::finish("stop");
    upstream.push(Answer::events([role(), chat_text("Hi"), finish, last]));
    let job = Job::new(&server.base_url())
        .op("messages", ask("team/gpt", "Hi"))
        .op("messages_stream_helper", ask("team/gpt", "Hi"));

    let read = Sdk::Python.run(&job).await;

    for usage in [&read[0]["ok"]["usage"], &read[1]["ok"]["final"]["usage"]] {
        assert_eq!(usage["input_tokens"], 40, "{usage}");
        assert_eq!(usage["cache_read_input_tokens"], 60, "{usage}");
        assert_eq!(usage["output_tokens"], 20, "{usage}");
    }
}
