//! Chat completions that are not streamed: what passes, byte for byte, and what does not.

use aisix_tests::openai::{ask, completion};
use aisix_tests::resources::{KEY, MODEL, Resources, UPSTREAM_KEY, UPSTREAM_MODEL};
use aisix_tests::server::Server;
use aisix_tests::splice::with_model;
use aisix_tests::upstream::{Answer, Upstream};
use http::Method;
use serde_json::json;

async fn hello() -> (Upstream, Server) {
    let answer = Answer::json(completion("Hello!", 9, 3).to_string());
    let upstream = Upstream::always(answer).await;
    let server = Server::start(&Resources::over(&upstream)).await;
    (upstream, server)
}

#[tokio::test]
async fn replaces_only_model_in_both_directions() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    // Odd blanks, odd numbers, escapes, keys that nobody knows, a nested `model`.
    let request = concat!(
        "{ \"temperature\" : 1e0,\r\n\t\"messages\":[{\"role\":\"user\",\"content\":\"a\\u00e9\\ud83d\\ude00 \u{2028}é😀\",",
        "\"model\":\"inner\"}], \"x_vendor\":{\"deep\":[1.10,-0,1E+2,123456789012345678901234567890]},",
        "\"model\" :  \"team/gpt\" , \"metadata\":{\"model\":\"also inner\"},\"stream\":false }\n"
    );
    let response = concat!(
        "{\n  \"id\": \"chatcmpl-9\",\n  \"object\": \"chat.completion\",\n  \"created\": 1.7e9,\n",
        "  \"model\": \"gpt-4o-2024-08-06\",\n  \"choices\": [ { \"index\": 0, \"message\": { \"role\": \"assistant\",",
        " \"content\": \"h\\u00e9 \\\"model\\\": \\\"x\\\"\", \"novel\": null }, \"finish_reason\": \"stop\" } ],\n",
        "  \"usage\": {\"prompt_tokens\": 1, \"completion_tokens\": 2, \"total_tokens\": 3, \"novel\": 4.0},\n",
        "  \"novel\": [ ]\n}\n"
    );
    upstream.push(Answer::json(response));

    let reply = server
        .client()
        .post("/v1/chat/completions", request)
        .await
        .ok();

    let seen = upstream.next_request().await;
    let want = with_model(request.as_bytes(), UPSTREAM_MODEL);
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(&want)
    );
    let want = with_model(response.as_bytes(), MODEL);
    assert_eq!(reply.text(), String::from_utf8_lossy(&want));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn reads_a_model_key_that_is_written_with_escapes() {
    let (upstream, server) = hello().await;
    let request = r#"{"mod\u0065l":"team\/gpt","messages":[{"role":"user","content":"x"}]}"#;

    server
        .client()
        .post("/v1/chat/completions", request)
        .await
        .ok();

    let seen = upstream.next_request().await.json();
    assert_eq!(seen["model"], UPSTREAM_MODEL);
}

