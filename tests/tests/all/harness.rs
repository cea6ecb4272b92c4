//! The harness against itself: the scripts read the scripted upstream without a gateway, so that a
//! failure elsewhere is the gateway's.

use std::sync::Arc;

use aisix_tests::callers::Caller;
use aisix_tests::fixtures::conversations;
use aisix_tests::openai::{completion, error, finish, role, text, usage_chunk};
use aisix_tests::raw::RawClient;
use aisix_tests::replay::{address, play};
use aisix_tests::resources::MODEL;
use aisix_tests::said::{Complaints, Said};
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
        upstream.push(Answer::json(r#"{"input_tokens":7}"#).header("x-aisix-estimated", "true"));
        let written = json!({"id": "1", "object": "text_completion", "choices": []});
        upstream.push(Answer::json(written.to_string()));
        upstream.push(Answer::events([written.clone()]));
        let ask = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]});
        let write = json!({"model": MODEL, "prompt": "Hi"});
        let job = Job::new(&upstream.api_base())
            .op("chat", ask.clone())
            .op("chat_stream", ask.clone())
            .op("chat_stream_helper", ask.clone())
            .op("chat", ask.clone())
            .op("count_tokens_raw", ask)
            .op("completions", write.clone())
            .op("completions_stream", write);

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
        assert_eq!(
            read[4]["ok"]["count"]["input_tokens"], 7,
            "{sdk:?}: {}",
            read[4]
        );
        assert_eq!(
            read[4]["ok"]["headers"]["x-aisix-estimated"], "true",
            "{sdk:?}: {}",
            read[4]
        );
        assert_eq!(read[5]["ok"], written, "{sdk:?}: {}", read[5]);
        assert_eq!(read[6]["ok"], json!([written]), "{sdk:?}: {}", read[6]);
    }
}

#[tokio::test]
async fn vercels_ai_reads_the_scripted_upstream() {
    let upstream = Upstream::start().await;
    upstream.push(Answer::json(completion("Hi", 1, 2).to_string()));
    upstream.push(Answer::events([
        role(),
        text("Hi"),
        finish("stop"),
        usage_chunk(1, 2),
    ]));
    upstream.push(Answer::error(404, &error("No.", "t", None, None)));
    let ask = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]});
    let job = Job::new(&upstream.api_base())
        .op("ai_generate", ask.clone())
        .op("ai_stream", ask.clone())
        .op("ai_generate", ask);

    let read = Sdk::Node.run(&job).await;

    for read in &read[..2] {
        assert_eq!(read["ok"]["text"], "Hi", "{read}");
        assert_eq!(read["ok"]["finish_reason"], "stop", "{read}");
        assert_eq!(read["ok"]["usage"]["inputTokens"], 1, "{read}");
        assert_eq!(read["ok"]["usage"]["outputTokens"], 2, "{read}");
    }
    assert_eq!(read[2]["error"]["status_code"], 404, "{}", read[2]);
    assert_eq!(read[2]["error"]["message"], "No.", "{}", read[2]);
}

/// Streams that the vendors' own SDKs do not put together, since a second message begins in the
/// middle; one of which they leave the counts of the compaction out; and one whose deltas say less
/// than its end.
const NOT_PUT_TOGETHER: [&str; 8] = [
    "anthropic/messages/vc-anthropic-anthropic-compaction-1-stream",
    "openai/responses/vc-openai-openai-shell-container-1-stream",
    "anthropic/messages/vc-anthropic-anthropic-tool-search-deferred-bm25-stream",
    "anthropic/messages/vc-anthropic-anthropic-tool-search-deferred-regex-stream",
    "anthropic/messages/vc-anthropic-anthropic-tool-search-regex-1-stream",
    "anthropic/messages/vc-anthropic-duplicate-message-start-stream",
    "openai/responses/vc-openai-openai-reasoning-encrypted-content-1-stream",
    "openai/responses/vc-openai-openai-shell-tool-1-stream",
];

#[tokio::test]
async fn the_python_sdks_read_recorded_answers_of_their_vendors() {
    the_sdks_read_recorded_answers_of_their_vendors(Sdk::Python).await;
}

#[tokio::test]
async fn the_node_sdks_read_recorded_answers_of_their_vendors() {
    the_sdks_read_recorded_answers_of_their_vendors(Sdk::Node).await;
}

async fn the_sdks_read_recorded_answers_of_their_vendors(sdk: Sdk) {
    let Some(fixtures) = conversations() else {
        return;
    };
    let fixtures = Arc::new(fixtures);
    let upstream = play(&fixtures).await;
    let mut job = Job::new(&upstream.api_base());
    let mut labels = Vec::new();
    for (at, fixture) in fixtures.iter().enumerate() {
        let caller = match fixture.endpoint.as_str() {
            "messages" => Caller::Messages,
            "responses" => Caller::Responses,
            _ => continue,
        };
        for op in caller.ops(fixture.stream) {
            if op.ends_with("_helper") && NOT_PUT_TOGETHER.contains(&&*fixture.id) {
                continue;
            }
            job = job.op_at(&address(&upstream, at), op, caller.ask("m", &[]));
            labels.push((fixture, caller, *op));
        }
    }

    let results = sdk.run(&job).await;

    let mut complaints = Complaints::default();
    for (result, (fixture, caller, op)) in results.iter().zip(labels) {
        let what = format!("{op} {}", fixture.id);
        complaints.compare(&what, caller.read(result), &Said::recorded(fixture));
    }
    complaints.finish(400);
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
