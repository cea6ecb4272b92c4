use aisix_core::call::{Call, Caller};
use aisix_core::config::{Driver, MemoryStore};
use aisix_core::gateway::{Body, Gateway};
use aisix_core::hook::check_fn;
use aisix_core::provider::Registry;
use aisix_core::resource::{Kind, ProviderKey, read};
use aisix_core::testing::TestUpstream;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower_service::Service;

use super::*;

fn key(base: Option<&str>, secret: Option<&str>) -> ProviderKey {
    let row = json!({"display_name": "k", "api_base": base, "api_key": secret});
    read::<ProviderKey>(&row).unwrap().resource
}

fn endpoint(key: &ProviderKey, dialect: DialectId, is_stream: bool) -> Result<Endpoint> {
    let spec = EndpointSpec::new(Operation::Chat, dialect).with_stream(is_stream);
    Gemini::new().endpoint(&spec, &TargetSpec::new("google/*", Some(key)))
}

#[test]
fn the_url_names_the_model_and_the_method() {
    let key = key(None, Some("secret"));
    for (dialect, is_stream, method) in [
        (dialect::GEMINI_GENERATE, false, "generateContent"),
        (
            dialect::GEMINI_GENERATE,
            true,
            "streamGenerateContent?alt=sse",
        ),
        (dialect::GEMINI_EMBED, false, "batchEmbedContents"),
        (dialect::GEMINI_COUNT_TOKENS, false, "countTokens"),
    ] {
        let endpoint = endpoint(&key, dialect, is_stream).unwrap();
        let base = "https://generativelanguage.googleapis.com/v1beta/models";
        for name in ["gemini-2.5-flash", "models/gemini-2.5-flash"] {
            let url = endpoint.uri_of(name).unwrap();
            assert_eq!(url, format!("{base}/gemini-2.5-flash:{method}").as_str());
        }
        let url = endpoint.uri_of("a:b").unwrap();
        assert_eq!(url, format!("{base}/a%3Ab:{method}").as_str());
    }
}

#[test]
fn a_name_that_leaves_the_path_is_refused() {
    let endpoint = endpoint(&key(None, Some("s")), dialect::GEMINI_GENERATE, false).unwrap();
    for name in [
        "",
        "..",
        "../x",
        "a/b",
        "a?key=x",
        "models/",
        "tunedModels/x",
    ] {
        let error = endpoint.uri_of(name).unwrap_err();
        assert_eq!(
            (error.status().as_u16(), error.param()),
            (400, Some("model"))
        );
    }
}

#[test]
fn the_key_stands_in_a_header_that_is_not_printed() {
    let endpoint = endpoint(&key(None, Some("secret")), dialect::GEMINI_GENERATE, true).unwrap();
    assert_eq!(endpoint.headers()["x-goog-api-key"], "secret");
    assert!(!format!("{endpoint:?}").contains("secret"));
    assert!(!endpoint.uri().to_string().contains("secret"));
}

#[test]
fn without_a_key_there_is_no_way_to_google() {
    let without = |base| {
        let key = key(base, None);
        endpoint(&key, dialect::GEMINI_GENERATE, false)
    };
    assert!(without(None).is_err());
    assert!(without(Some("http://127.0.0.1:9")).is_ok());
}

#[test]
fn a_base_is_understood_however_it_was_pasted() {
    for (base, expected) in [
        ("https://h", "https://h/v1beta/models/m:countTokens"),
        ("https://h/v1beta/", "https://h/v1beta/models/m:countTokens"),
        ("https://h/v1", "https://h/v1/models/m:countTokens"),
        (
            "https://h/v1beta/openai/",
            "https://h/v1beta/models/m:countTokens",
        ),
        (
            "https://h/v1beta/models",
            "https://h/v1beta/models/m:countTokens",
        ),
        (
            "https://h/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            "https://h/v1beta/models/m:countTokens",
        ),
        (
            "https://h/proxy?a=1",
            "https://h/proxy/v1beta/models/m:countTokens?a=1",
        ),
    ] {
        let key = key(Some(base), None);
        let endpoint = endpoint(&key, dialect::GEMINI_COUNT_TOKENS, false).unwrap();
        assert_eq!(endpoint.uri_of("m").unwrap(), expected, "from {base}");
    }
}

/// A gateway that knows the models of Gemini by a wildcard, in front of an upstream that the test
/// plays.
async fn gateway(upstream: &TestUpstream) -> (Gateway, Driver) {
    let key = json!({"display_name": "k", "provider": "gemini", "api_key": "secret"});
    let model = json!({"display_name": "google/*", "provider_key_id": "k"});
    let config =
        MemoryStore::new()
            .with(Kind::ProviderKeys, "k", key)
            .with(Kind::Models, "m", model);
    Gateway::builder()
        .config(config)
        .providers(
            Registry::new()
                .with(Gemini::new())
                .with_client(upstream.clone()),
        )
        .hook(check_fn(|call: &Call| {
            call.context().identify(Caller::service("test"));
            Ok(())
        }))
        .build()
        .await
        .unwrap()
}

