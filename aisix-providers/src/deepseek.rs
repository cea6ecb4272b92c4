use aisix_core::call::{Operation, Payload};
use aisix_core::dialect::{self, DialectId};
use aisix_core::error::{Error, Result};
use aisix_core::json;
use aisix_core::provider::{Endpoint, EndpointSpec, Provider, TargetSpec};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::credential::bearer;
use crate::url::ApiBase;

/// DeepSeek, which speaks OpenAI's chat dialect with a smaller vocabulary.
///
/// A request within that vocabulary passes through. Otherwise it is written anew: names are
/// translated, what changes nothing is left out, and what DeepSeek cannot do is refused with the
/// name of the parameter. Answers pass through as they are.
///
/// Source: <https://api-docs.deepseek.com>, and recorded traffic.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct DeepSeek;

impl DeepSeek {
    /// DeepSeek's own service.
    pub fn new() -> Self {
        Self
    }
}

impl Provider for DeepSeek {
    fn name(&self) -> &str {
        "deepseek"
    }

    fn dialects(&self, operation: Operation) -> &[DialectId] {
        match operation {
            Operation::Chat => &[dialect::OPENAI_CHAT],
            // It offers no embeddings.
            _ => &[],
        }
    }

    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
        // The address needs no version, unlike every other vendor's.
        let endpoint = match target.api_base() {
            Some(base) => Endpoint::post_uri(ApiBase::parse(base)?.join(spec.openai_path())?)?,
            None => Endpoint::post(API_BASE, spec.openai_path())?,
        };
        bearer(endpoint, target)
    }

    fn adapt(&self, operation: Operation, payload: &Payload) -> Result<Option<Bytes>> {
        if operation != Operation::Chat || is_plain(payload.bytes())? {
            return Ok(None);
        }
        let mut body = payload.object()?;
        refuse(&body)?;
        for field in WITHOUT_EFFECT {
            body.shift_remove(*field);
        }
        rename_max_tokens(&mut body);
        disable_thinking(&mut body);
        describe_schema(&mut body)?;
        if let Some(Value::Array(messages)) = body.get_mut("messages") {
            for message in messages {
                adapt_message(message)?;
            }
        }
        Ok(Some(Value::Object(body).to_string().into()))
    }
}

