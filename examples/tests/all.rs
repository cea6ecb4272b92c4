//! Runs every example and checks what it shows.

// Each example is a module here; its `main` is for people.
macro_rules! examples {
    ($($name:ident: $path:literal)*) => {
        $(
            #[path = $path]
            #[allow(dead_code, unreachable_pub, reason = "`main` and its port are for people")]
            mod $name;
        )*
    };
}

examples! {
    custom_config_source: "../src/bin/custom_config_source.rs"
    custom_hook: "../src/bin/custom_hook.rs"
    custom_provider: "../src/bin/custom_provider.rs"
    hook_fn: "../src/bin/hook_fn.rs"
    local_model: "../src/bin/local_model.rs"
    nest_in_axum: "../src/bin/nest_in_axum.rs"
    plain_hyper: "../src/bin/plain_hyper.rs"
    tower_http_around: "../src/bin/tower_http_around.rs"
    two_gateways: "../src/bin/two_gateways.rs"
    typed_call: "../src/bin/typed_call.rs"
}

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aisix_core::testing::{self, TestCall, TestUpstream};
use axum::Router;
use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_service::Service;

fn chat(path: &str, model: &str, text: &str, stream: bool) -> Request<Body> {
    let messages = json!([{"role": "user", "content": text}]);
    let body = json!({"model": model, "messages": messages, "stream": stream});
    Request::post(path)
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn hello(path: &str) -> Request<Body> {
    chat(path, "demo", "Hello", false)
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn with_key(mut request: Request<Body>, key: &str) -> Request<Body> {
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert("authorization", value);
    request
}

async fn respond(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

const PATH: &str = "/v1/chat/completions";
const SAID: &str = "/choices/0/message/content";

#[tokio::test]
async fn an_axum_application_has_the_gateway_in_front_below_and_behind() {
    let places = [
        (nest_in_axum::app().await.unwrap(), PATH),
        (
            nest_in_axum::nested().await.unwrap(),
            "/ai/v1/chat/completions",
        ),
        (nest_in_axum::fallback().await.unwrap(), PATH),
    ];
    for (app, path) in places {
        let home = respond(&app, get("/")).await;
        assert_eq!(text(home).await, "An axum application.\n");
        assert_eq!(respond(&app, hello(path)).await.status(), 401);
        let answer = json_of(respond(&app, with_key(hello(path), "sk-demo")).await).await;
        assert_eq!(answer.pointer(SAID).unwrap(), "You said: Hello");
        assert_eq!(answer["model"], "demo");
    }
}

#[tokio::test]
async fn axum_nests_a_service_without_its_prefix() {
    let app = nest_in_axum::nested().await.unwrap();
    assert_eq!(respond(&app, hello(PATH)).await.status(), 404);
    let response = respond(&app, hello("/ai/v1/unknown")).await;
    // The gateway's own 404, not axum's empty one: it never saw the prefix.
    let error = json_of(response).await;
    assert_eq!(error["error"]["message"], "Invalid URL (POST /v1/unknown)");
}

#[tokio::test]
async fn axum_layers_only_what_is_there_already() {
    use aisix_core::gateway::{AisixLayer, Gateway};

    let (gateway, _driver) = Gateway::builder().build().await.unwrap();
    let layer = AisixLayer::new(gateway);
    let last = Router::new().fallback(async || "mine").layer(layer.clone());
    assert_eq!(respond(&last, hello(PATH)).await.status(), 404);
    let first = Router::new().layer(layer).fallback(async || "mine");
    assert_eq!(text(respond(&first, hello(PATH)).await).await, "mine");
}

#[tokio::test]
#[should_panic(expected = "fallback_service")]
async fn axum_nests_nothing_at_the_root() {
    use aisix_core::gateway::Gateway;

    let (gateway, _driver) = Gateway::builder().build().await.unwrap();
    drop::<Router>(Router::new().nest_service("/", gateway));
}

#[tokio::test]
async fn plain_hyper_serves_a_stream() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(plain_hyper::serve(
        listener,
        plain_hyper::app().await.unwrap(),
    ));

    let body = r#"{"model":"demo","stream":true,"messages":[{"role":"user","content":"Hello"}]}"#;
    let length = body.len();
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains("content-type: text/event-stream"),
        "{answer}"
    );
    assert!(answer.contains(r#""content":"Hello""#), "{answer}");
    assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
}

#[tokio::test]
async fn closures_block_a_word_sign_answers_and_time_each_call() {
    let timings = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&timings);
    let app = hook_fn::app(move |timing| noted.lock().unwrap().push(timing))
        .await
        .unwrap();

    let blocked = respond(&app, chat(PATH, "demo", "What is the launch code?", false)).await;
    assert_eq!(blocked.status(), 422);
    assert_eq!(json_of(blocked).await["error"]["type"], "content_filter");

    let answered = respond(&app, hello(PATH)).await;
    assert_eq!(answered.headers()["x-served-by"], "the-example");
    assert_eq!(
        timings.lock().unwrap().len(),
        1,
        "the answer has not been read yet"
    );
    drop(text(answered).await);

    let timings = timings.lock().unwrap();
    let seen: Vec<_> = timings
        .iter()
        .map(|timing| (&*timing.model, timing.status))
        .collect();
    assert_eq!(seen, [("demo", 422), ("demo", 200)]);
    assert_eq!(timings[1].output_tokens, 3);
}

#[tokio::test]
async fn a_hook_is_a_layer() {
    let app = custom_hook::app().await.unwrap();
    let blocked = respond(&app, chat(PATH, "demo", "What is the launch code?", false)).await;
    assert_eq!(blocked.status(), 422);
    assert_eq!(respond(&app, hello(PATH)).await.status(), 200);
    let embeddings = json!({"model": "demo", "input": "launch code"}).to_string();
    let embeddings = Request::post("/v1/embeddings")
        .body(Body::from(embeddings))
        .unwrap();
    assert_eq!(respond(&app, embeddings).await.status(), 200);

    // And its own test needs no gateway.
    let (mut hook, mut inner) = testing::mock(custom_hook::BlockWordLayer("sky"));
    let hook = hook.ready().await.unwrap();
    let refused = hook.call(TestCall::chat("demo").build()).await.unwrap_err();
    assert_eq!(refused.status(), 422);
    inner.expect_no_call();
}

#[tokio::test]
async fn a_vendor_gets_its_own_header_and_the_callers_bytes() {
    let upstream = TestUpstream::new();
    upstream.json(StatusCode::OK, custom_provider::ANSWER);
    let app = custom_provider::app(upstream.clone()).await.unwrap();
    let body =
        r#"{"model": "fast",  "messages": [{"role":"user","content":"Hi"}], "acme_mode": 1}"#;
    let request = Request::post(PATH).body(Body::from(body)).unwrap();
    let answer = text(respond(&app, with_key(request, "sk-caller")).await).await;
    assert_eq!(
        answer,
        custom_provider::ANSWER.replace("acme-1-0124", "fast")
    );

    let (parts, sent) = upstream.requests().remove(0);
    assert_eq!(sent, body.replace("fast", "acme-1"));
    assert_eq!(parts.uri, "https://api.acme.example/v1/chat/completions");
    assert_eq!(parts.headers["x-acme-key"], "sk-acme");
    assert!(!parts.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_function_is_a_model() {
    let app = local_model::app().await.unwrap();
    let whole = respond(&app, chat(PATH, "upper", "louder", false)).await;
    assert_eq!(json_of(whole).await.pointer(SAID).unwrap(), "LOUDER");
    for (model, words) in [("upper", vec!["ONE TWO"]), ("parrot", vec!["one ", "two"])] {
        let stream = text(respond(&app, chat(PATH, model, "one two", true)).await).await;
        assert_eq!(deltas(&stream), words, "{stream}");
        assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    }
    let embeddings = json!({"model": "upper", "input": "x"}).to_string();
    let embeddings = Request::post("/v1/embeddings")
        .body(Body::from(embeddings))
        .unwrap();
    assert_eq!(respond(&app, embeddings).await.status(), 400);
}

fn deltas(stream: &str) -> Vec<String> {
    stream
        .split("\n\n")
        .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
        .filter_map(|event: Value| {
            let text = event.pointer("/choices/0/delta/content")?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn sources_are_asked_or_tell() {
    use custom_config_source::{Catalog, asked, model, run};

    let expected = [vec!["demo"], vec!["demo", "new"]];
    let catalog = Catalog::new([model("demo")]);
    let source = asked(catalog.clone(), Duration::from_millis(1));
    assert_eq!(run(&catalog, source).await.unwrap(), expected);
    let catalog = Catalog::new([model("demo")]);
    assert_eq!(run(&catalog, catalog.clone()).await.unwrap(), expected);
}

#[tokio::test]
async fn calls_without_http_are_typed() {
    let gateway = typed_call::gateway().await.unwrap();
    let report = typed_call::run(&gateway).await.unwrap();
    assert_eq!(report.whole, "You said: Why is the sky blue?");
    assert_eq!(report.streamed.concat(), report.whole);
    assert!(report.streamed.len() > 1, "{report:?}");
    assert_eq!(report.vectors, 2);
    assert!(report.tokens > 0);
}

#[tokio::test(start_paused = true)]
async fn tower_http_stands_around() {
    let app = tower_http_around::app(Duration::from_secs(1))
        .await
        .unwrap();
    let mut preflight = get(PATH);
    *preflight.method_mut() = Method::OPTIONS;
    let headers = preflight.headers_mut();
    headers.insert("origin", "https://chat.example.com".parse().unwrap());
    headers.insert("access-control-request-method", "POST".parse().unwrap());
    let allowed = respond(&app, preflight).await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(
        allowed.headers()["access-control-allow-methods"],
        "GET,POST"
    );

    let response = respond(&app, hello(PATH)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");

    let slow = respond(&app, chat(PATH, "demo", "/mock delay=2s", false)).await;
    assert_eq!(slow.status(), 504);
    let stream = respond(&app, chat(PATH, "demo", "/mock words=4 pace=2s", true)).await;
    assert_eq!(deltas(&text(stream).await).concat(), "the quick brown fox");
}

#[tokio::test]
async fn two_gateways_know_nothing_of_each_other() {
    let app = two_gateways::app().await.unwrap();
    for (team, other) in [("red", "blue"), ("blue", "red")] {
        let path = format!("/{team}/v1/models");
        let models = respond(&app, with_key(get(&path), &format!("sk-{team}"))).await;
        assert_eq!(
            json_of(models).await["data"][0]["id"],
            format!("{team}-model")
        );
        let stranger = with_key(get(&path), &format!("sk-{other}"));
        assert_eq!(respond(&app, stranger).await.status(), 401);
    }
    let ask = |team: &str| {
        let path = format!("/{team}{PATH}");
        let request = chat(&path, &format!("{team}-model"), "Hello", false);
        with_key(request, &format!("sk-{team}"))
    };
    assert_eq!(respond(&app, ask("red")).await.status(), 200);
    assert_eq!(respond(&app, ask("red")).await.status(), 429);
    for _ in 0..3 {
        assert_eq!(respond(&app, ask("blue")).await.status(), 200);
    }
}

#[test]
fn the_resources_files_of_the_guide_are_valid() {
    use aisix_core::config::read_resources;
    use aisix_core::resource::Environment;

    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    let environment = Environment::new(|name| Some(format!("the value of {name}")));
    let mut files = 0;
    for page in std::fs::read_dir(guide).unwrap() {
        let page = page.unwrap().path();
        let text = std::fs::read_to_string(&page).unwrap();
        let blocks = text.split("```yaml\n").skip(1);
        for block in blocks.filter_map(|rest| rest.split("```").next()) {
            if block.starts_with("_format_version") {
                let rows = read_resources(block, &environment);
                assert!(rows.is_ok_and(|rows| !rows.is_empty()), "{page:?}\n{block}");
                files += 1;
            }
        }
    }
    assert_eq!(files, 3);
}
