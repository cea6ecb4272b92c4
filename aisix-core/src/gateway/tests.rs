use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::call::Operation;
use crate::config::MemoryStore;
use crate::conversation::ChatRequest;
use crate::dialect::{self, DialectId};
use crate::error::{Error, ErrorKind};
use crate::hook::{Next, check_fn, hook_fn};
use crate::provider::{Endpoint, EndpointSpec, Provider, Registry, TargetSpec};
use crate::resource::Kind;
use crate::testing::TestUpstream;

#[derive(Debug)]
struct Acme;

impl Provider for Acme {
    fn name(&self) -> &str {
        "acme"
    }

    fn dialects(&self, operation: Operation) -> &[DialectId] {
        match operation {
            Operation::Chat => &[dialect::OPENAI_CHAT],
            _ => &[],
        }
    }

    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
        Endpoint::post("https://acme.example/v1", spec.openai_path())?.with_secret_header(
            "x-acme-key",
            target.secret()?,
            "",
        )
    }
}

struct Fixture {
    gateway: Gateway,
    upstream: TestUpstream,
    _driver: crate::config::Driver,
}

/// A gateway whose callers are known by the host, in front of an upstream that the test plays.
async fn fixture() -> Fixture {
    let upstream = TestUpstream::new();
    let config = MemoryStore::new()
        .with(
            Kind::ProviderKeys,
            "k",
            json!({
                "display_name": "k", "provider": "acme", "api_key": "sk-upstream",
            }),
        )
        .with(
            Kind::Models,
            "m",
            json!({
                "display_name": "fast", "provider": "acme", "model_name": "acme-1",
                "provider_key_id": "k",
            }),
        );
    let (gateway, driver) = Gateway::builder()
        .config(config)
        .providers(Registry::new().with(Acme).with_client(upstream.clone()))
        .hook(check_fn(|call: &Call| {
            call.context().identify(Caller::service("test"));
            Ok(())
        }))
        .body_limit(4096)
        .build()
        .await
        .unwrap();
    Fixture {
        gateway,
        upstream,
        _driver: driver,
    }
}

fn chat(body: &Value) -> Request<Full<Bytes>> {
    post(body.to_string())
}

fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/v1/chat/completions")
        .body(Full::new(body.into()))
        .unwrap()
}

fn hello(extra: Value) -> Value {
    let mut body = json!({"model": "fast", "messages": [{"role": "user", "content": "hi"}]});
    if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
        body.extend(extra);
    }
    body
}

async fn respond(fixture: &Fixture, request: Request<Full<Bytes>>) -> Response<Body> {
    match fixture.gateway.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

async fn error_of(response: Response<Body>) -> Value {
    serde_json::from_str::<Value>(&text(response).await).unwrap()["error"].take()
}

const ANSWER: &str = concat!(
    r#"{ "id":"x", "object":"chat.completion","created":1,"model":"acme-1-0124","unknown":[1, 2],"#,
    r#""choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi"}}],"#,
    r#""usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#
);

#[tokio::test]
async fn passes_bytes_through_but_for_the_model() {
    let fixture = fixture().await;
    fixture.upstream.json(StatusCode::OK, ANSWER);
    let body = r#"{"unknown" : 1e5, "model":"fast","messages":[{"role":"user","content":"hi"}]}"#;
    let mut request = post(body);
    request
        .headers_mut()
        .insert("authorization", "Bearer caller".parse().unwrap());
    request
        .headers_mut()
        .insert("cookie", "a=b".parse().unwrap());
    request
        .headers_mut()
        .insert("x-aisix-request-id", "my-id".parse().unwrap());
    let response = respond(&fixture, request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-aisix-request-id"], "my-id");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(
        response.headers()["server"]
            .to_str()
            .unwrap()
            .starts_with("AISIX/")
    );
    assert!(response.headers().contains_key("x-aisix-config-revision"));
    assert_eq!(text(response).await, ANSWER.replace("acme-1-0124", "fast"));

    let (parts, sent) = fixture.upstream.requests().remove(0);
    assert_eq!(sent, body.replace("fast", "acme-1"));
    assert_eq!(parts.uri, "https://acme.example/v1/chat/completions");
    assert_eq!(parts.headers["x-acme-key"], "sk-upstream");
    assert_eq!(parts.headers["x-aisix-request-id"], "my-id");
    assert!(!parts.headers.contains_key("authorization") && !parts.headers.contains_key("cookie"));
}

#[tokio::test]
async fn forwards_the_first_event_before_the_second_is_there() {
    let fixture = fixture().await;
    let events = fixture.upstream.stream();
    events.send(chunk("Hel"));
    let response = respond(&fixture, chat(&hello(json!({"stream": true})))).await;
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, chunk("Hel").replace("acme-1", "fast"));

    events.send(chunk("lo"));
    events.send(finish());
    events.send("data: {\"id\":\"x\",\"model\":\"acme-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n");
    events.send("data: [DONE]\n\n");
    drop(events);
    let rest = body.collect().await.unwrap().to_bytes();
    let expected = format!("{}{}data: [DONE]\n\n", chunk("lo"), finish()).replace("acme-1", "fast");
    // The usage was asked for by the gateway, not by the caller.
    assert_eq!(String::from_utf8_lossy(&rest), expected);
    let (_, sent) = fixture.upstream.requests().remove(0);
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(sent["stream_options"], json!({"include_usage": true}));
}

