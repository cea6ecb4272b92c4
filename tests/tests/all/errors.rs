//! Every row of the contract's error table that is built, and retries.

use aisix_tests::binary::free_port;
use aisix_tests::openai::{ask, ask_stream, completion, error, finish, role};
use aisix_tests::resources::{KEY, MODEL, Resources, UPSTREAM_KEY, UPSTREAM_MODEL};
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, End, Gate, Upstream, raw};
use http::Method;
use serde_json::{Value, json};

async fn pair() -> (Upstream, Server) {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    (upstream, server)
}

fn ask_model(name: &str) -> Value {
    let mut request = ask("Hi");
    request["model"] = json!(name);
    request
}

// === what the caller did ===

#[tokio::test]
async fn refuses_a_missing_malformed_or_unknown_key() {
    let (upstream, server) = pair().await;
    let bare = server.client().without_key();
    let basic = "Basic c2stY2FsbGVyOg==";

    for (what, client) in [
        ("no key", bare.clone()),
        ("an unknown key", bare.clone().with_key("sk-unknown")),
        ("a raw token", bare.clone().with("authorization", KEY)),
        ("Basic", bare.clone().with("authorization", basic)),
        (
            "an empty Bearer",
            bare.clone().with("authorization", "Bearer "),
        ),
        ("Bearer alone", bare.clone().with("authorization", "Bearer")),
        ("an empty header", bare.clone().with("authorization", "")),
        ("an empty x-api-key", bare.clone().with("x-api-key", "")),
        (
            "an unknown x-api-key",
            bare.clone().with("x-api-key", "sk-unknown"),
        ),
        (
            "a key with a tail",
            bare.clone().with_key(&format!("{KEY}x")),
        ),
    ] {
        for reply in [
            client.chat(&ask("Hi")).await,
            client.get("/v1/models").await,
        ] {
            assert_eq!(reply.status, 401, "{what}: {}", reply.text());
            reply.is_error(401, "invalid_api_key", Some("invalid_api_key"));
            assert!(!reply.text().contains(KEY), "{what}: {}", reply.text());
        }
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn refuses_an_expired_and_a_disabled_key() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = Resources::over(&upstream)
        .api_key(
            "sk-old",
            &["*"],
            json!({"expires_at": "2020-01-01T00:00:00Z"}),
        )
        .api_key(
            "sk-young",
            &["*"],
            json!({"expires_at": "2999-01-01T01:00:00+01:00"}),
        )
        .api_key("sk-off", &["*"], json!({"disabled": true}));
    let server = Server::start(&resources).await;
    let client = server.client();

    let old = client.clone().with_key("sk-old").chat(&ask("Hi")).await;
    old.is_error(401, "invalid_api_key", Some("api_key_expired"));
    let off = client.clone().with_key("sk-off").chat(&ask("Hi")).await;
    off.is_error(401, "invalid_api_key", Some("api_key_disabled"));
    client.with_key("sk-young").chat(&ask("Hi")).await.ok();
}

#[tokio::test]
async fn refuses_a_model_that_the_key_may_not_use() {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream)
        .api_key("sk-other", &["other", "elsewhere/*"], json!({}))
        .api_key("sk-nothing", &[], json!({}));
    let server = Server::start(&resources).await;

    for key in ["sk-other", "sk-nothing"] {
        let reply = server.client().with_key(key).chat(&ask("Hi")).await;
        reply.is_error(403, "permission_denied", Some("model_access_forbidden"));
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn refuses_an_unknown_model() {
    let (_upstream, server) = pair().await;

    let reply = server.client().chat(&ask_model("no-such-model")).await;

    let error = reply.is_error(404, "model_not_found", Some("model_not_found"));
    assert!(
        error["message"].as_str().unwrap().contains("no-such-model"),
        "{error}"
    );
}

#[tokio::test]
async fn names_the_parameter_that_is_missing_or_empty() {
    let (upstream, server) = pair().await;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let missing = Some("missing_required_parameter");
    for (request, param, code) in [
        (json!({"messages": messages}), "model", missing),
        (json!({"model": "", "messages": messages}), "model", None),
        (json!({"model": null, "messages": messages}), "model", None),
        (json!({"model": 7, "messages": messages}), "model", None),
        (
            json!({"model": [MODEL], "messages": messages}),
            "model",
            None,
        ),
        (json!({"model": MODEL}), "messages", missing),
        (
            json!({"model": MODEL, "messages": null}),
            "messages",
            missing,
        ),
        (
            json!({"model": MODEL, "messages": []}),
            "messages",
            Some("empty_array"),
        ),
        (
            json!({"model": MODEL, "messages": messages, "stream": "yes"}),
            "stream",
            None,
        ),
    ] {
        let reply = server.client().chat(&request).await;
        let error = reply.is_error(400, "invalid_request_error", code);
        assert_eq!(error["param"], param, "{request}");
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn says_404_and_405_for_paths_and_methods_that_it_has_not() {
    let (_upstream, server) = pair().await;
    let client = server.client();

    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v2/chat/completions",
        "/v1/chat/completions/x",
    ] {
        let reply = client.send(Method::POST, path, "{}".into()).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        assert_eq!(
            reply.json()["error"]["type"],
            "invalid_request_error",
            "{path}"
        );
    }
    for (method, path) in [
        (Method::GET, "/v1/chat/completions"),
        (Method::PUT, "/v1/embeddings"),
        (Method::POST, "/v1/models"),
    ] {
        let reply = client.send(method, path, "{}".into()).await;
        assert_eq!(reply.status, 405, "{path}: {}", reply.text());
        assert!(
            reply.headers.contains_key("allow"),
            "{path}: {:?}",
            reply.headers
        );
    }
}

// === what the upstream did ===

#[tokio::test]
async fn passes_an_upstreams_4xx_on() {
    let (upstream, server) = pair().await;
    for (status, kind, code, param) in [
        (
            400,
            "invalid_request_error",
            Some("context_length_exceeded"),
            Some("messages"),
        ),
        (401, "invalid_request_error", Some("invalid_api_key"), None),
        (
            403,
            "request_forbidden",
            Some("unsupported_country_region_territory"),
            None,
        ),
        (404, "invalid_request_error", Some("model_not_found"), None),
        (409, "conflict", None, None),
        (413, "invalid_request_error", None, None),
        (422, "unprocessable", Some("x"), Some("tools[0].function")),
        (429, "insufficient_quota", Some("insufficient_quota"), None),
    ] {
        upstream.push(Answer::error(
            status,
            &error("The upstream's words", kind, param, code),
        ));

        let reply = server.client().chat(&ask("Hi")).await;

        let error = reply.is_error(status, kind, code);
        assert_eq!(error["message"], "The upstream's words");
        assert_eq!(error["param"].as_str(), param);
    }
    assert_eq!(upstream.calls(), 8, "a 4xx is not tried again");
}

#[tokio::test]
async fn keeps_an_upstreams_retry_after() {
    let (upstream, server) = pair().await;
    let limited = error("Slow down", "requests", None, Some("rate_limit_exceeded"));
    upstream.push(Answer::error(429, &limited).header("retry-after", "17"));

    let reply = server.client().chat(&ask("Hi")).await;

    reply.is_error(429, "requests", Some("rate_limit_exceeded"));
    assert_eq!(reply.header("retry-after"), Some("17"));
}

#[tokio::test]
async fn understands_a_4xx_in_any_form() {
    let (upstream, server) = pair().await;
    let bodies = [
        ("text/html", "<html><body>Forbidden</body></html>"),
        ("text/plain", ""),
        ("application/json", "{}"),
        ("application/json", "[1]"),
        ("application/json", "{\"error\":\"a string\"}"),
        ("application/json", "{\"detail\":\"fastapi\"}"),
        (
            "application/json",
            "{\"error\":{\"message\":{\"a\":1},\"code\":7}}",
        ),
        (
            "application/octet-stream",
            "{\"error\":{\"message\":\"m\",\"type\":\"t\"}}",
        ),
    ];
    for (content_type, body) in bodies {
        upstream.push(Answer::body(403, content_type, body));
        let reply = server.client().chat(&ask("Hi")).await;
        assert_eq!(reply.status, 403, "{body}: {}", reply.text());
        let error = &reply.json()["error"];
        assert!(
            error["message"].is_string() && error["type"].is_string(),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn hides_an_upstreams_5xx() {
    let (upstream, server) = pair().await;
    for status in [500, 501, 502, 503, 504, 529] {
        let body =
            json!({"error": {"message": "stack trace of db-7.internal", "type": "server_error"}});
        upstream.push(Answer::error(status, &body));

        let reply = server.client().chat(&ask("Hi")).await;

        reply.is_error(502, "upstream_error", None);
        assert!(!reply.text().contains("db-7"), "{}", reply.text());
    }
    let logged = aisix_tests::wait::until("the upstream's body in the log", || async {
        server.log().contains("db-7.internal").then_some(())
    });
    logged.await;
}

#[tokio::test]
async fn calls_an_answer_that_it_cannot_read_by_its_name() {
    let (upstream, server) = pair().await;
    for (content_type, body) in [
        ("text/html", "<html><body>Welcome to the edge</body></html>"),
        ("application/json", ""),
        ("application/json", "{\"id\":\"x\", \"choices\": ["),
        ("application/json", "null"),
        ("application/json", "\u{feff}{"),
    ] {
        upstream.push(Answer::body(200, content_type, body));
        let reply = server.client().chat(&ask("Hi")).await;
        reply.is_error(502, "upstream_decode_error", None);
        assert!(!reply.text().contains("edge"), "{}", reply.text());
    }
}

#[tokio::test]
async fn says_502_when_nobody_answers() {
    let upstream = Upstream::start().await;
    let (garbage, serve_garbage) = raw(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    let (mute, serve_mute) = raw(b"").await;
    tokio::spawn(serve_garbage);
    tokio::spawn(serve_mute);
    let closed = free_port();
    let resources = Resources::over(&upstream)
        .provider_key("garbage", "openai", &format!("http://{garbage}/v1"))
        .provider_key("mute", "openai", &format!("http://{mute}/v1"))
        .provider_key("closed", "openai", &format!("http://127.0.0.1:{closed}/v1"))
        .provider_key("nameless", "openai", "http://no-such-host.invalid/v1")
        .model("garbage", "garbage", "m")
        .model("mute", "mute", "m")
        .model("closed", "closed", "m")
        .model("nameless", "nameless", "m");
    let server = Server::start(&resources).await;

    for model in ["garbage", "mute", "closed", "nameless"] {
        let reply = server.client().chat(&ask_model(model)).await;
        assert_eq!(reply.status, 502, "{model}: {}", reply.text());
        reply.is_error(502, "transport_error", None);
    }
    upstream.push(Answer::json(completion("lost", 1, 1).to_string()).cut_after(30));
    let reply = server.client().chat(&ask("Hi")).await;
    reply.is_error(502, "transport_error", None);
}

#[tokio::test]
async fn says_504_when_the_upstream_is_too_slow() {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream).model_with(
        "quick",
        "up",
        UPSTREAM_MODEL,
        json!({"timeout": 150}),
    );
    let server = Server::start(&resources).await;
    let half = Answer::status(200)
        .header("content-type", "application/json")
        .send("{\"id\":");

    for slow in [Answer::status(200).silent(), half.stall()] {
        upstream.push(slow);
        let reply = server.client().chat(&ask_model("quick")).await;
        reply.is_error(504, "timeout", None);
        assert_eq!(upstream.next_request().await.ended().await, End::Cancelled);
    }
}

#[tokio::test]
async fn takes_upstream_timeouts_from_the_configuration() {
    let upstream = Upstream::start().await;
    let server = Server::builder()
        .resources(&Resources::over(&upstream))
        .config(json!({"upstream": {"timeout_ms": 150, "stream_timeout_ms": 150}}))
        .start()
        .await;

    upstream.push(Answer::status(200).silent());
    server
        .client()
        .chat(&ask("Hi"))
        .await
        .is_error(504, "timeout", None);
    upstream.push(Answer::stream().stall());
    server
        .client()
        .chat(&ask_stream("Hi"))
        .await
        .is_error(504, "timeout", None);
}

// === what the operator did ===

#[tokio::test]
async fn says_so_when_a_provider_credential_is_no_valid_header() {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream)
        .provider_key_row(json!({
            "id": "bad",
            "display_name": "bad",
            "provider": "openai",
            "api_key": "sk-with\na line break",
            "api_base": upstream.api_base(),
        }))
        .model("bad", "bad", "m");
    let server = Server::start(&resources).await;

    let reply = server.client().chat(&ask_model("bad")).await;

    reply.is_error(401, "authentication_error", None);
    assert!(!reply.text().contains("line break"), "{}", reply.text());
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn says_400_for_a_vendor_that_has_no_known_address() {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream)
        .provider_key_row(json!({
            "id": "nowhere",
            "display_name": "nowhere",
            "provider": "some-vendor",
            "api_key": UPSTREAM_KEY,
        }))
        .model("nowhere", "nowhere", "m");
    let server = Server::start(&resources).await;

    let reply = server.client().chat(&ask_model("nowhere")).await;

    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(
        reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("api_base")
    );
}

#[tokio::test]
async fn rejects_a_bad_row_and_serves_the_others() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = Resources::over(&upstream)
        .model_with("novel", "up", "m", json!({"novel_field": {"x": 1}}))
        .model_with("orphan", "not-there", "m", json!({}));
    let server = Server::start(&resources).await;

    server.client().chat(&ask("Hi")).await.ok();
    server.client().chat(&ask_model("novel")).await.ok();
    let orphan = server.client().chat(&ask_model("orphan")).await;
    assert!(orphan.status >= 400, "{}", orphan.text());
    assert!(orphan.json()["error"]["type"].is_string());
}

// === retries ===

async fn with_retries(n: u32) -> (Upstream, Server) {
    let upstream = Upstream::start().await;
    let server = Server::builder()
        .resources(&Resources::over(&upstream))
        .config(json!({"upstream": {"retries": n}}))
        .start()
        .await;
    (upstream, server)
}

#[tokio::test]
async fn tries_again_after_a_5xx_and_a_broken_connection() {
    let (upstream, server) = with_retries(2).await;
    for request in [ask("Hi"), ask_stream("Hi")] {
        upstream.push(Answer::error(503, &json!({})));
        upstream.push(Answer::json("{\"lost\":1}").cut_after(3));
        upstream.push(if request["stream"] == true {
            Answer::events([role(), finish("stop")])
        } else {
            Answer::json(completion("third time", 1, 1).to_string())
        });

        server.client().chat(&request).await.ok();
    }
    assert_eq!(upstream.calls(), 6);
    let seen = upstream.requests();
    assert_eq!(seen[0].body, seen[1].body);
    assert_eq!(seen[0].body, seen[2].body);
}

#[tokio::test]
async fn gives_up_after_the_last_retry() {
    let (upstream, server) = with_retries(2).await;
    upstream.respond(|_| Answer::error(500, &json!({})));

    server
        .client()
        .chat(&ask("Hi"))
        .await
        .is_error(502, "upstream_error", None);

    assert_eq!(upstream.calls(), 3);
}

#[tokio::test]
async fn takes_the_number_of_retries_from_the_model() {
    let upstream = Upstream::always(Answer::error(500, &json!({}))).await;
    let resources =
        Resources::over(&upstream).model_with("once", "up", UPSTREAM_MODEL, json!({"retries": 1}));
    let server = Server::start(&resources).await;

    server
        .client()
        .chat(&ask_model("once"))
        .await
        .is_error(502, "upstream_error", None);

    assert_eq!(upstream.calls(), 2);
}

#[tokio::test]
async fn never_tries_again_after_a_4xx() {
    let (upstream, server) = with_retries(2).await;
    for status in [400, 401, 404, 409, 422, 429] {
        upstream.push(Answer::error(status, &error("no", "t", None, None)));
        assert_eq!(server.client().chat(&ask("Hi")).await.status, status);
    }
    assert_eq!(upstream.calls(), 6);
}

#[tokio::test]
async fn never_tries_again_after_the_first_byte() {
    let (upstream, server) = with_retries(2).await;
    upstream.push(Answer::stream().event(&role()).cut());

    let (body, _) = server.client().open(&ask_stream("Hi")).await.rest().await;

    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("event: error"), "{body}");
    assert_eq!(upstream.calls(), 1);
}

#[tokio::test]
async fn honours_a_retry_after_before_trying_again() {
    let (upstream, server) = with_retries(1).await;
    upstream.push(Answer::error(503, &json!({})).header("retry-after", "1"));
    upstream.push(Answer::json(completion("Hi", 1, 1).to_string()));

    let since = std::time::Instant::now();
    server.client().chat(&ask("Hi")).await.ok();

    assert!(since.elapsed().as_millis() >= 1000, "{:?}", since.elapsed());
}

#[tokio::test]
async fn stops_trying_when_the_caller_has_gone() {
    let (upstream, server) = with_retries(2).await;
    let gate = Gate::new();
    upstream.push(
        Answer::error(503, &json!({}))
            .hold(&gate)
            .header("retry-after", "1"),
    );

    let client = server.client();
    let call = tokio::spawn(async move { client.chat(&ask("Hi")).await });
    let first = upstream.next_request().await;
    gate.open();
    first.ended().await;
    call.abort();

    // Longer than the pause that the upstream asked for.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(upstream.calls(), 1);
}
