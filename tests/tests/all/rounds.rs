//! Two rounds of an agent: what the SDK was given goes back with the result of the tool, and the
//! vendor finds the proof of its own thoughts where it left it.

use aisix_tests::callers::Caller;
use aisix_tests::sdk::{Job, Sdk};
use aisix_tests::server::Server;
use aisix_tests::upstream::{Answer, Recorded, Upstream};
use aisix_tests::vendors::{self, Vendor};
use aisix_tests::{anthropic, gemini};
use serde_json::{Value, json};

const PROOF: &str = "c2lnbmF0dXJlIG9mIHRoZSB0aG91Z2h0cw==";
const SEALED: &str = "c2VhbGVkIHRob3VnaHRz";

#[tokio::test]
async fn a_chat_brings_claudes_thoughts_back() {
    brings_the_proof_back(Caller::Chat, Vendor::Anthropic).await;
}

#[tokio::test]
async fn a_chat_brings_geminis_thoughts_back() {
    brings_the_proof_back(Caller::Chat, Vendor::Gemini).await;
}

#[tokio::test]
async fn responses_bring_claudes_thoughts_back() {
    brings_the_proof_back(Caller::Responses, Vendor::Anthropic).await;
}

#[tokio::test]
async fn responses_bring_geminis_thoughts_back() {
    brings_the_proof_back(Caller::Responses, Vendor::Gemini).await;
}

#[tokio::test]
async fn messages_bring_claudes_thoughts_back() {
    brings_the_proof_back(Caller::Messages, Vendor::Anthropic).await;
}

#[tokio::test]
async fn messages_bring_geminis_thoughts_back() {
    brings_the_proof_back(Caller::Messages, Vendor::Gemini).await;
}

async fn brings_the_proof_back(caller: Caller, vendor: Vendor) {
    let (upstream, server) = vendors::start().await;
    for sdk in Sdk::ALL {
        for op in [caller.ops(false)[0], caller.ops(true)[1]] {
            // Of a field that it does not know this helper keeps only the last piece.
            if (sdk, op, vendor) == (Sdk::Node, "chat_stream_helper", Vendor::Anthropic) {
                continue;
            }
            upstream.push(thinks(vendor, op.ends_with("helper")));
            let ask = caller.ask(vendor.model(), &["weather"]);
            let first = run(sdk, &server, op, ask.clone()).await;
            upstream.next_request().await;
            assert!(
                first.to_string().contains("Look it up."),
                "{sdk:?} {op}: {first}"
            );

            upstream.push(vendor.says("It rains.", 3, 2));
            let next = next_round(caller, ask, &first);
            run(sdk, &server, caller.ops(false)[0], next).await;

            let seen = upstream.next_request().await;
            check(vendor, &seen, &format!("{sdk:?} {op}: {first}"));
        }
    }
}

async fn run(sdk: Sdk, server: &Server, op: &str, args: Value) -> Value {
    let read = sdk.run(&Job::new(&server.base_url()).op(op, args)).await;
    let ok = read[0].get("ok");
    let ok = ok.unwrap_or_else(|| panic!("{sdk:?} {op}: {}", read[0]));
    ok.get("final").unwrap_or(ok).clone()
}

