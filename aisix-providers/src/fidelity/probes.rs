//! The fields, each with a value.

use serde_json::{Value, json};

/// A field, and how it is asked for.
pub(super) struct Probe {
    pub(super) field: &'static str,
    /// What the request has without the field, too.
    beside: Value,
    with: Value,
}

impl Probe {
    pub(super) fn without(&self) -> Value {
        laid_over(&plain(), &self.beside)
    }

    pub(super) fn with(&self) -> Value {
        laid_over(&self.without(), &self.with)
    }
}

fn plain() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
}

fn laid_over(request: &Value, more: &Value) -> Value {
    let mut request = request.clone();
    if let (Some(request), Some(more)) = (request.as_object_mut(), more.as_object()) {
        request.extend(more.clone());
    }
    request
}

fn probe(field: &'static str, with: Value) -> Probe {
    beside(field, json!({}), with)
}

fn beside(field: &'static str, beside: Value, with: Value) -> Probe {
    Probe {
        field,
        beside,
        with,
    }
}

/// A turn between two of the person's.
fn turn(field: &'static str, turn: &Value) -> Probe {
    let person = |content: &str| json!({"role": "user", "content": content});
    beside(
        field,
        json!({"messages": [person("Hi"), person("So?")]}),
        json!({"messages": [person("Hi"), turn, person("So?")]}),
    )
}

/// A part of what the person says.
fn part(field: &'static str, part: &Value) -> Probe {
    let said = |parts: Value| json!({"messages": [{"role": "user", "content": parts}]});
    let text = json!({"type": "text", "text": "Hi"});
    beside(field, said(json!([text])), said(json!([text, part])))
}

/// Something beside what stands in a part.
fn in_part(field: &'static str, plain: &Value, part: &Value) -> Probe {
    let said = |part: &Value| json!({"messages": [{"role": "user", "content": [part]}]});
    beside(field, said(plain), said(part))
}

/// A field that is about tools.
fn tools(field: &'static str, with: Value) -> Probe {
    beside(field, json!({"tools": [tool("f"), tool("g")]}), with)
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {
        "name": name,
        "description": "Does it",
        "parameters": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    }})
}

fn strict_tool() -> Value {
    json!({"type": "function", "function": {
        "name": "f",
        "strict": true,
        "parameters": {
            "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
            "additionalProperties": false,
        },
    }})
}

/// A conversation in which the model has called `f`, and the tool says `content`.
fn called(field: &'static str, content: &Value) -> Probe {
    let messages = |content: &Value| {
        json!({"tools": [tool("f")], "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":\"b\"}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": content},
        ]})
    };
    beside(field, messages(&json!("-")), messages(content))
}

/// The members of a request that OpenAI's reference of `POST /v1/chat/completions` has, November 2026.
pub(super) const PUBLISHED: [&str; 37] = [
    "model",
    "messages",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "modalities",
    "audio",
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "user",
    "verbosity",
    "web_search_options",
    "metadata",
    "functions",
    "function_call",
];

