//! SIGTERM and SIGINT.

use std::time::Duration;

use aisix_tests::openai::{ask_stream, held_by, role};
use aisix_tests::resources::Resources;
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, End, Gate, Upstream};
use aisix_tests::wait::until;
use serde_json::json;

#[tokio::test]
async fn exits_within_a_second_when_idle() {
    let upstream = Upstream::start().await;
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&Resources::over(&upstream)).await;
        // An idle connection that a caller keeps must not hold the process.
        let client = server.client();
        client.get("/v1/models").await.ok();

        server.signal(signal);
        let (status, took) = server.exited().await;

        assert_eq!(status.code(), Some(0), "{}", server.log());
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test]
async fn finishes_a_stream_and_takes_nothing_new() {
    let upstream = Upstream::start().await;
    let mut server = Server::start(&Resources::over(&upstream)).await;
    let gate = Gate::new();
    upstream.push(held_by(&gate));

    let mut stream = server.client().open(&ask_stream("Hi")).await;
    stream.next_json().await;
    server.signal("TERM");

    // Whoever asks is told 503, or finds nobody listening any more.
    until("the gateway to be unready", || async {
        match server.client().try_get("/readyz").await {
            Ok(reply) => (reply.status == 503).then_some(()),
            Err(_) => Some(()),
        }
    })
    .await;
    gate.open();
    assert!(stream.text().await.ends_with("data: [DONE]\n\n"));
    let (status, _) = server.exited().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert_eq!(upstream.next_request().await.ended().await, End::Played);
}

#[tokio::test]
async fn answers_503_for_as_long_as_the_least_drain_lasts() {
    let upstream = Upstream::start().await;
    let mut server = Server::builder()
        .resources(&Resources::over(&upstream))
        .config(json!({"shutdown": {"min_drain_secs": 2}}))
        .start()
        .await;

    server.signal("TERM");
    let verbose = until("a 503 of /readyz", || async {
        let reply = server.client().try_get("/readyz?verbose").await.ok()?;
        (reply.status == 503).then(|| reply.text())
    })
    .await;

    assert!(verbose.contains("[-]shutdown"), "{verbose}");
    assert_eq!(server.client().get("/livez").await.status, 200);
    let (status, took) = server.exited().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn cuts_what_is_still_running_after_the_longest_drain() {
    let upstream = Upstream::start().await;
    let mut server = Server::builder()
        .resources(&Resources::over(&upstream))
        .config(json!({"shutdown": {"max_drain_secs": 1}}))
        .start()
        .await;
    upstream.push(Answer::stream().event(&role()).stall());

    let mut stream = server.client().open(&ask_stream("Hi")).await;
    stream.next_json().await;
    server.signal("TERM");
    let (status, took) = server.exited().await;

    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(
        took >= Duration::from_millis(900) && took < Duration::from_secs(4),
        "{took:?}"
    );
    let (rest, broken) = stream.rest().await;
    let rest = String::from_utf8_lossy(&rest);
    assert!(broken || rest.contains("event: error"), "{rest}");
    assert!(!rest.contains("[DONE]"), "{rest}");
    assert_eq!(upstream.next_request().await.ended().await, End::Cancelled);
}
