use aisix_core::call::{Operation, Payload};
use aisix_core::dialect::{self, DialectId};
use aisix_core::error::Result;
use aisix_core::provider::{Endpoint, EndpointSpec, Provider, TargetSpec};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use memchr::memmem;
use serde_json::{Map, Value};

use crate::credential::keyed;
use crate::url::ApiBase;

/// Anthropic, or a vendor that speaks its Messages API.
///
/// Callers of that API say themselves which version of it they speak and which betas they use;
/// everybody else gets the version that takes a temperature, where the model does.
///
/// Source: <https://docs.claude.com/en/api/overview>.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct Anthropic;

impl Anthropic {
    /// Anthropic's own service.
    pub fn new() -> Self {
        Self
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &str {
        "anthropic"
    }

    fn dialects(&self, operation: Operation) -> &[DialectId] {
        match operation {
            Operation::Chat => &[dialect::ANTHROPIC_MESSAGES],
            Operation::CountTokens => &[dialect::ANTHROPIC_COUNT_TOKENS],
            // It offers no embeddings.
            _ => &[],
        }
    }

    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
        let path = match spec.dialect {
            dialect::ANTHROPIC_COUNT_TOKENS => "messages/count_tokens",
            _ => "messages",
        };
        let base = ApiBase::parse(target.api_base_or(API_BASE))?;
        let endpoint = Endpoint::post_uri(base.join_versioned("v1", path)?)?.with_header(
            HeaderName::from_static(VERSION),
            HeaderValue::from_static(DEFAULT_VERSION),
        );
        keyed(endpoint, target, "x-api-key", "")
    }

    /// Every stream tells its usage.
    fn tells_usage_on_request(&self) -> bool {
        false
    }

    fn passes_header(&self, name: &HeaderName) -> bool {
        name == VERSION || name == BETA
    }

    /// Takes out of a conversation that another vendor began what only that vendor can read: the
    /// gateway put it where callers of this API send it back, and Anthropic refuses it.
    fn adapt(&self, _: Operation, payload: &Payload) -> Result<Option<Bytes>> {
        let is_foreign = |trace| memmem::find(payload.bytes(), trace).is_some();
        if !FOREIGN_TRACES.iter().copied().any(is_foreign) {
            return Ok(None);
        }
        let mut body = payload.object()?;
        let adapted = cut_foreign(&mut body);
        Ok(adapted.then(|| Value::Object(body).to_string().into()))
    }
}

/// Whether there was anything to take out.
fn cut_foreign(body: &mut Map<String, Value>) -> bool {
    let Some(Value::Array(messages)) = body.get_mut("messages") else {
        return false;
    };
    let last = messages.iter().rposition(is_answer);
    let mut is_changed = false;
    let mut lost_last = false;
    let mut at = 0;
    messages.retain_mut(|message| {
        let cut = if is_answer(message) {
            cut_answer(message)
        } else {
            Cut::default()
        };
        is_changed |= cut.members || cut.thoughts;
        lost_last |= cut.thoughts && Some(at) == last && !begins_with_thoughts(message);
        at += 1;
        // Nothing but thoughts was in it, and a turn must say something.
        let is_left = message["content"] != Value::Array(Vec::new());
        is_left || !cut.thoughts
    });
    // Who thinks by budget must go on with the thoughts of the turn, or without any.
    if lost_last && body.get("thinking").is_some_and(has_budget) {
        body.shift_remove("thinking");
    }
    is_changed
}

/// What was taken out of an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    members: bool,
    thoughts: bool,
}

fn cut_answer(message: &mut Value) -> Cut {
    let mut cut = Cut::default();
    let Some(Value::Array(blocks)) = message.get_mut("content") else {
        return cut;
    };
    let count = blocks.len();
    blocks.retain(|block| !is_foreign_thought(block));
    cut.thoughts = blocks.len() < count;
    for block in blocks.iter_mut().filter_map(Value::as_object_mut) {
        cut.members |= block.shift_remove("extra_content").is_some();
    }
    cut
}

/// Whether this is a thought that Claude cannot have had: nobody signed it, or OpenAI did, whose
/// tokens are Fernet's, with the id of their item before them or not.
fn is_foreign_thought(block: &Value) -> bool {
    let proof = match block["type"].as_str() {
        Some("thinking") => block["signature"].as_str(),
        Some("redacted_thinking") => block["data"].as_str(),
        _ => None,
    };
    proof.is_some_and(|proof| {
        proof.is_empty() || proof.starts_with("openai:") || proof.starts_with("gAAAA")
    })
}

fn is_answer(message: &Value) -> bool {
    message["role"] == "assistant"
}

fn begins_with_thoughts(message: &Value) -> bool {
    let kind = &message["content"][0]["type"];
    kind == "thinking" || kind == "redacted_thinking"
}

fn has_budget(thinking: &Value) -> bool {
    thinking["type"] == "enabled"
}

/// One of them is in every body that must be read.
const FOREIGN_TRACES: &[&[u8]] = &[
    b"\"extra_content\"",
    b"\"signature\":\"\"",
    b"\"signature\": \"\"",
    b"\"data\":\"\"",
    b"\"data\": \"\"",
    b"\"openai:",
    b"\"gAAAA",
];

const API_BASE: &str = "https://api.anthropic.com";

const VERSION: &str = "anthropic-version";
const BETA: &str = "anthropic-beta";