#[rustfmt::skip]
pub(super) fn probes() -> Vec<Probe> {
    let schema = json!({
        "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "additionalProperties": false,
    });
    let png = "data:image/png;base64,iVBORw0KGgo=";
    vec![
        probe("messages[]: system", json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]})),
        probe("messages[]: developer", json!({"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]})),
        turn("messages[]: system, later", &json!({"role": "system", "content": "Be brief."})),
        turn("messages[]: assistant", &json!({"role": "assistant", "content": "Hello"})),
        turn("messages[].refusal", &json!({"role": "assistant", "content": null, "refusal": "No."})),
        turn("messages[].audio", &json!({"role": "assistant", "audio": {"id": "audio_1"}})),
        turn("messages[].reasoning_content", &json!({"role": "assistant", "content": "Hello", "reasoning_content": "Hm."})),
        turn("messages[].thinking_blocks", &json!({"role": "assistant", "content": "Hello", "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]})),
        probe("messages[].name", json!({"messages": [{"role": "user", "content": "Hi", "name": "ann"}]})),
        probe("messages[]: prefill", json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well,"}]})),
        part("content[].text", &json!({"type": "text", "text": "there"})),
        part("content[].image_url (data:)", &json!({"type": "image_url", "image_url": {"url": png}})),
        part("content[].image_url (https:)", &json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}})),
        in_part("content[].image_url.detail", &json!({"type": "image_url", "image_url": {"url": png}}), &json!({"type": "image_url", "image_url": {"url": png, "detail": "low"}})),
        part("content[].input_audio", &json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}})),
        part("content[].file.file_data (PDF)", &json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}})),
        part("content[].file.file_id", &json!({"type": "file", "file": {"file_id": "file-abc"}})),
        in_part("content[].prompt_cache_breakpoint", &json!({"type": "text", "text": "there"}), &json!({"type": "text", "text": "there", "prompt_cache_breakpoint": {"mode": "explicit"}})),
        called("messages[]: tool, text", &json!("sunny")),
        called("messages[]: tool, parts", &json!([{"type": "text", "text": "sunny"}])),
        called("messages[]: tool, image", &json!([{"type": "image_url", "image_url": {"url": png}}])),
        probe("model", json!({"model": "m"})),
        probe("frequency_penalty", json!({"frequency_penalty": 0.5})),
        probe("presence_penalty", json!({"presence_penalty": 0.5})),
        probe("logit_bias", json!({"logit_bias": {"50256": -100}})),
        probe("logprobs", json!({"logprobs": true})),
        beside("top_logprobs", json!({"logprobs": true}), json!({"top_logprobs": 2})),
        probe("max_tokens", json!({"max_tokens": 99})),
        probe("max_completion_tokens", json!({"max_completion_tokens": 99})),
        probe("n", json!({"n": 2})),
        probe("modalities: text", json!({"modalities": ["text"]})),
        probe("modalities: audio", json!({"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}})),
        probe("audio", json!({"audio": {"voice": "alloy", "format": "wav"}})),
        probe("moderation", json!({"moderation": {"model": "omni-moderation-latest"}})),
        probe("prediction", json!({"prediction": {"type": "content", "content": "x"}})),
        probe("prompt_cache_key", json!({"prompt_cache_key": "k"})),
        probe("prompt_cache_options", json!({"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}})),
        probe("prompt_cache_retention", json!({"prompt_cache_retention": "24h"})),
        probe("reasoning_effort: none", json!({"reasoning_effort": "none"})),
        probe("reasoning_effort: minimal", json!({"reasoning_effort": "minimal"})),
        probe("reasoning_effort: high", json!({"reasoning_effort": "high"})),
        probe("reasoning_effort: max", json!({"reasoning_effort": "max"})),
        probe("response_format: text", json!({"response_format": {"type": "text"}})),
        probe("response_format: json_object", json!({"response_format": {"type": "json_object"}})),
        probe("response_format: json_schema", json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}})),
        probe("response_format: json_schema, strict", json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}}})),
        probe("safety_identifier", json!({"safety_identifier": "u1"})),
        probe("seed", json!({"seed": 7})),
        probe("service_tier: auto", json!({"service_tier": "auto"})),
        probe("service_tier: default", json!({"service_tier": "default"})),
        probe("service_tier: flex", json!({"service_tier": "flex"})),
        probe("service_tier: priority", json!({"service_tier": "priority"})),
        probe("stop: text", json!({"stop": "END"})),
        probe("stop: list", json!({"stop": ["END", "STOP"]})),
        probe("store", json!({"store": true})),
        probe("stream", json!({"stream": true})),
        beside("stream_options.include_usage", json!({"stream": true}), json!({"stream_options": {"include_usage": true}})),
        beside("stream_options.include_obfuscation", json!({"stream": true}), json!({"stream_options": {"include_obfuscation": false}})),
        probe("temperature: 0.5", json!({"temperature": 0.5})),
        probe("temperature: 1", json!({"temperature": 1})),
        probe("temperature: 1.5", json!({"temperature": 1.5})),
        probe("top_p", json!({"top_p": 0.5})),
        probe("top_k", json!({"top_k": 5})),
        probe("tools[]: function", json!({"tools": [tool("f")]})),
        probe("tools[].function.strict", json!({"tools": [strict_tool()]})),
        probe("tools[]: custom", json!({"tools": [{"type": "custom", "custom": {"name": "sh", "description": "Runs it"}}]})),
        tools("tool_choice: auto", json!({"tool_choice": "auto"})),
        tools("tool_choice: none", json!({"tool_choice": "none"})),
        tools("tool_choice: required", json!({"tool_choice": "required"})),
        tools("tool_choice: function", json!({"tool_choice": {"type": "function", "function": {"name": "f"}}})),
        tools("tool_choice: allowed_tools", json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}}})),
        tools("parallel_tool_calls: false", json!({"parallel_tool_calls": false})),
        probe("user", json!({"user": "u1"})),
        probe("verbosity", json!({"verbosity": "low"})),
        probe("web_search_options", json!({"web_search_options": {"search_context_size": "low"}})),
        probe("metadata", json!({"metadata": {"a": "b"}})),
        probe("functions", json!({"functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}]})),
        beside("function_call", json!({"functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}]}), json!({"function_call": "auto"})),
        probe("a field that nobody knows", json!({"frobnicate": 1})),
    ]
}
