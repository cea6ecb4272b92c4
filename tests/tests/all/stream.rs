//! Streamed chat completions.

use aisix_tests::openai::{
    ask_stream, ask_stream_with_usage, chunk, error, finish, held_by, role, text, usage_chunk,
};
use aisix_tests::raw::{RawClient, chat_request};
use aisix_tests::resources::{MODEL, Resources, UPSTREAM_MODEL};
use aisix_tests::server::Server;
use aisix_tests::splice::{events, stream_with_model, with_model, without_added_stream_options};
use aisix_tests::upstream::{Answer, End, Gate, Upstream};
use serde_json::{Value, json};

async fn pair() -> (Upstream, Server) {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    (upstream, server)
}

fn hello() -> Answer {
    Answer::events([
        role(),
        text("Hel"),
        text("lo"),
        finish("stop"),
        usage_chunk(5, 2),
    ])
}

#[tokio::test]
async fn replaces_only_model_in_each_event() {
    let (upstream, server) = pair().await;
    let answer = Answer::stream()
        .send(": a comment\n\n")
        .send("data: {\"id\":\"1\", \"model\" : \"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\\\"model\\\":1 \u{2028}é\"},\"finish_reason\":null}],\"obfuscation\":\"x9\"}\n\n")
        .send("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\",\"novel\":1.50},\"finish_reason\":null}],\"model\":\"gpt-4o-2024-08-06\"}\n\n")
        .event(&finish("stop"))
        .event(&usage_chunk(5, 2))
        .done();
    upstream.push(answer.clone());
    let request = ask_stream_with_usage("Hi").to_string();

    let stream = server
        .client()
        .open_bytes("/v1/chat/completions", request.clone())
        .await;
    let content_type = stream.header("content-type").unwrap_or_default().to_owned();
    let body = stream.text().await;

    assert!(
        content_type.starts_with("text/event-stream"),
        "{content_type}"
    );
    let want = stream_with_model(&answer.bytes(), MODEL);
    assert_eq!(body, String::from_utf8_lossy(&want));
    let seen = upstream.next_request().await;
    let want = with_model(request.as_bytes(), UPSTREAM_MODEL);
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(&want)
    );
}

#[tokio::test]
async fn gives_the_same_bytes_for_any_split_of_the_upstreams() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    let answer = Answer::events([
        role(),
        text("😀é\n\ndata: x"),
        finish("stop"),
        usage_chunk(5, 2),
    ]);
    let want = stream_with_model(&answer.bytes(), MODEL);

    for n in [1, 2, 3, 7, 64, 1000, 100_000] {
        upstream.push(Answer::stream().send(answer.bytes()).in_pieces_of(n));
        let body = server
            .client()
            .open(&ask_stream_with_usage("Hi"))
            .await
            .text()
            .await;
        assert_eq!(body, String::from_utf8_lossy(&want), "in pieces of {n}");
    }
}

#[tokio::test]
async fn lets_the_first_event_through_before_the_upstream_sends_its_second() {
    let (upstream, server) = pair().await;
    let gate = Gate::new();
    upstream.push(
        Answer::stream()
            .event(&role())
            .wait(&gate)
            .event(&text("second"))
            .wait(&gate)
            .event(&finish("stop"))
            .done(),
    );

    let mut stream = server.client().open(&ask_stream("Hi")).await;
    let first = stream.next_json().await;
    let call = upstream.next_request().await;
    assert_eq!(first["choices"][0]["delta"]["role"], "assistant");
    assert!(call.is_running());
    gate.open();
    let second = stream.next_json().await;
    assert_eq!(second["choices"][0]["delta"]["content"], "second");
    assert!(call.is_running());
    gate.open();
    assert!(stream.text().await.ends_with("data: [DONE]\n\n"));
    assert_eq!(call.ended().await, End::Played);
}

#[tokio::test]
async fn asks_for_usage_and_keeps_it_from_a_caller_who_did_not() {
    let (upstream, server) = pair().await;
    upstream.push(hello());
    let request = ask_stream("Hi").to_string();

    let stream = server
        .client()
        .open_bytes("/v1/chat/completions", request.clone())
        .await;
    let body = stream.text().await;

    let seen = upstream.next_request().await;
    assert_eq!(
        seen.json()["stream_options"],
        json!({"include_usage": true})
    );
    let without = without_added_stream_options(&seen.body);
    let want = with_model(request.as_bytes(), UPSTREAM_MODEL);
    assert_eq!(
        String::from_utf8_lossy(&without),
        String::from_utf8_lossy(&want)
    );
    let plain = Answer::events([role(), text("Hel"), text("lo"), finish("stop")]);
    let want = stream_with_model(&plain.bytes(), MODEL);
    assert_eq!(body, String::from_utf8_lossy(&want));
}

