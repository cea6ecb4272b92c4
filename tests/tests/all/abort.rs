//! The caller hangs up.

use aisix_tests::openai::{ask, ask_stream, completion, role, text};
use aisix_tests::raw::{RawClient, chat_request};
use aisix_tests::resources::Resources;
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, End, Gate, Upstream};
use aisix_tests::wait::{clear_of_boundary, until};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn cancels_the_upstream_call_in_the_middle_of_a_stream() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    // Silent after the first event: the gateway cannot notice by writing.
    upstream.push(Answer::stream().event(&role()).stall());

    let mut stream = server.client().open(&ask_stream("Hi")).await;
    stream.next_json().await;
    let call = upstream.next_request().await;
    assert!(call.is_running());
    drop(stream);

    assert_eq!(call.ended().await, End::Cancelled);
}

#[tokio::test]
async fn cancels_the_upstream_call_that_has_not_answered_yet() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    for request in [ask("Hi"), ask_stream("Hi")] {
        upstream.push(Answer::status(200).silent());
        let mut raw = RawClient::connect(server.addr()).await;
        raw.send(&chat_request(request.to_string().as_bytes()))
            .await
            .unwrap();
        let call = upstream.next_request().await;
        assert!(call.is_running());

        drop(raw);

        assert_eq!(call.ended().await, End::Cancelled);
    }
}

#[tokio::test]
async fn cancels_while_the_upstream_sends_faster_than_the_caller_reads() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    let long = text(&"x".repeat(60_000));
    let flood = (0..2_000).fold(Answer::stream().event(&role()), |flood, _| {
        flood.event(&long)
    });
    upstream.push(flood.done());

    let mut stream = server.client().open(&ask_stream("Hi")).await;
    stream.next_json().await;
    let call = upstream.next_request().await;
    // 120 MB would be needed to hold all of it: the gateway must push back instead.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(call.is_running(), "nothing holds the upstream back");
    assert!(
        server.resident() < 100 << 20,
        "{} bytes resident",
        server.resident()
    );
    drop(stream);

    assert_eq!(call.ended().await, End::Cancelled);
}

#[tokio::test]
async fn charges_the_tokens_that_were_delivered() {
    let upstream = Upstream::always(Answer::json(completion("Hi", 1, 2).to_string())).await;
    let row = json!({"rate_limit": {"tpd": 100_000}});
    let resources = Resources::over(&upstream).api_key("sk-limited", &["*"], row);
    let server = Server::start(&resources).await;
    let client = server.client().with_key("sk-limited");
    clear_of_boundary(Duration::from_secs(86_400), Duration::from_secs(20)).await;
    let remaining = || async {
        let reply = client.chat(&ask("Hi")).await.ok();
        reply.number("x-ratelimit-remaining-tokens")
    };

    let before = remaining().await;
    assert_eq!(
        before - remaining().await,
        3,
        "a whole answer costs its 1 + 2 tokens"
    );
    // No usage has come when the caller goes: what was delivered is estimated.
    let words = text("Twenty words or so that have been delivered before the caller went away.");
    let stream = (0..10).fold(Answer::stream().event(&role()), |stream, _| {
        stream.event(&words)
    });
    upstream.push(stream.stall());
    let mut stream = client
        .open(&ask_stream("Please count the tokens of this question"))
        .await;
    for _ in 0..11 {
        stream.next_json().await;
    }
    let call = upstream.requests().pop().expect("a call");
    drop(stream);
    assert_eq!(call.ended().await, End::Cancelled);

    let mut last = before - 3;
    until("the delivered tokens to be charged", || {
        let now = remaining();
        let previous = last;
        last -= 3;
        async move {
            let cost = previous.saturating_sub(now.await);
            // Ten times some fifteen tokens and the question, or less by a cautious estimate.
            (cost > 3 + 30).then_some(())
        }
    })
    .await;
}

#[tokio::test]
async fn serves_others_while_callers_come_and_go() {
    let upstream = Upstream::start().await;
    let server = Server::start(&Resources::over(&upstream)).await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.respond(move |_| Answer::stream().event(&role()).wait(&held).done());
    let client = server.client();

    let mut kept = client.open(&ask_stream("stay")).await;
    kept.next_json().await;
    for _ in 0..100 {
        let mut stream = client.open(&ask_stream("go")).await;
        stream.next_json().await;
    }
    let calls = upstream.requests();
    for call in &calls[1..] {
        assert_eq!(call.ended().await, End::Cancelled);
    }
    assert!(calls[0].is_running());
    gate.open_for_all();
    assert!(kept.text().await.ends_with("data: [DONE]\n\n"));
    // What the hundred left behind is gone.
    until("the sockets to be closed", || async {
        (server.descriptors() < 40).then_some(())
    })
    .await;
}