/// An answer with thoughts, their proof, and a call.
fn thinks(vendor: Vendor, stream: bool) -> Answer {
    if vendor == Vendor::Gemini {
        let call = json!({"name": "weather", "args": {"city": "Paris"}});
        let parts = json!([
            {"text": "Look it up.", "thought": true},
            {"functionCall": call, "thoughtSignature": PROOF},
        ]);
        let answer = gemini::answer_of(&parts, 3, 2);
        return match stream {
            true => Answer::stream().event(&answer),
            false => Answer::json(answer.to_string()),
        };
    }
    let input = json!({"city": "Paris"});
    let blocks = [
        json!({"type": "thinking", "thinking": "Look it up.", "signature": PROOF}),
        json!({"type": "redacted_thinking", "data": SEALED}),
        json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": input}),
    ];
    if !stream {
        let mut message = anthropic::message("", 3, 2);
        message["content"] = json!(blocks);
        message["stop_reason"] = json!("tool_use");
        return Answer::json(message.to_string());
    }
    let begin = |at: usize, block: Value| json!({"type": "content_block_start", "index": at, "content_block": block});
    let add = |at: usize, delta: Value| json!({"type": "content_block_delta", "index": at, "delta": delta});
    let close = |at: usize| json!({"type": "content_block_stop", "index": at});
    let mut call = blocks[2].clone();
    call["input"] = json!({});
    let [_, mut last, stop] = anthropic::stop(2);
    last["delta"]["stop_reason"] = json!("tool_use");
    anthropic::events([
        anthropic::start(3),
        begin(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        add(0, json!({"type": "thinking_delta", "thinking": "Look it "})),
        add(0, json!({"type": "thinking_delta", "thinking": "up."})),
        add(0, json!({"type": "signature_delta", "signature": PROOF})),
        close(0),
        begin(1, blocks[1].clone()),
        close(1),
        begin(2, call),
        add(
            2,
            json!({"type": "input_json_delta", "partial_json": input.to_string()}),
        ),
        close(2),
        last,
        stop,
    ])
}

/// The first request with the answer to it and the result of the call.
fn next_round(caller: Caller, mut ask: Value, first: &Value) -> Value {
    let mut push = |list: &str, item: Value| {
        let list = ask[list].as_array_mut().expect("a list");
        list.push(item);
    };
    match caller {
        Caller::Chat => {
            let message = first["choices"][0]["message"].clone();
            let id = message["tool_calls"][0]["id"].clone();
            push("messages", message);
            push(
                "messages",
                json!({"role": "tool", "tool_call_id": id, "content": "rain"}),
            );
        }
        Caller::Messages => {
            let blocks = first["content"].as_array().expect("blocks");
            let call = blocks.iter().find(|block| block["type"] == "tool_use");
            let id = call.expect("a call")["id"].clone();
            push("messages", json!({"role": "assistant", "content": blocks}));
            let result = json!({"type": "tool_result", "tool_use_id": id, "content": "rain"});
            push("messages", json!({"role": "user", "content": [result]}));
        }
        Caller::Responses => {
            let items = first["output"].as_array().expect("items");
            let call = items.iter().find(|item| item["type"] == "function_call");
            let id = call.expect("a call")["call_id"].clone();
            let mut input = vec![json!({"role": "user", "content": "Hello"})];
            input.extend(items.iter().cloned());
            input.push(json!({"type": "function_call_output", "call_id": id, "output": "rain"}));
            ask["input"] = json!(input);
        }
    }
    ask
}

#[track_caller]
fn check(vendor: Vendor, seen: &Recorded, what: &str) {
    let seen = seen.json();
    if vendor == Vendor::Gemini {
        let parts = seen["contents"][1]["parts"].as_array().expect("parts");
        let call = parts.iter().find(|part| part.get("functionCall").is_some());
        let call = call.unwrap_or_else(|| panic!("{what}\n{seen}"));
        assert_eq!(call["thoughtSignature"], PROOF, "{what}\n{seen}");
        assert_eq!(
            call["functionCall"]["args"],
            json!({"city": "Paris"}),
            "{what}"
        );
        let result = &seen["contents"][2]["parts"][0]["functionResponse"];
        assert_eq!(result["name"], "weather", "{what}\n{seen}");
        return;
    }
    let blocks = &seen["messages"][1]["content"];
    assert_eq!(blocks[0]["thinking"], "Look it up.", "{what}\n{seen}");
    assert_eq!(blocks[0]["signature"], PROOF, "{what}\n{seen}");
    assert_eq!(blocks[1]["data"], SEALED, "{what}\n{seen}");
    assert_eq!(
        blocks[2]["input"],
        json!({"city": "Paris"}),
        "{what}\n{seen}"
    );
    assert_eq!(blocks[2]["id"], "toolu_1", "{what}\n{seen}");
    let result = &seen["messages"][2]["content"][0];
    assert_eq!(result["tool_use_id"], "toolu_1", "{what}\n{seen}");
}

#[tokio::test]
async fn the_proof_of_one_vendor_is_not_shown_to_another() {
    let (upstream, server) = vendors::start().await;
    for caller in Caller::ALL {
        for (from, to) in [
            (Vendor::Anthropic, Vendor::Gemini),
            (Vendor::Anthropic, Vendor::OpenAi),
            (Vendor::Gemini, Vendor::OpenAi),
        ] {
            // What passes as it is, passes with all that the caller says.
            if (caller, to) == (Caller::Chat, Vendor::OpenAi) {
                continue;
            }
            let first = exchange(&upstream, &server, caller, from).await;
            let mut next = next_round(caller, caller.ask(from.model(), &["weather"]), &first);
            next["model"] = json!(to.model());
            upstream.push(to.says("It rains.", 3, 2));
            let client = server.client();
            let reply = client.post(caller.path(), next.to_string()).await;

            assert_eq!(
                reply.status,
                200,
                "{caller:?} {from:?} {to:?}: {}",
                reply.text()
            );
            let seen = upstream.next_request().await.json().to_string();
            for proof in [PROOF, SEALED] {
                assert!(!seen.contains(proof), "{caller:?} {from:?} {to:?}: {seen}");
            }
        }
    }
}

async fn exchange(upstream: &Upstream, server: &Server, caller: Caller, vendor: Vendor) -> Value {
    upstream.push(thinks(vendor, false));
    let ask = caller.ask(vendor.model(), &["weather"]).to_string();
    let reply = server.client().post(caller.path(), ask).await.ok();
    upstream.next_request().await;
    reply.json()
}
