//! What coding agents send, to each vendor: long histories, many tools, marks for the cache,
//! reasoning with its proofs. The bodies are written by hand in the manner of Claude Code and Codex.

use aisix_tests::sdk::{Job, Sdk};
use aisix_tests::server::Server;
use aisix_tests::splice::with_model;
use aisix_tests::upstream::{Recorded, Upstream};
use aisix_tests::vendors::{self, Vendor};
use serde_json::{Value, json};

const CLAUDE_CODE: &str = include_str!("agents/claude_code.json");
const CODEX: &str = include_str!("agents/codex.json");
const LONG_NAME: &str =
    "mcp__issue-tracker__search_issues_with_a_name_that_is_longer_than_64_characters";

/// The body as an agent would send it for this vendor's model.
fn body(agent: &str, vendor: Vendor) -> String {
    agent.replace("\"MODEL\"", &json!(vendor.model()).to_string())
}

/// Sends the body, and returns what the vendor was asked.
async fn sent(upstream: &Upstream, server: &Server, path: &str, body: String) -> Recorded {
    let model: Value = serde_json::from_str(&body).unwrap();
    let stream = vendors::stream_of(model["model"].as_str().unwrap());
    upstream.push(stream);
    let client = server
        .client()
        .with(
            "anthropic-beta",
            "interleaved-thinking-2025-05-14,context-management-2025-06-27",
        )
        .with("anthropic-version", "2023-06-01");
    let reply = client.post(path, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains("It passes now."), "{}", reply.text());
    upstream.next_request().await
}

fn strings<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| {
            item.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        })
        .collect()
}

// === Claude Code ===

#[tokio::test]
async fn claude_code_reaches_anthropic_to_the_byte() {
    let (upstream, server) = vendors::start().await;
    let body = body(CLAUDE_CODE, Vendor::Anthropic);

    let seen = sent(&upstream, &server, "/v1/messages?beta=true", body.clone()).await;

    let want = with_model(body.as_bytes(), Vendor::Anthropic.upstream_model());
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(&want)
    );
    assert!(seen.header("anthropic-beta").is_some());
}

#[tokio::test]
async fn claude_code_reaches_vendors_of_chat_completions() {
    let (upstream, server) = vendors::start().await;

    let seen = sent(
        &upstream,
        &server,
        "/v1/messages",
        body(CLAUDE_CODE, Vendor::OpenAi),
    )
    .await;

    let seen = seen.json();
    let messages = &seen["messages"];
    assert_eq!(
        strings(messages, "/role"),
        [
            "system",
            "user",
            "assistant",
            "tool",
            "tool",
            "user",
            "assistant",
            "tool",
            "assistant",
            "user",
        ]
    );
    assert_eq!(messages[1]["content"][2]["type"], "image_url");
    let calls = &messages[2]["tool_calls"];
    assert_eq!(strings(calls, "/function/name"), ["Read", "Bash"]);
    assert_eq!(strings(calls, "/id"), ["toolu_01A", "toolu_01B"]);
    assert_eq!(
        serde_json::from_str::<Value>(calls[1]["function"]["arguments"].as_str().unwrap()).unwrap(),
        json!({"command": "pytest -x", "timeout": 60000})
    );
    assert_eq!(messages[3]["tool_call_id"], "toolu_01A");
    assert_eq!(messages[4]["content"], "Error: <error>exit code 1</error>");
    let tools = strings(&seen["tools"], "/function/name");
    assert_eq!(tools.len(), 10);
    assert!(tools.iter().all(|name| name.len() <= 64), "{tools:?}");
    assert_eq!(
        seen["tools"][7]["function"]["parameters"]["properties"]["todos"]["items"]["required"],
        json!(["content", "status", "activeForm"])
    );
    assert_eq!(seen["reasoning_effort"], "medium");
    assert_eq!(seen["stream_options"]["include_usage"], true);
    let text = seen.to_string();
    for foreign in ["cache_control", "signature", "redacted", "eager_input"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
}

#[tokio::test]
async fn claude_code_reaches_gemini() {
    let (upstream, server) = vendors::start().await;

    let seen = sent(
        &upstream,
        &server,
        "/v1/messages",
        body(CLAUDE_CODE, Vendor::Gemini),
    )
    .await;

    assert!(
        seen.uri.path().ends_with(":streamGenerateContent"),
        "{}",
        seen.uri
    );
    let seen = seen.json();
    let contents = &seen["contents"];
    assert_eq!(
        strings(contents, "/role"),
        [
            "user", "model", "user", "user", "model", "user", "model", "user"
        ]
    );
    assert_eq!(
        contents[0]["parts"][2]["inlineData"]["mimeType"],
        "image/png"
    );
    let results = &contents[2]["parts"];
    assert_eq!(results[0]["functionResponse"]["name"], "Read");
    assert_eq!(results[1]["functionResponse"]["name"], "Bash");
    assert_eq!(
        results[1]["functionResponse"]["response"]["error"],
        "<error>exit code 1</error>"
    );
    let declared = &seen["tools"][0]["functionDeclarations"];
    assert_eq!(declared.as_array().map(Vec::len), Some(10));
    let system = strings(&seen["systemInstruction"]["parts"], "/text");
    assert!(
        system.iter().any(|text| text.starts_with("You are")),
        "{system:?}"
    );
    let text = seen.to_string();
    for foreign in ["cache_control", "EqQBCkYIBxgCKkD", "redacted"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
}

#[tokio::test]
async fn claude_code_gets_its_own_tool_names_back() {
    let (upstream, server) = vendors::start().await;
    for vendor in [Vendor::OpenAi, Vendor::Gemini] {
        upstream.respond(move |request| vendors::calls_last_tool(vendor, request));
        let mut request: Value = serde_json::from_str(&body(CLAUDE_CODE, vendor)).unwrap();
        request.as_object_mut().unwrap().remove("stream");
        let job = Job::new(&server.base_url())
            .op("messages", request.clone())
            .op("messages_stream_helper", request);

        let read = Sdk::Python.run(&job).await;

        for message in [&read[0]["ok"], &read[1]["ok"]["final"]] {
            let call = &message["content"][0];
            assert_eq!(call["type"], "tool_use", "{vendor:?}: {}", json!(read));
            assert_eq!(call["name"], LONG_NAME, "{vendor:?}");
            assert_eq!(call["input"], json!({"query": "parser"}), "{vendor:?}");
            assert_eq!(message["stop_reason"], "tool_use", "{vendor:?}");
        }
    }
}

// === Codex ===

#[tokio::test]
async fn codex_reaches_openai_to_the_byte() {
    let upstream = Upstream::start().await;
    let resources = vendors::resources(&upstream)
        .provider_key("native", "openai", &upstream.api_base())
        .model("native", "native", Vendor::OpenAi.upstream_model());
    let server = Server::start(&resources).await;
    upstream.push(vendors::responses_stream("It passes now."));
    let body = CODEX.replace("\"MODEL\"", "\"native\"");

    let reply = server
        .client()
        .post("/v1/responses", body.clone())
        .await
        .ok();

    assert!(reply.text().contains("It passes now."));
    let seen = upstream.next_request().await;
    assert_eq!(seen.uri.path(), "/v1/responses");
    let want = with_model(body.as_bytes(), Vendor::OpenAi.upstream_model());
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(&want)
    );
}

#[tokio::test]
async fn codex_reaches_vendors_of_chat_completions() {
    let (upstream, server) = vendors::start().await;

    let seen = sent(
        &upstream,
        &server,
        "/v1/responses",
        body(CODEX, Vendor::OpenAi),
    )
    .await;

    let seen = seen.json();
    let messages = &seen["messages"];
    let roles = strings(messages, "/role");
    assert_eq!(
        roles.iter().filter(|role| **role == "tool").count(),
        3,
        "{roles:?}"
    );
    assert_eq!(roles.last(), Some(&"user"), "{roles:?}");
    let first = messages[0]["content"].to_string();
    assert!(first.contains("You are a coding agent"), "{first}");
    let ids: Vec<_> = messages
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|message| message["tool_call_id"].as_str())
        .collect();
    assert_eq!(ids, ["call_01A", "call_01B", "call_02A"]);
    assert_eq!(seen["tools"].as_array().map(Vec::len), Some(4));
    assert_eq!(seen["reasoning_effort"], "medium");
    assert!(!seen.to_string().contains("gAAAAAB"), "{seen}");
}

