//! The mock behind a gateway, as callers meet it.

use aisix_core::call::Caller;
use aisix_core::config::{Driver, MemoryStore};
use aisix_core::gateway::{Body, Gateway};
use aisix_core::hook::check_fn;
use aisix_core::provider::Registry;
use http::{Request, Response};
use http_body_util::BodyExt;

use super::*;

async fn gateway() -> (Gateway, Driver) {
    let model = json!({"display_name": "m", "provider": "mock", "model_name": "demo", "timeout": 50,
        "stream_timeout": 70});
    Gateway::builder()
        .config(MemoryStore::new().with(Kind::Models, "m", model))
        .providers(Registry::new().with_service("mock", Mock::new()))
        .hook(check_fn(|call: &Call| {
            call.context().identify(Caller::service("test"));
            Ok(())
        }))
        .build()
        .await
        .unwrap()
}

async fn post(path: &str, mut body: Value) -> Response<Body> {
    let (mut gateway, _driver) = gateway().await;
    body["model"] = "m".into();
    let request = Request::post(path).body(body.to_string()).unwrap();
    match gateway.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn ask(script: &str, stream: bool) -> Response<Body> {
    let messages = json!([{"role": "user", "content": format!("/mock {script}")}]);
    let body = json!({"messages": messages, "stream": stream});
    post("/v1/chat/completions", body).await
}

/// What arrives of a body, and whether it arrives whole.
async fn read(response: Response<Body>) -> (String, bool) {
    let mut body = response.into_body();
    let mut text = String::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap()),
            Err(_) => return (text, false),
        }
    }
    (text, true)
}

#[tokio::test]
async fn streams_to_the_end() {
    let (text, whole) = read(ask("words=2", true).await).await;
    assert!(whole);
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    assert!(text.contains("the ") && text.contains("quick"), "{text}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_in_an_error() {
    for (script, error) in [
        ("words=9&cut=3", "transport_error"),
        ("words=9&malformed=3", "upstream_decode_error"),
    ] {
        let response = ask(script, true).await;
        assert_eq!(response.status(), 200);
        let (text, whole) = read(response).await;
        assert!(!whole && !text.contains("[DONE]"), "{text}");
        let (before, last) = text.split_once("event: error\ndata: ").unwrap();
        assert!(before.contains("the "), "{before}");
        let last: Value = serde_json::from_str(last.trim()).unwrap();
        assert_eq!(last["error"]["type"], error);
    }
}

#[tokio::test]
async fn what_fails_at_once_gets_a_status() {
    for stream in [false, true] {
        for (script, status) in [
            ("cut=0", 502),
            ("malformed=0", 502),
            ("status=503", 502),
            ("status=418", 418),
            ("nonsense", 400),
        ] {
            assert_eq!(ask(script, stream).await.status(), status, "{script}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_hangs_is_given_up() {
    let start = Instant::now();
    assert_eq!(ask("hang", false).await.status(), 504);
    assert_eq!(start.elapsed().as_millis(), 50);
    assert_eq!(ask("delay=1s", true).await.status(), 504);
    assert_eq!(start.elapsed().as_millis(), 120);
    assert_eq!(ask("delay=40ms", false).await.status(), 200);
}

#[tokio::test]
async fn writes_vectors_as_the_caller_wants_them() {
    for (encoding, is_text) in [("float", false), ("base64", true)] {
        let body = json!({"input": ["a", "b"], "encoding_format": encoding, "dimensions": 4});
        let response = post("/v1/embeddings", body).await;
        assert_eq!(response.status(), 200);
        let body: Value = serde_json::from_str(&read(response).await.0).unwrap();
        assert_eq!(body["data"].as_array().unwrap().len(), 2);
        assert_eq!(body["data"][1]["embedding"].is_string(), is_text);
        assert_eq!(body["model"], "m");
    }
}

#[tokio::test]
async fn writes_tool_calls_both_ways() {
    let tools = json!([{"type": "function", "function": {"name": "clock"}}]);
    let ask = async |stream: bool| {
        let messages = json!([{"role": "user", "content": "hi"}]);
        let body = json!({
            "messages": messages, "tools": tools, "tool_choice": "required", "stream": stream,
        });
        read(post("/v1/chat/completions", body).await).await.0
    };
    let whole: Value = serde_json::from_str(&ask(false).await).unwrap();
    let called = &whole["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        called["function"],
        json!({"name": "clock", "arguments": "{}"})
    );
    let stream = ask(true).await;
    assert!(stream.contains(r#""name":"clock""#), "{stream}");
    assert!(
        stream.contains(r#""finish_reason":"tool_calls""#),
        "{stream}"
    );
}
