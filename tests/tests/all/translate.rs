//! Recorded answers of every vendor, asked for in every format: what the caller's official SDK
//! reads through the gateway says what the vendor said.

use aisix_tests::callers::Caller;
use aisix_tests::fixtures::{Fixture, conversations};
use aisix_tests::replay::{Replay, name};
use aisix_tests::said::{Complaints, Said, Tokens};
use aisix_tests::sdk::{Job, Sdk};
use serde_json::{Value, json};

/// What the SDK does not put together of the vendor's own stream either: caller, end of the
/// operation's name, end of the fixture's, reason.
#[rustfmt::skip]
const EXCEPTIONS: &[(Caller, &str, &str, &str)] = &[
    (Caller::Chat, "helper", "/vc-deepseek-deepseek-text-stream", OVER_LENGTH),
    (Caller::Chat, "helper", "/envoy-chat-streaming-detailed-usage", OVER_LENGTH),
    (Caller::Chat, "helper", "/vc-anthropic-anthropic-refusal-stream", WITHHELD),
    (Caller::Chat, "helper", "/vc-compat-anthropic-fallback-tool-call-stream", "the first call has index 1"),
    (Caller::Chat, "helper", "/vc-mistral-mistral-reasoning-stream", "the content is a list"),
    (Caller::Responses, "helper", "/vc-deepseek-deepseek-text-stream", INCOMPLETE),
    (Caller::Responses, "helper", "/envoy-chat-streaming-detailed-usage", INCOMPLETE),
    (Caller::Responses, "helper", "/vc-anthropic-anthropic-refusal-stream", INCOMPLETE),
    (Caller::Responses, "helper", "/vc-openai-openai-shell-container-1-stream", "the deltas say less than the end"),
    (Caller::Messages, "helper", "/vc-anthropic-anthropic-compaction-1-stream", "leaves the counts of the compaction out"),
    (Caller::Messages, "helper", "/vc-anthropic-duplicate-message-start-stream", "the message begins twice"),
];

const OVER_LENGTH: &str = "raised when an answer ends at its length limit";
const INCOMPLETE: &str = "waits for an answer that is complete";
const WITHHELD: &str = "raised when an answer is withheld";

/// Asks for every recorded answer in one format with one SDK.
macro_rules! says_the_same {
    ($($name:ident: $sdk:ident, $caller:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            says_the_same(Sdk::$sdk, Caller::$caller).await;
        })*
    };
}

says_the_same! {
    says_the_same_to_python_over_chat_completions: Python, Chat;
    says_the_same_to_python_over_messages: Python, Messages;
    says_the_same_to_python_over_responses: Python, Responses;
    says_the_same_to_node_over_chat_completions: Node, Chat;
    says_the_same_to_node_over_messages: Node, Messages;
    says_the_same_to_node_over_responses: Node, Responses;
}

async fn says_the_same(sdk: Sdk, caller: Caller) {
    let Some(replay) = replay(caller).await else {
        return;
    };
    let mut job = Job::new(&replay.server.base_url());
    let mut labels = Vec::new();
    for (at, fixture) in replay.fixtures.iter().enumerate() {
        let want = Said::recorded(fixture);
        let mut ask = caller.ask(&name(at), &tools(&want));
        if caller == Caller::Chat && fixture.stream {
            ask["stream_options"] = json!({"include_usage": true});
        }
        for op in caller.ops(fixture.stream) {
            if is_exception(caller, fixture, op) {
                continue;
            }
            job = job.op(op, ask.clone());
            labels.push((fixture, *op, want.clone()));
        }
    }

    let results = sdk.run(&job).await;

    let mut complaints = Complaints::default();
    for (result, (fixture, op, want)) in results.iter().zip(&labels) {
        let what = format!("{op} {}", fixture.id);
        complaints.compare(&what, caller.read(result), want);
    }
    complaints.finish(250);
}

#[tokio::test]
async fn says_the_same_to_vercels_ai_over_chat_completions() {
    says_the_same_to_vercels_ai("openai-compatible", Caller::Chat).await;
}

#[tokio::test]
async fn says_the_same_to_vercels_ai_over_messages() {
    says_the_same_to_vercels_ai("anthropic", Caller::Messages).await;
}

#[tokio::test]
async fn says_the_same_to_vercels_ai_over_responses() {
    says_the_same_to_vercels_ai("openai-responses", Caller::Responses).await;
}

async fn says_the_same_to_vercels_ai(via: &str, caller: Caller) {
    let Some(replay) = replay(caller).await else {
        return;
    };
    let mut job = Job::new(&replay.server.base_url());
    let mut labels = Vec::new();
    for (at, fixture) in replay.fixtures.iter().enumerate() {
        let want = Said::recorded(fixture);
        let mut ask = Caller::Chat.ask(&name(at), &tools(&want));
        ask["via"] = json!(via);
        let op = match fixture.stream {
            true => "ai_stream",
            false => "ai_generate",
        };
        // What passes as it is, this SDK reads in its own way: it shows the vendor's own tools.
        if caller.is_native(fixture) || is_exception(caller, fixture, op) {
            continue;
        }
        job = job.op(op, ask);
        labels.push((fixture, op, want));
    }

    let results = Sdk::Node.run(&job).await;

    let mut complaints = Complaints::default();
    for (result, (fixture, op, want)) in results.iter().zip(&labels) {
        let what = format!("{op} {}", fixture.id);
        complaints.compare(&what, read_vercels_ai(result), want);
    }
    complaints.finish(200);
}

fn read_vercels_ai(result: &Value) -> Result<Said, String> {
    let Some(result) = result.get("ok") else {
        return Err(result["error"]["message"].to_string());
    };
    let calls = result["tool_calls"].as_array().expect("a list of calls");
    let count = |name: &str| result["usage"][name].as_u64().unwrap_or(0);
    Ok(Said {
        text: result["text"].as_str().unwrap_or_default().to_owned(),
        calls: calls
            .iter()
            .map(|call| {
                let name = call["name"].as_str().unwrap_or_default().to_owned();
                (name, call["arguments"].clone())
            })
            .collect(),
        usage: Some(Tokens {
            input: count("inputTokens"),
            output: count("outputTokens"),
        }),
    })
}

/// Every recorded answer that `caller` can be given by way of translation, or as it is.
async fn replay(caller: Caller) -> Option<Replay> {
    let fixtures = conversations()?.into_iter().filter_map(|mut fixture| {
        match (caller, fixture.endpoint.as_str()) {
            // OpenAI is asked for chat completions by whoever does not ask for responses.
            (Caller::Chat | Caller::Messages, "responses") => return None,
            // OpenAI itself would be asked for responses; other vendors have chat completions only.
            (Caller::Responses, "chat_completions") if fixture.provider == "openai" => {
                "openai-compatible".clone_into(&mut fixture.provider);
            }
            _ => {}
        }
        Some(fixture)
    });
    Some(Replay::start(fixtures.collect()).await)
}

fn tools(said: &Said) -> Vec<&str> {
    let mut names: Vec<_> = said.calls.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_exception(caller: Caller, fixture: &Fixture, op: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(who, what, id, _)| *who == caller && op.ends_with(what) && fixture.id.ends_with(id))
}