#[tokio::test]
async fn calls_the_upstream_once_with_its_own_credentials() {
    let (upstream, server) = hello().await;
    let client = server
        .client()
        .with("x-api-key", KEY)
        .with("cookie", "session=1")
        .with("x-forwarded-for", "203.0.113.7")
        .with("x-forwarded-proto", "https")
        .with("forwarded", "for=203.0.113.7")
        .with("openai-organization", "org-of-the-caller")
        .with("x-aisix-request-id", "caller-id-1");

    client.chat(&ask("Hi")).await.ok();

    assert_eq!(upstream.calls(), 1);
    let seen = upstream.next_request().await;
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.uri.path(), "/v1/chat/completions");
    let bearer = format!("Bearer {UPSTREAM_KEY}");
    assert_eq!(seen.header("authorization"), Some(bearer.as_str()));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("x-aisix-request-id"), Some("caller-id-1"));
    assert_eq!(
        seen.header("host"),
        Some(upstream.addr().to_string().as_str())
    );
    let length = seen.body.len().to_string();
    assert_eq!(seen.header("content-length"), Some(length.as_str()));
    for name in [
        "x-api-key",
        "cookie",
        "x-forwarded-for",
        "x-forwarded-proto",
        "forwarded",
    ] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    for (name, value) in &seen.headers {
        assert!(
            !value
                .as_bytes()
                .windows(KEY.len())
                .any(|part| part == KEY.as_bytes()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn keeps_the_connection_to_the_upstream() {
    let (upstream, server) = hello().await;
    let client = server.client();

    for _ in 0..20 {
        client.chat(&ask("Hi")).await.ok();
    }

    assert_eq!(upstream.calls(), 20);
    // One for each core, when each keeps its own pool.
    assert!(
        upstream.connections() <= 4,
        "{} connections",
        upstream.connections()
    );
}

#[tokio::test]
async fn marks_every_answer() {
    let (_upstream, server) = hello().await;
    let client = server.client();

    for reply in [
        client.chat(&ask("Hi")).await,
        client.clone().without_key().chat(&ask("Hi")).await,
        client.get("/v1/models").await,
        client.get("/nowhere").await,
        client.get("/livez").await,
        client.get("/readyz").await,
    ] {
        let name = reply.header("server").unwrap_or_default();
        assert!(name.starts_with("AISIX/"), "{name:?} on {}", reply.status);
        let id = reply.header("x-aisix-request-id").unwrap_or_default();
        assert_eq!(id.len(), 36, "a UUID, not {id:?}");
        assert!(
            reply.headers.contains_key("x-aisix-config-revision"),
            "{:?}",
            reply.headers
        );
    }
}

#[tokio::test]
async fn keeps_a_valid_request_id_and_replaces_any_other() {
    let (_upstream, server) = hello().await;
    let id = |id: &str| server.client().with("x-aisix-request-id", id);

    let kept = id("my-id_1.2").chat(&ask("Hi")).await.ok();
    assert_eq!(kept.header("x-aisix-request-id"), Some("my-id_1.2"));
    for bad in ["", "two words", "a\tb", &"x".repeat(1000)] {
        let reply = id(bad).chat(&ask("Hi")).await.ok();
        let own = reply.header("x-aisix-request-id").unwrap_or_default();
        assert_eq!(own.len(), 36, "{own:?} for {bad:?}");
    }
}

#[tokio::test]
async fn takes_the_key_from_x_api_key_too() {
    let (_upstream, server) = hello().await;
    let client = server.client().without_key().with("x-api-key", KEY);

    client.chat(&ask("Hi")).await.ok();
}

#[tokio::test]
async fn carries_a_large_request_and_a_large_answer() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    let long = "é".repeat(4 << 20);
    let response = completion(&long, 1, 1).to_string();
    upstream.push(Answer::json(response.clone()).in_pieces_of(100_000));
    let request = ask(&long).to_string();

    let reply = server
        .client()
        .post("/v1/chat/completions", request.clone())
        .await
        .ok();

    let want = with_model(response.as_bytes(), MODEL);
    assert!(
        reply.body == want,
        "{} bytes are not those expected",
        reply.body.len()
    );
    let seen = upstream.next_request().await;
    let want = with_model(request.as_bytes(), UPSTREAM_MODEL);
    assert!(
        seen.body == want,
        "{} bytes are not those expected",
        seen.body.len()
    );
}

#[tokio::test]
async fn joins_the_path_to_every_form_of_api_base() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let host = format!("http://{}", upstream.addr());
    let cases = [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/openai/v4", "/openai/v4/chat/completions"),
        ("/compat/chat/completions", "/compat/chat/completions"),
    ];
    let mut resources = Resources::empty().api_key(KEY, &["*"], json!({}));
    for (at, (base, _)) in cases.iter().enumerate() {
        resources = resources
            .provider_key(&format!("up{at}"), "openai", &format!("{host}{base}"))
            .model(&format!("m{at}"), &format!("up{at}"), UPSTREAM_MODEL);
    }
    let server = Server::start(&resources).await;

    for (at, (base, want)) in cases.iter().enumerate() {
        let mut request = ask("Hi");
        request["model"] = json!(format!("m{at}"));
        server.client().chat(&request).await.ok();
        let seen = upstream.next_request().await;
        assert_eq!(&seen.uri.path(), want, "for {base:?}");
    }
}

#[tokio::test]
async fn serves_any_vendor_that_speaks_the_format() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = Resources::empty()
        .provider_key("up", "some-vendor", &upstream.api_base())
        .model(MODEL, "up", UPSTREAM_MODEL)
        .api_key(KEY, &["*"], json!({}));
    let server = Server::start(&resources).await;

    let reply = server.client().chat(&ask("Hi")).await.ok();

    assert_eq!(reply.json()["model"], MODEL);
}

#[tokio::test]
async fn resolves_a_wildcard_model_after_the_exact_ones() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 1).to_string())).await;
    let resources = Resources::over(&upstream)
        .model("team/*", "up", "wild-model")
        .api_key("sk-team-only", &["team/*"], json!({}));
    let server = Server::start(&resources).await;
    let client = server.client().with_key("sk-team-only");
    let named = |name: &str| {
        let mut request = ask("Hi");
        request["model"] = json!(name);
        request
    };

    let exact = client.chat(&named(MODEL)).await.ok();
    assert_eq!(exact.json()["model"], MODEL);
    assert_eq!(
        upstream.next_request().await.json()["model"],
        UPSTREAM_MODEL
    );
    let wild = client.chat(&named("team/other")).await.ok();
    assert_eq!(wild.json()["model"], "team/other");
    upstream.next_request().await;
    let other = client.chat(&named("elsewhere/x")).await;
    assert!(matches!(other.status, 403 | 404), "{}", other.text());
}

#[tokio::test]
async fn answers_health_checks_without_a_key() {
    let (_upstream, server) = hello().await;
    let client = server.client().without_key();

    let live = client.get("/livez").await.ok();
    assert_eq!(live.text().trim(), "ok");
    let ready = client.get("/readyz").await.ok();
    assert_eq!(ready.text().trim(), "ok");
    let verbose = client.get("/readyz?verbose").await.ok().text();
    assert!(verbose.contains("[+]config ok"), "{verbose}");
    assert!(verbose.contains("[+]shutdown ok"), "{verbose}");
}

#[tokio::test]
async fn writes_one_access_log_line_for_each_request() {
    let (_upstream, server) = hello().await;
    let client = server.client();

    client
        .clone()
        .with("x-aisix-request-id", "logged-ok")
        .chat(&ask("secret words"))
        .await
        .ok();
    let refused = client
        .without_key()
        .with("x-aisix-request-id", "logged-refused");
    assert_eq!(refused.chat(&ask("secret words")).await.status, 401);

    for id in ["logged-ok", "logged-refused"] {
        let line = aisix_tests::wait::until("an access log line", || async {
            let log = server.log();
            log.lines()
                .find(|line| line.contains(id))
                .map(str::to_owned)
        })
        .await;
        assert_eq!(server.log().matches(id).count(), 1, "{line}");
    }
    let log = server.log();
    for secret in [KEY, UPSTREAM_KEY, "secret words"] {
        assert!(!log.contains(secret), "{secret} stands in the log:\n{log}");
    }
}
