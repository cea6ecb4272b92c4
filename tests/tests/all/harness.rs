//! The harness against itself: the scripts read the scripted upstream without a gateway, so that a
//! failure elsewhere is the gateway's.

use aisix_tests::openai::{completion, error, finish, role, text, usage_chunk};
use aisix_tests::raw::RawClient;
use aisix_tests::resources::MODEL;
use aisix_tests::sdk::{Job, Sdk};
use aisix_tests::upstream::{Answer, End, Gate, Upstream};
use serde_json::json;

#[tokio::test]
async fn both_sdks_read_the_scripted_upstream() {
    for sdk in Sdk::ALL {
        let upstream = Upstream::start().await;
        upstream.push(Answer::json(completion("Hi", 1, 2).to_string()));
        upstream.push(Answer::events([
            role(),
            text("Hi"),
            finish("stop"),
            usage_chunk(1, 2),
        ]));
        upstream.push(Answer::events([
            role(),
            text("Hi"),
            finish("stop"),
            usage_chunk(1, 2),
        ]));
        upstream.push(Answer::error(404, &error("No.", "t", Some("p"), Some("c"))));
        let ask = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]});
        let job = Job::new(&upstream.api_base())
            .op("chat", ask.clone())
            .op("chat_stream", ask.clone())
            .op("chat_stream_helper", ask.clone())
            .op("chat", ask);

        let read = sdk.run(&job).await;

        assert_eq!(read[0]["ok"], completion("Hi", 1, 2), "{sdk:?}");
        assert_eq!(
            read[1]["ok"].as_array().map(Vec::len),
            Some(4),
            "{sdk:?}: {}",
            read[1]
        );
        assert_eq!(read[2]["ok"]["content"], "Hi", "{sdk:?}: {}", read[2]);
        assert_eq!(
            read[3]["error"]["class"], "NotFoundError",
            "{sdk:?}: {}",
            read[3]
        );
        assert_eq!(read[3]["error"]["code"], "c", "{sdk:?}: {}", read[3]);
    }
}

#[tokio::test]
async fn the_upstream_tells_how_its_answers_ended() {
    let upstream = Upstream::start().await;
    let gate = Gate::new();
    upstream.push(Answer::stream().event(&role()).wait(&gate).done());
    upstream.push(Answer::stream().event(&role()).stall());
    upstream.push(Answer::stream().event(&role()).cut());
    upstream.push(Answer::json("{\"half\":1}").cut_after(4));
    let request = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";

    let mut raw = RawClient::connect(upstream.addr()).await;
    raw.send(request).await.unwrap();
    let played = upstream.next_request().await;
    assert!(played.is_running());
    gate.open();
    let reply = raw.reply().await.expect("an answer");
    assert!(
        reply.complete && reply.text().ends_with("[DONE]\n\n"),
        "{reply:?}"
    );
    assert_eq!(played.ended().await, End::Played);

    let mut raw = RawClient::connect(upstream.addr()).await;
    raw.send(request).await.unwrap();
    let cancelled = upstream.next_request().await;
    assert!(cancelled.is_running());
    drop(raw);
    assert_eq!(cancelled.ended().await, End::Cancelled);

    for half in ["data:", "{\"ha"] {
        let mut raw = RawClient::connect(upstream.addr()).await;
        raw.send(request).await.unwrap();
        let reply = raw.reply().await.expect("an answer");
        assert!(
            !reply.complete && reply.text().starts_with(half),
            "{reply:?}"
        );
    }
}