#[tokio::test]
async fn events_that_are_ready_together_leave_together() {
    let fixture = fixture().await;
    let events = fixture.upstream.stream();
    for _ in 0..10 {
        events.send(chunk("a"));
    }
    let response = respond(&fixture, chat(&hello(json!({"stream": true})))).await;
    let first = response
        .into_body()
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap();
    assert_eq!(
        first.len(),
        10 * chunk("a").len() - 10 * "acme-1".len() + 10 * "fast".len()
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_in_an_error() {
    let fixture = fixture().await;
    let events = fixture.upstream.stream();
    events.send(chunk("Hel"));
    drop(events);
    let response = respond(&fixture, chat(&hello(json!({"stream": true})))).await;
    let mut body = response.into_body();
    let mut seen = String::new();
    let failed = loop {
        match body.frame().await.unwrap() {
            Ok(frame) => seen.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!(failed.kind(), ErrorKind::Transport);
    let (_, last) = seen.rsplit_once("event: error\ndata: ").unwrap();
    let error: Value = serde_json::from_str(last.trim()).unwrap();
    assert_eq!(error["error"]["type"], "transport_error");
    assert!(!seen.contains("[DONE]"));
}

#[tokio::test]
async fn a_stream_that_fails_at_once_gets_a_status() {
    let fixture = fixture().await;
    let events = fixture.upstream.stream();
    events.send("data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n");
    let response = respond(&fixture, chat(&hello(json!({"stream": true})))).await;
    assert_eq!(response.status(), 502);

    drop(fixture.upstream.stream());
    let response = respond(&fixture, chat(&hello(json!({"stream": true})))).await;
    assert_eq!(response.status(), 502);
    assert_eq!(error_of(response).await["type"], "upstream_error");
}

#[tokio::test]
async fn a_caller_who_leaves_cancels_the_upstream() {
    let fixture = fixture().await;
    let events = fixture.upstream.stream();
    events.send(chunk("Hel"));
    let response = respond(&fixture, chat(&hello(json!({"stream": true})))).await;
    drop(response);
    tokio::time::timeout(Duration::from_secs(5), events.cancelled())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silent_stretch_gets_comments() {
    let fixture = fixture().await;
    let events = fixture.upstream.stream();
    events.send(chunk("Hel"));
    let response = respond(&fixture, chat(&hello(json!({"stream": true})))).await;
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    for _ in 0..3 {
        let silence = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(silence, crate::sse::KEEP_ALIVE);
    }
    events.send(chunk("lo"));
    let next = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(next, chunk("lo").replace("acme-1", "fast"));
}

#[tokio::test]
async fn translates_refusals_and_hides_failures() {
    let fixture = fixture().await;
    let refusal =
        r#"{"error":{"message":"bad","type":"invalid_request_error","param":"n","code":"x"}}"#;
    fixture.upstream.json(StatusCode::BAD_REQUEST, refusal);
    let response = respond(&fixture, chat(&hello(json!({})))).await;
    assert_eq!(response.status(), 400);
    assert_eq!(text(response).await, refusal);

    fixture.upstream.json(
        StatusCode::INTERNAL_SERVER_ERROR,
        r#"{"secret":"stack trace"}"#,
    );
    let response = respond(&fixture, chat(&hello(json!({})))).await;
    assert_eq!(response.status(), 502);
    let body = text(response).await;
    assert!(
        body.contains("upstream_error") && !body.contains("stack trace"),
        "{body}"
    );

    fixture.upstream.json(StatusCode::OK, "<html>");
    let response = respond(&fixture, chat(&hello(json!({})))).await;
    assert_eq!(response.status(), 502);
    assert_eq!(error_of(response).await["type"], "upstream_decode_error");
}

#[tokio::test]
async fn says_what_is_wrong_with_a_request() {
    let fixture = fixture().await;
    for (body, status, param) in [
        ("{", 400, Value::Null),
        ("[1]", 400, Value::Null),
        (r#"{"messages":[{}]}"#, 400, "model".into()),
        (r#"{"model":"","messages":[{}]}"#, 400, "model".into()),
        (r#"{"model":"fast"}"#, 400, "messages".into()),
        (r#"{"model":"fast","messages":[]}"#, 400, "messages".into()),
        (r#"{"model":"none","messages":[{}]}"#, 404, "model".into()),
    ] {
        let response = respond(&fixture, post(body)).await;
        assert_eq!(response.status(), status, "{body}");
        assert_eq!(error_of(response).await["param"], param, "{body}");
    }
    let response = respond(&fixture, post(vec![b' '; 5000])).await;
    assert_eq!(response.status(), 413);
    assert!(fixture.upstream.requests().is_empty());
}

#[tokio::test]
async fn lists_models() {
    let fixture = fixture().await;
    let get = |path: &str| Request::get(path).body(Full::default()).unwrap();
    let list: Value =
        serde_json::from_str(&text(respond(&fixture, get("/v1/models")).await).await).unwrap();
    assert_eq!(list["data"][0]["id"], "fast");
    assert_eq!(
        respond(&fixture, get("/v1/models/fast")).await.status(),
        200
    );
    assert_eq!(
        respond(&fixture, get("/v1/models/none")).await.status(),
        404
    );
    assert_eq!(respond(&fixture, get("/nothing")).await.status(), 404);
    assert_eq!(
        respond(&fixture, get("/v1/chat/completions"))
            .await
            .status(),
        405
    );
}

#[tokio::test]
async fn a_layer_hands_on_what_is_not_for_the_gateway() {
    let fixture = fixture().await;
    let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"home"))))
    });
    let mut app = AisixLayer::new(fixture.gateway.clone()).layer(inner);
    let request = Request::get("/").body(Full::default()).unwrap();
    let response = app.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "home"
    );
    fixture.upstream.json(StatusCode::OK, ANSWER);
    let response = app
        .ready()
        .await
        .unwrap()
        .call(chat(&hello(json!({}))))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn answers_without_http() {
    let fixture = fixture().await;
    fixture.upstream.json(StatusCode::OK, ANSWER);
    let gateway = fixture.gateway.as_caller(Caller::service("report"));
    let answer = gateway
        .chat(ChatRequest::new("fast").user("hi"))
        .await
        .unwrap();
    assert_eq!((&*answer.text(), answer.usage().total()), ("hi", 4));

    let events = fixture.upstream.stream();
    events.send(format!(
        "{}{}{}data: [DONE]\n\n",
        chunk("Hel"),
        chunk("lo"),
        finish()
    ));
    drop(events);
    let stream = gateway
        .chat(ChatRequest::new("fast").user("hi"))
        .stream()
        .await
        .unwrap();
    let events: Vec<_> = stream.try_collect().await.unwrap();
    let text: String = events
        .iter()
        .filter_map(|event| event.text_delta())
        .collect();
    assert_eq!(text, "Hello");
}

#[tokio::test]
async fn a_model_in_this_process_answers_both_ways() {
    let local = tower::service_fn(|_: Call| async { Ok::<_, Error>(Reply::text("4")) });
    let config = MemoryStore::new().with(
        Kind::Models,
        "m",
        json!({"display_name": "sum", "provider": "local", "model_name": "sum"}),
    );
    let (gateway, _driver) = Gateway::builder()
        .config(config)
        .providers(Registry::new().with_service("local", local))
        .hook(hook_fn(|call: Call, next: Next| async move {
            call.context().identify(Caller::service("test"));
            next.run(call).await
        }))
        .build()
        .await
        .unwrap();
    let ask = |stream: bool| {
        let body = json!({"model": "sum", "messages": [{"role": "user", "content": "2+2"}], "stream": stream});
        gateway.clone().oneshot(chat(&body))
    };
    let whole: Value = serde_json::from_str(&text(ask(false).await.unwrap()).await).unwrap();
    assert_eq!(whole["choices"][0]["message"]["content"], "4", "{whole}");
    assert_eq!(whole["model"], "sum");
    let streamed = text(ask(true).await.unwrap()).await;
    assert!(
        streamed.contains(r#""content":"4""#) && streamed.ends_with("data: [DONE]\n\n"),
        "{streamed}"
    );
}

fn chunk(text: &str) -> String {
    format!(
        "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"acme-1\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

fn finish() -> String {
    "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"acme-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".to_owned()
}

mod dialects;