/// Whether nothing in the body needs another word than OpenAI's.
fn is_plain(bytes: &Bytes) -> Result<bool> {
    for member in json::members(bytes)? {
        let member = member?;
        let value = &bytes[member.value];
        let plain = match &*member.key {
            "messages" => !needs_adapting(value),
            "tools" => !contains(value, b"\"custom\""),
            key => VOCABULARY.contains(&key),
        };
        if !plain {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether messages may hold a role or a part that DeepSeek does not know; when in doubt, yes.
fn needs_adapting(messages: &[u8]) -> bool {
    [
        &b"\"developer\""[..],
        b"\"text\"",
        b"\"input_audio\"",
        b"\"file\"",
        b"\"refusal\"",
    ]
    .iter()
    .any(|word| contains(messages, word))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

fn refuse(body: &Map<String, Value>) -> Result<()> {
    for field in IMPOSSIBLE {
        if body.get(*field).is_some_and(|value| !value.is_null()) {
            return Err(Error::unsupported(
                *field,
                format!("DeepSeek does not support the parameter '{field}'."),
            ));
        }
    }
    if body.get("n").and_then(Value::as_u64).is_some_and(|n| n > 1) {
        return Err(Error::unsupported(
            "n",
            "DeepSeek gives one answer a request: 'n' must be 1.",
        ));
    }
    let tools = body.get("tools").and_then(Value::as_array);
    for (at, tool) in tools.into_iter().flatten().enumerate() {
        if tool.get("type").and_then(Value::as_str) != Some("function") {
            return Err(Error::unsupported(
                format!("tools[{at}].type"),
                "DeepSeek only has tools of the type 'function'.",
            ));
        }
    }
    Ok(())
}

fn rename_max_tokens(body: &mut Map<String, Value>) {
    if let Some(limit) = body.shift_remove("max_completion_tokens")
        && !limit.is_null()
    {
        body.insert("max_tokens".to_owned(), limit);
    }
}

/// `none` is the one effort that DeepSeek says in another way.
fn disable_thinking(body: &mut Map<String, Value>) {
    if body.get("reasoning_effort").and_then(Value::as_str) == Some("none") {
        body.shift_remove("reasoning_effort");
        body.insert("thinking".to_owned(), json!({"type": "disabled"}));
    }
}

/// A schema goes into the prompt: DeepSeek promises JSON, but follows no schema by itself.
fn describe_schema(body: &mut Map<String, Value>) -> Result<()> {
    let format = body.get("response_format");
    if format
        .and_then(|format| format.get("type"))
        .and_then(Value::as_str)
        != Some("json_schema")
    {
        return Ok(());
    }
    let schema = format
        .and_then(|format| format.pointer("/json_schema/schema"))
        .cloned()
        .unwrap_or_else(|| json!({"type": "object"}));
    body.insert("response_format".to_owned(), json!({"type": "json_object"}));
    let instruction = json!({
        "role": "system",
        "content": format!(
            "Answer with one JSON object, and nothing else, that is valid by this JSON Schema: {schema}"
        ),
    });
    match body.get_mut("messages") {
        Some(Value::Array(messages)) => messages.insert(0, instruction),
        _ => {
            return Err(
                Error::invalid_request("'messages' must be an array.").with_param("messages")
            );
        }
    }
    Ok(())
}

fn adapt_message(message: &mut Value) -> Result<()> {
    let Some(message) = message.as_object_mut() else {
        return Ok(());
    };
    if message.get("role").and_then(Value::as_str) == Some("developer") {
        message.insert("role".to_owned(), "system".into());
    }
    if let Some(refusal) = message.shift_remove("refusal")
        && message.get("content").is_none_or(Value::is_null)
        && refusal.is_string()
    {
        message.insert("content".to_owned(), refusal);
    }
    let Some(Value::Array(parts)) = message.get("content") else {
        return Ok(());
    };
    let mut text = String::new();
    for part in parts {
        match part.get("type").and_then(Value::as_str) {
            Some("text") => text.push_str(part["text"].as_str().unwrap_or_default()),
            // Pictures stay, and with them the parts.
            Some("image_url") => return Ok(()),
            Some(other) => {
                return Err(Error::unsupported(
                    "messages",
                    format!("DeepSeek does not take content of the type '{other}'."),
                ));
            }
            None => return Ok(()),
        }
    }
    message.insert("content".to_owned(), text.into());
    Ok(())
}

const API_BASE: &str = "https://api.deepseek.com";

/// The fields that mean to DeepSeek what they mean to OpenAI.
const VOCABULARY: &[&str] = &[
    "model",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "max_tokens",
    "stop",
    "tool_choice",
    "logprobs",
    "top_logprobs",
    "thinking",
    "user_id",
];

/// Fields that DeepSeek does not know, and without which the answer is the same.
const WITHOUT_EFFECT: &[&str] = &[
    "metadata",
    "parallel_tool_calls",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "seed",
    "service_tier",
    "store",
    "user",
    "verbosity",
];

/// Fields that ask for what DeepSeek cannot do.
const IMPOSSIBLE: &[&str] = &[
    "audio",
    "function_call",
    "functions",
    "logit_bias",
    "moderation",
    "web_search_options",
];

#[cfg(test)]
mod tests {
    use aisix_core::dialect::openai;

    use super::*;

    fn adapt(body: &Value) -> Result<Option<Value>> {
        let payload = Payload::new(&openai::Chat, body.to_string().into());
        let adapted = DeepSeek::new().adapt(Operation::Chat, &payload)?;
        Ok(adapted.map(|bytes| serde_json::from_slice(&bytes).unwrap()))
    }

    fn request(extra: Value) -> Value {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
            body.extend(extra);
        }
        body
    }

    #[test]
    fn passes_a_request_within_its_vocabulary() {
        assert_eq!(
            adapt(&request(json!({"temperature": 0.5, "max_tokens": 9}))).unwrap(),
            None
        );
    }

    #[test]
    fn translates_names() {
        let adapted = adapt(&request(json!({
            "max_completion_tokens": 9, "seed": 1, "reasoning_effort": "none"
        })));
        let expected = request(json!({"max_tokens": 9, "thinking": {"type": "disabled"}}));
        assert_eq!(adapted.unwrap(), Some(expected));
    }

    #[test]
    fn joins_text_and_demotes_developers() {
        let adapted = adapt(
            &json!({"model": "m", "messages": [{"role": "developer", "content": [
                {"type": "text", "text": "a"}, {"type": "text", "text": "b"}
            ]}]}),
        );
        let messages = json!([{"role": "system", "content": "ab"}]);
        assert_eq!(adapted.unwrap().unwrap()["messages"], messages);
    }

    #[test]
    fn puts_a_schema_into_the_prompt() {
        let adapted = adapt(&request(json!({"response_format": {
            "type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}
        }})));
        let adapted = adapted.unwrap().unwrap();
        assert_eq!(adapted["response_format"], json!({"type": "json_object"}));
        let prompt = adapted["messages"][0]["content"].as_str().unwrap();
        assert!(prompt.ends_with(r#"{"type":"object"}"#), "{prompt}");
    }

    #[test]
    fn refuses_what_it_cannot_do_by_name() {
        let param = |extra| {
            adapt(&request(extra))
                .unwrap_err()
                .param()
                .map(ToOwned::to_owned)
        };
        assert_eq!(param(json!({"n": 2})).as_deref(), Some("n"));
        assert_eq!(
            param(json!({"logit_bias": {"1": 2}})).as_deref(),
            Some("logit_bias")
        );
        let tools = json!({"tools": [{"type": "custom", "custom": {"name": "x"}}]});
        assert_eq!(param(tools).as_deref(), Some("tools[0].type"));
    }
}