/// Later versions refuse `temperature`, `top_p` and `top_k` for every model.
const DEFAULT_VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests {
    use aisix_core::call::{Call, Caller};
    use aisix_core::config::MemoryStore;
    use aisix_core::dialect::anthropic::Messages;
    use aisix_core::gateway::Gateway;
    use aisix_core::hook::check_fn;
    use aisix_core::provider::Registry;
    use aisix_core::resource::Kind;
    use aisix_core::testing::TestUpstream;
    use http::{Request, StatusCode, request};
    use serde_json::json;
    use tower_service::Service;

    use super::*;

    /// What Anthropic is asked when a caller of its own API asks at `path`.
    async fn asked(path: &str, api_base: Option<&str>) -> request::Parts {
        let mut key = json!({"display_name": "k", "provider": "anthropic", "api_key": "sk-ant"});
        if let Some(base) = api_base {
            key["api_base"] = base.into();
        }
        let model = json!({"display_name": "m", "provider": "anthropic", "provider_key_id": "k",
            "model_name": "claude-opus-5"});
        let upstream = TestUpstream::new();
        let answer = json!({"type": "message", "model": "claude-opus-5", "content": [],
            "usage": {"input_tokens": 1, "output_tokens": 1}, "input_tokens": 1});
        upstream.json(StatusCode::OK, answer.to_string());
        let config =
            MemoryStore::new()
                .with(Kind::ProviderKeys, "k", key)
                .with(Kind::Models, "m", model);
        let (mut gateway, _driver) = Gateway::builder()
            .config(config)
            .providers(
                Registry::new()
                    .with(Anthropic::new())
                    .with_client(upstream.clone()),
            )
            .hook(check_fn(|call: &Call| {
                call.context().identify(Caller::service("test"));
                Ok(())
            }))
            .build()
            .await
            .unwrap();
        let body = json!({"model": "m", "max_tokens": 9, "stream": true,
            "messages": [{"role": "user", "content": "Hi"}]});
        let request = Request::post(path)
            .header("anthropic-beta", "context-1m-2025-08-07")
            .header("x-api-key", "sk-caller")
            .body(body.to_string())
            .unwrap();
        let Ok(_response) = gateway.call(request).await;
        upstream.requests().remove(0).0
    }

    fn adapt(body: &Value) -> Option<Value> {
        let payload = Payload::new(&Messages, body.to_string().into());
        let bytes = Anthropic::new().adapt(Operation::Chat, &payload).unwrap()?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn what_only_other_vendors_read_is_not_sent() {
        let google = json!({"google": {"thought_signature": "s"}});
        let thought =
            |signature: &str| json!({"type": "thinking", "thinking": "hm", "signature": signature});
        let own = thought("EqQB");
        let results = json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "1", "content": "\"signature\":\"\" gAAAA"}]});
        let adapted = adapt(
            &json!({"model": "m", "x": 1.0, "max_tokens": 9, "messages": [
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": [thought("")]},
                {"role": "assistant", "content": [
                    thought(""), own, thought("gAAAAB"), thought("openai:rs_1:gAAAAB"),
                    {"type": "redacted_thinking", "data": "openai:rs_1:gAAAAB"},
                    {"type": "redacted_thinking", "data": "Eq"},
                    {"type": "text", "text": "t", "extra_content": google},
                    {"type": "tool_use", "id": "1", "name": "f", "extra_content": google,
                        "input": {"signature": "", "extra_content": 1}}]},
                results,
            ]}),
        );
        let expected = json!({"model": "m", "x": 1.0, "max_tokens": 9, "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [
                own,
                {"type": "redacted_thinking", "data": "Eq"},
                {"type": "text", "text": "t"},
                {"type": "tool_use", "id": "1", "name": "f",
                    "input": {"signature": "", "extra_content": 1}}]},
            results,
        ]});
        assert_eq!(
            adapted.map(|body| body.to_string()),
            Some(expected.to_string())
        );
    }

    #[test]
    fn a_conversation_of_its_own_passes_as_it_came() {
        let body = json!({"model": "m", "messages": [
            {"role": "user", "content": "\"gAAAA"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "Eq"},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"signature": "", "y": "gAAAA"}}]},
        ]});
        assert_eq!(adapt(&body), None);
        assert_eq!(
            adapt(&json!({"model": "m", "signature": "", "messages": "q"})),
            None
        );
    }

    #[test]
    fn a_budget_gives_way_when_the_thoughts_of_the_turn_are_not_sent() {
        let thinking = |kind: &str| {
            let body = json!({"model": "m", "thinking": {"type": kind}, "messages": [
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": ""},
                    {"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}]},
            ]});
            adapt(&body).unwrap()["thinking"].clone()
        };
        assert_eq!(thinking("enabled"), Value::Null);
        assert_eq!(thinking("adaptive"), json!({"type": "adaptive"}));
    }

    #[tokio::test]
    async fn a_native_caller_keeps_its_betas_and_not_its_key() {
        let request = asked("/v1/messages", None).await;
        assert_eq!(request.uri, "https://api.anthropic.com/v1/messages");
        assert_eq!(request.headers["x-api-key"], "sk-ant");
        assert_eq!(request.headers["anthropic-version"], "2023-06-01");
        assert_eq!(request.headers["anthropic-beta"], "context-1m-2025-08-07");
        assert!(!request.headers.contains_key("authorization"));
    }

    #[tokio::test]
    async fn a_pasted_endpoint_leads_to_both_of_its_own() {
        let base = Some("https://proxy.example/anthropic/v1/messages");
        for (path, expected) in [
            (
                "/v1/messages",
                "https://proxy.example/anthropic/v1/messages",
            ),
            (
                "/v1/messages/count_tokens",
                "https://proxy.example/anthropic/v1/messages/count_tokens",
            ),
        ] {
            assert_eq!(asked(path, base).await.uri, expected);
        }
    }
}