#[tokio::test]
async fn codex_reaches_anthropic() {
    let (upstream, server) = vendors::start().await;

    let seen = sent(
        &upstream,
        &server,
        "/v1/responses",
        body(CODEX, Vendor::Anthropic),
    )
    .await;

    assert_eq!(seen.uri.path(), "/v1/messages");
    let seen = seen.json();
    assert!(
        seen["system"]
            .to_string()
            .contains("You are a coding agent"),
        "{}",
        seen["system"]
    );
    let messages = seen["messages"].as_array().unwrap();
    let blocks = messages
        .iter()
        .flat_map(|message| message["content"].as_array().cloned().unwrap_or_default());
    let blocks: Vec<_> = blocks.collect();
    let of = |kind: &str| -> Vec<&Value> {
        blocks
            .iter()
            .filter(|block| block["type"] == kind)
            .collect()
    };
    assert_eq!(of("image").len(), 1);
    let called: Vec<_> = of("tool_use")
        .iter()
        .map(|block| block["id"].clone())
        .collect();
    let answered: Vec<_> = of("tool_result")
        .iter()
        .map(|block| block["tool_use_id"].clone())
        .collect();
    assert_eq!(called, answered);
    assert_eq!(called.len(), 3);
    assert_eq!(of("tool_use")[0]["input"]["workdir"], "/home/user/app");
    assert_eq!(seen["tools"].as_array().map(Vec::len), Some(4));
    assert!(seen["max_tokens"].as_u64().is_some());
    assert!(seen["thinking"]["type"].is_string(), "{}", seen["thinking"]);
    assert!(!seen.to_string().contains("gAAAAAB"), "{seen}");
}

#[tokio::test]
async fn codex_reaches_gemini() {
    let (upstream, server) = vendors::start().await;

    let seen = sent(
        &upstream,
        &server,
        "/v1/responses",
        body(CODEX, Vendor::Gemini),
    )
    .await;

    let seen = seen.json();
    let contents = seen["contents"].to_string();
    assert_eq!(
        contents.matches("functionResponse").count(),
        3,
        "{contents}"
    );
    assert_eq!(contents.matches("functionCall").count(), 3, "{contents}");
    let declared = &seen["tools"][0]["functionDeclarations"];
    assert_eq!(declared.as_array().map(Vec::len), Some(4));
    assert!(!contents.contains("gAAAAAB"), "{contents}");
}