#[tokio::test]
async fn asks_for_usage_beside_the_callers_other_stream_options() {
    let (upstream, server) = pair().await;
    for (options, asked) in [
        (json!({"include_obfuscation": false}), false),
        (json!({"include_usage": false, "novel": 1}), false),
        (json!({}), false),
        (Value::Null, false),
        (json!({"include_usage": true, "novel": 1}), true),
    ] {
        upstream.push(hello());
        let mut request = ask_stream("Hi");
        request["stream_options"] = options.clone();

        let body = server.client().open(&request).await.text().await;

        let mut want = options.clone();
        if want.is_null() {
            want = json!({});
        }
        want["include_usage"] = json!(true);
        assert_eq!(upstream.next_request().await.json()["stream_options"], want);
        assert_eq!(body.contains("total_tokens"), asked, "{options}: {body}");
        assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
    }
}

#[tokio::test]
async fn passes_choices_that_interleave() {
    let (upstream, server) = pair().await;
    let choice = |index: u64, text: &str| {
        chunk(
            json!([{"index": index, "delta": {"role": "assistant", "content": text}, "finish_reason": null}]),
        )
    };
    let answer = Answer::events([
        choice(0, "a"),
        choice(1, "b"),
        choice(0, "c"),
        finish("stop"),
        usage_chunk(1, 1),
    ]);
    upstream.push(answer.clone());

    let body = server
        .client()
        .open(&ask_stream_with_usage("Hi"))
        .await
        .text()
        .await;

    let want = stream_with_model(&answer.bytes(), MODEL);
    assert_eq!(body, String::from_utf8_lossy(&want));
}

/// The error that ends a stream which had begun.
fn broken_off(body: &[u8], delivered: usize) -> Value {
    let body = String::from_utf8_lossy(body);
    assert!(!body.contains("[DONE]"), "{body}");
    let (_, last) = body
        .rsplit_once("event: error\n")
        .unwrap_or_else(|| panic!("no error: {body}"));
    let data = last
        .strip_prefix("data: ")
        .unwrap_or_else(|| panic!("no data: {last}"));
    assert!(data.ends_with("\n\n"), "{data:?}");
    let all = events(body.as_bytes());
    assert_eq!(all.len(), delivered + 1, "{body}");
    let error: Value = serde_json::from_str(data).expect("the error is JSON");
    assert!(error["error"]["message"].is_string(), "{error}");
    error["error"].clone()
}

#[tokio::test]
async fn tells_of_an_upstream_that_is_cut_and_closes() {
    let (upstream, server) = pair().await;
    upstream.push(Answer::stream().event(&role()).event(&text("half")).cut());

    let mut raw = RawClient::connect(server.addr()).await;
    raw.send(&chat_request(ask_stream("Hi").to_string().as_bytes()))
        .await
        .unwrap();
    let reply = raw.reply().await.expect("an answer");

    assert_eq!(reply.status, 200);
    let error = broken_off(&reply.body, 2);
    assert_eq!(error["type"], "transport_error", "{error}");
    assert!(raw.closed().await.is_empty());
}

#[tokio::test]
async fn tells_of_an_upstream_that_is_cut_inside_an_event() {
    let (upstream, server) = pair().await;
    let whole = Answer::events([role(), text("half"), text("lost")]);
    let two = Answer::stream()
        .event(&role())
        .event(&text("half"))
        .bytes()
        .len();
    upstream.push(whole.cut_after(two + 20));

    let (body, _) = server.client().open(&ask_stream("Hi")).await.rest().await;

    broken_off(&body, 2);
}

#[tokio::test]
async fn tells_of_a_stream_that_ends_too_early_without_an_error() {
    let (upstream, server) = pair().await;
    upstream.push(Answer::stream().event(&role()).event(&text("half")));

    let (body, _) = server.client().open(&ask_stream("Hi")).await.rest().await;

    broken_off(&body, 2);
}

#[tokio::test]
async fn tells_of_an_event_that_is_no_json() {
    let (upstream, server) = pair().await;
    upstream.push(
        Answer::stream()
            .event(&role())
            .send("data: {\"choices\":[\n\n")
            .done(),
    );

    let (body, _) = server.client().open(&ask_stream("Hi")).await.rest().await;

    let error = broken_off(&body, 1);
    assert_eq!(error["type"], "upstream_decode_error", "{error}");
}

