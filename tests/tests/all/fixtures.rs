//! Recorded traffic, replayed as upstream: what the gateway passes on, and what the SDKs read
//! through it and beside it.

use aisix_tests::fixtures::{Fixture, openai_formats};
use aisix_tests::replay::{Replay, address, name, upstream_model};
use aisix_tests::sdk::{Job, Sdk};
use aisix_tests::splice::{stream_with_model, top_level, with_model, without_added_stream_options};
use serde_json::{Value, json};

async fn replay() -> Option<Replay> {
    let fixtures = openai_formats()?
        .into_iter()
        // The gateway refuses an empty conversation by itself.
        .filter(|fixture| !fixture.has("error") || fixture.request_json()["messages"] != json!([]));
    Some(Replay::start(fixtures.collect()).await)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn passes_recorded_traffic_but_for_model() {
    let Some(replay) = replay().await else {
        return;
    };
    let client = replay.server.client();
    let mut compared = 0;
    for (at, fixture) in replay.fixtures.iter().enumerate() {
        let request = with_model(&fixture.request, &name(at));
        let path = format!("/v1{}", fixture.path());

        let reply = client.post(&path, request.clone()).await;

        assert_eq!(
            reply.status,
            fixture.status,
            "{}: {}",
            fixture.id,
            reply.text()
        );
        if fixture.status != 200 {
            let recorded: Value = serde_json::from_slice(&fixture.response).expect("JSON");
            for key in ["message", "type", "param", "code"] {
                assert_eq!(
                    reply.json()["error"][key],
                    recorded["error"][key],
                    "{}",
                    fixture.id
                );
            }
        } else if fixture.stream {
            let want = stream_with_model(&fixture.response, &name(at));
            // DeepSeek sends blank lines behind the last event, which say nothing.
            assert_eq!(
                reply.text().trim_end(),
                text(&want).trim_end(),
                "{}",
                fixture.id
            );
        } else {
            let want = with_model(&fixture.response, &name(at));
            assert_eq!(reply.text(), text(&want), "{}", fixture.id);
        }
        let sent = replay.upstream.next_request().await.body;
        // DeepSeek's smaller vocabulary is adapted to where a request goes beyond it.
        if fixture.provider != "deepseek" {
            compare_request(fixture, &sent);
        }
        compared += 1;
    }
    assert!(compared > 100, "only {compared} compared");
}

/// The upstream's request is the caller's but for `model`, and for the wish to be told the usage.
#[track_caller]
fn compare_request(fixture: &Fixture, seen: &[u8]) {
    let want = with_model(&fixture.request, &upstream_model(fixture));
    if fixture.stream && top_level(&fixture.request, "stream_options").is_none() {
        let seen_json: Value = serde_json::from_slice(seen).expect("JSON");
        assert_eq!(
            seen_json["stream_options"]["include_usage"], true,
            "{}",
            fixture.id
        );
        let seen = without_added_stream_options(seen);
        assert_eq!(text(&seen), text(&want), "{}", fixture.id);
    } else {
        assert_eq!(text(seen), text(&want), "{}", fixture.id);
    }
}

#[tokio::test]
async fn reads_the_same_through_the_gateway_with_the_python_sdk() {
    reads_the_same_through_the_gateway(Sdk::Python).await;
}

#[tokio::test]
async fn reads_the_same_through_the_gateway_with_the_node_sdk() {
    reads_the_same_through_the_gateway(Sdk::Node).await;
}

async fn reads_the_same_through_the_gateway(sdk: Sdk) {
    let Some(replay) = replay().await else {
        return;
    };
    let mut job = Job::new(&replay.server.base_url());
    let mut labels = Vec::new();
    for (at, fixture) in replay.fixtures.iter().enumerate() {
        let ops: &[&str] = match (fixture.endpoint.as_str(), fixture.stream) {
            ("embeddings", _) => &["embeddings"],
            (_, false) => &["chat"],
            (_, true) => &["chat_stream", "chat_stream_helper"],
        };
        for op in ops {
            let mut args = fixture.request_json();
            args.as_object_mut()
                .expect("a request is an object")
                .remove("stream");
            job = job.op_at(&address(&replay.upstream, at), op, args.clone());
            args["model"] = json!(name(at));
            job = job.op(op, args);
            labels.push((fixture, *op));
        }
    }

    let results = sdk.run(&job).await;

    for (pair, (fixture, op)) in results.chunks(2).zip(labels) {
        let [direct, through] = [&pair[0], &pair[1]].map(comparable);
        assert_eq!(through, direct, "{sdk:?} {op}: {}", fixture.id);
    }
}

/// A result without what differs by design: the model's name.
fn comparable(result: &Value) -> Value {
    if let Some(error) = result.get("error") {
        // The message of the Python SDK prints a dictionary in the order of the wire.
        let keys = ["class", "status_code", "type", "code", "param", "body"];
        return keys
            .iter()
            .map(|key| ((*key).to_owned(), error[key].clone()))
            .collect();
    }
    let mut result = result["ok"].clone();
    same_model(&mut result);
    result
}

fn same_model(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if key == "model" && value.is_string() {
                    *value = json!("same");
                } else {
                    same_model(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(same_model),
        _ => {}
    }
}
