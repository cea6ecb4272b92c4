//! Embeddings.

use aisix_tests::openai::embeddings;
use aisix_tests::resources::{MODEL, Resources, UPSTREAM_MODEL};
use aisix_tests::server::Server;
use aisix_tests::splice::with_model;
use aisix_tests::upstream::{Answer, Upstream};
use serde_json::json;

#[tokio::test]
async fn passes_floats_and_base64_through() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    for (input, format, vector) in [
        (json!("Hello"), "float", json!([1.0, -0.5, 1e-7])),
        (json!(["a", "b"]), "base64", json!("AACAPwAAAL8=")),
        (json!([1, 2, 3]), "float", json!([0.25])),
        (json!([[1, 2], [3]]), "base64", json!("AACAPg==")),
    ] {
        let response = embeddings(vector, 8).to_string();
        upstream.push(Answer::json(response.clone()));
        let request = json!({
            "input": input,
            "model": MODEL,
            "encoding_format": format,
            "dimensions": 3,
            "novel": {"model": 1},
        });
        let request = request.to_string();

        let reply = server
            .client()
            .post("/v1/embeddings", request.clone())
            .await
            .ok();

        assert_eq!(reply.body, with_model(response.as_bytes(), MODEL));
        let seen = upstream.next_request().await;
        assert_eq!(seen.uri.path(), "/v1/embeddings");
        assert_eq!(seen.body, with_model(request.as_bytes(), UPSTREAM_MODEL));
    }
}

#[tokio::test]
async fn refuses_a_request_without_input() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    for (request, code) in [
        (json!({"model": MODEL}), "missing_required_parameter"),
        (
            json!({"model": MODEL, "input": null}),
            "missing_required_parameter",
        ),
        (json!({"model": MODEL, "input": []}), "empty_array"),
        (json!({"model": MODEL, "input": ""}), "empty_array"),
    ] {
        let reply = server.client().embeddings(&request).await;
        let error = reply.is_error(400, "invalid_request_error", Some(code));
        assert_eq!(error["param"], "input", "{request}");
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn charges_the_tokens_of_the_answer() {
    let upstream = Upstream::always(Answer::json(embeddings(json!([0.5]), 400).to_string())).await;
    let limited = json!({"rate_limit": {"tpd": 1000}});
    let resources = Resources::over(&upstream).api_key("sk-limited", &["*"], limited);
    let server = Server::start(&resources).await;
    let client = server.client().with_key("sk-limited");
    let request = json!({"model": MODEL, "input": "Hello"});

    for _ in 0..3 {
        client.embeddings(&request).await.ok();
    }

    let reply = client.embeddings(&request).await;
    reply.is_error(429, "rate_limit_exceeded", Some("rate_limit_exceeded"));
}

#[tokio::test]
async fn refuses_embeddings_of_a_vendor_that_has_none() {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream)
        .provider_key("ds", "deepseek", &upstream.api_base())
        .model("ds/chat", "ds", "deepseek-chat");
    let server = Server::start(&resources).await;
    let request = json!({"model": "ds/chat", "input": "Hello"});

    let reply = server.client().embeddings(&request).await;

    assert!(matches!(reply.status, 400 | 404), "{}", reply.text());
    assert!(reply.json()["error"]["message"].is_string());
    assert_eq!(upstream.calls(), 0);
}