async fn post(upstream: &TestUpstream, path: &str, body: &Value) -> Response<Body> {
    let (mut gateway, _driver) = gateway(upstream).await;
    let request = Request::post(path).body(body.to_string()).unwrap();
    match gateway.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn ask(stream: bool) -> Value {
    json!({
        "model": "google/gemini-2.5-flash",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": stream,
    })
}

#[tokio::test]
async fn a_caller_of_openai_is_answered_by_gemini() {
    let upstream = TestUpstream::new();
    let answer = json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 1, "totalTokenCount": 3},
        "modelVersion": "gemini-2.5-flash", "responseId": "r",
    });
    upstream.json(StatusCode::OK, answer.to_string());
    let response = post(&upstream, "/v1/chat/completions", &ask(false)).await;
    assert_eq!(response.status(), 200);
    let answer: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello");
    assert_eq!(answer["model"], "google/gemini-2.5-flash");
    assert_eq!(answer["usage"]["total_tokens"], 3);

    let (asked, body) = upstream.requests().remove(0);
    assert_eq!(
        asked.uri,
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    );
    assert_eq!(asked.headers["x-goog-api-key"], "secret");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
    assert_eq!(body, json!({"contents": contents}));
}

#[tokio::test]
async fn a_stream_comes_in_the_words_of_openai() {
    let upstream = TestUpstream::new();
    let body = upstream.stream();
    let event = |text: &str, rest: &str| {
        format!(
            "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{{\"text\": \"{text}\"}}]}}{rest}}}]}}\r\n\r\n"
        )
    };
    body.send(event("Hel", ""));
    body.send(event("lo", r#", "finishReason": "STOP""#));
    drop(body);
    let response = post(&upstream, "/v1/chat/completions", &ask(true)).await;
    assert_eq!(response.status(), 200);
    let text = text(response).await;
    assert!(
        text.contains(r#""content":"Hel""#) && text.contains(r#""content":"lo""#),
        "{text}"
    );
    assert!(text.contains(r#""finish_reason":"stop""#), "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    let (asked, _) = upstream.requests().remove(0);
    let path = asked.uri.path_and_query().unwrap().as_str();
    assert_eq!(
        path,
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    );
}

#[tokio::test]
async fn vectors_come_in_the_words_of_openai() {
    let upstream = TestUpstream::new();
    let answer = json!({"embeddings": [{"values": [1.0, -2.5]}, {"values": [0.5, 0.5]}]});
    upstream.json(StatusCode::OK, answer.to_string());
    let body = json!({
        "model": "google/gemini-embedding-001", "input": ["a", "b"], "encoding_format": "base64",
    });
    let response = post(&upstream, "/v1/embeddings", &body).await;
    let answer: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(answer["data"][0]["embedding"], "AACAPwAAIMA=");
    assert_eq!(answer["data"][1]["index"], 1);
    assert_eq!(answer["model"], "google/gemini-embedding-001");
    let (asked, body) = upstream.requests().remove(0);
    assert!(
        asked
            .uri
            .path()
            .ends_with("/gemini-embedding-001:batchEmbedContents")
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["requests"][1]["model"], "models/gemini-embedding-001");
}

#[tokio::test]
async fn a_refusal_waits_as_long_as_the_body_says() {
    let upstream = TestUpstream::new();
    let refusal = json!({"error": {
        "code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}],
    }});
    upstream.json(StatusCode::TOO_MANY_REQUESTS, refusal.to_string());
    let response = post(&upstream, "/v1/chat/completions", &ask(false)).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "35");
    let error: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(error["error"]["message"], "quota");
    assert_eq!(error["error"]["code"], "rate_limit_exceeded");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_before_anyone_is_asked() {
    let upstream = TestUpstream::new();
    let mut body = ask(false);
    body["logit_bias"] = json!({"1": 2});
    let response = post(&upstream, "/v1/chat/completions", &body).await;
    assert_eq!(response.status(), 400);
    let error: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(error["error"]["param"], "logit_bias");
    assert_eq!(error["error"]["code"], "unsupported_parameter");

    body = ask(false);
    body["model"] = "google/../x".into();
    let response = post(&upstream, "/v1/chat/completions", &body).await;
    let error: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(error["error"]["param"], "model");
    assert!(upstream.requests().is_empty());
}