#[tokio::test]
async fn passes_on_an_error_inside_the_upstreams_stream() {
    let (upstream, server) = pair().await;
    let overloaded = error(
        "The server is overloaded",
        "server_error",
        None,
        Some("overloaded"),
    );
    upstream.push(Answer::stream().event(&role()).event(&overloaded));

    let (body, _) = server.client().open(&ask_stream("Hi")).await.rest().await;

    let body = String::from_utf8_lossy(&body);
    assert!(!body.contains("[DONE]"), "{body}");
    let last = events(body.as_bytes()).pop().expect("an event");
    assert!(last["error"]["message"].is_string(), "{body}");
}

#[tokio::test]
async fn answers_an_error_before_the_first_event_as_plain_json() {
    let (upstream, server) = pair().await;
    let refusal = error(
        "No such thing",
        "invalid_request_error",
        Some("tools"),
        Some("novel"),
    );
    upstream.push(Answer::error(400, &refusal));

    let reply = server.client().chat(&ask_stream("Hi")).await;

    let error = reply.is_error(400, "invalid_request_error", Some("novel"));
    assert_eq!(error["param"], "tools");
}

#[tokio::test]
async fn answers_502_to_a_stream_that_breaks_before_its_first_event() {
    let (upstream, server) = pair().await;
    for broken in [Answer::stream().cut(), Answer::stream()] {
        upstream.push(broken);
        let reply = server.client().chat(&ask_stream("Hi")).await;
        assert_eq!(reply.status, 502, "{}", reply.text());
        assert!(reply.json()["error"]["type"].is_string());
    }
}

#[tokio::test]
async fn gives_up_on_a_gap_that_is_too_long() {
    let upstream = Upstream::start().await;
    let resources = Resources::over(&upstream).model_with(
        "quick",
        "up",
        UPSTREAM_MODEL,
        json!({"stream_timeout": 200}),
    );
    let server = Server::start(&resources).await;
    let mut request = ask_stream("Hi");
    request["model"] = json!("quick");

    upstream.push(Answer::stream().stall());
    server
        .client()
        .chat(&request)
        .await
        .is_error(504, "timeout", None);
    assert_eq!(upstream.next_request().await.ended().await, End::Cancelled);

    upstream.push(Answer::stream().event(&role()).stall());
    let (body, _) = server.client().open(&request).await.rest().await;
    assert_eq!(broken_off(&body, 1)["type"], "timeout");
    assert_eq!(upstream.next_request().await.ended().await, End::Cancelled);
}

#[tokio::test]
async fn keeps_a_silent_stream_alive_with_comments() {
    let upstream = Upstream::start().await;
    let server = Server::builder()
        .resources(&Resources::over(&upstream))
        .config(json!({"downstream": {"sse_keepalive_interval_secs": 1}}))
        .start()
        .await;
    let gate = Gate::new();
    upstream.push(held_by(&gate));

    let mut stream = server.client().open(&ask_stream("Hi")).await;
    stream.next_json().await;
    let silent = stream.next_event().await.expect("a comment");
    gate.open();

    assert!(silent.starts_with(':'), "{silent:?}");
    assert!(silent.ends_with("\n\n"), "{silent:?}");
    assert!(stream.text().await.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn serves_many_streams_at_once() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.respond(move |_| {
        Answer::stream()
            .event(&role())
            .wait(&held)
            .event(&text("x"))
            .event(&finish("stop"))
            .done()
    });
    let client = server.client();

    let mut streams = Vec::new();
    for _ in 0..200 {
        let mut stream = client.open(&ask_stream("Hi")).await;
        stream.next_json().await;
        streams.push(stream);
    }
    gate.open_for_all();

    for stream in streams {
        assert!(stream.text().await.ends_with("data: [DONE]\n\n"));
    }
    assert_eq!(upstream.calls(), 200);
}

#[tokio::test]
async fn keeps_the_connection_after_a_clean_stream() {
    let (upstream, server) = pair().await;
    let mut raw = RawClient::connect(server.addr()).await;
    let request = chat_request(ask_stream("Hi").to_string().as_bytes());

    for _ in 0..2 {
        upstream.push(hello());
        raw.send(&request).await.unwrap();
        let reply = raw.reply().await.expect("an answer");
        assert!(
            reply.complete && reply.text().ends_with("data: [DONE]\n\n"),
            "{reply:?}"
        );
    }
    // Read to its end, `[DONE]` included, the upstream's connection can be used again too.
    assert!(
        upstream.connections() <= 2,
        "{} connections",
        upstream.connections()
    );
}
