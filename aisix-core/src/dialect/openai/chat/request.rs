//! Requests, both ways.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ID;
use super::custom::{Wrapped, wrap_tool};
use super::foreign::{fault_of_turn, is_foreign, request_fields, user};
use super::message::{flush_moved, read_message, write_turn};
use super::part::read_cache_hint;
use super::wire::{self, Rest, Stop, StreamOptions};
use crate::conversation::{
    AllowedTools, ChatRequest, CustomTool, Effort, Extra, FunctionTool, JsonSchema,
    ReasoningOptions, ResponseFormat, Tool, ToolCallKind, ToolChoice, ToolRef,
};
use crate::dialect::Carry;
use crate::dialect::openai::fault::{Fault, explain, keep, own_fields, own_tool, required, taken};
use crate::dialect::openai::words::{Names, effort};
use crate::error::Result;

// === reading ===

pub(super) fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let wire: wire::Request = serde_json::from_slice(body)
        .map_err(|error| explain::<wire::Request>(body, &error, element))?;
    let mut rest = wire.rest;
    let mut request = ChatRequest::new(required(wire.model, "model")?);
    for (at, message) in required(wire.messages, "messages")?.into_iter().enumerate() {
        let message = read_message(message, &Carry::default())
            .map_err(|fault| fault.at("messages", at).into_error())?;
        request.messages.push(message);
    }
    for (at, tool) in wire.tools.into_iter().flatten().enumerate() {
        let tool = read_tool(tool).map_err(|fault| fault.at("tools", at).into_error())?;
        request.tools.push(tool);
    }
    request.tool_choice = wire.tool_choice.map(read_tool_choice);
    request.parallel_tool_calls = wire.parallel_tool_calls;
    request.sampling.temperature = wire.temperature;
    request.sampling.top_p = wire.top_p;
    request.sampling.top_k = take_top_k(&mut rest);
    request.sampling.seed = wire.seed;
    request.sampling.presence_penalty = wire.presence_penalty;
    request.sampling.frequency_penalty = wire.frequency_penalty;
    request.max_tokens = wire.max_completion_tokens.or(wire.max_tokens);
    request.n = wire.n;
    request.format = wire.response_format.map(read_format);
    request.reasoning = wire
        .reasoning_effort
        .map(|effort| ReasoningOptions::effort(Effort::from_name(&effort)));
    request.verbosity = wire.verbosity;
    request.logprobs = wire.logprobs;
    request.top_logprobs = wire.top_logprobs;
    request.stream = wire.stream.unwrap_or(false);
    if let Some(options) = wire.stream_options {
        request.include_usage = options.include_usage;
        rest.insert("stream_options".to_owned(), options.rest.into());
    }
    request.user = wire.user;
    request.metadata = wire.metadata;
    request.service_tier = wire.service_tier;
    request.extra = Extra::with_fields(ID, rest);
    note_spelling(
        &mut request.extra,
        [
            (SAID_NOT_TO_STREAM, wire.stream == Some(false)),
            (MAX_TOKENS, wire.max_tokens.is_some()),
            (MAX_COMPLETION_TOKENS, wire.max_completion_tokens.is_some()),
            (STOP_LIST, matches!(wire.stop, Some(Stop::Many(_)))),
        ],
    );
    request.stop = match wire.stop {
        Some(Stop::One(text)) => vec![text],
        Some(Stop::Many(texts)) => texts,
        None => Vec::new(),
    };
    Ok(request)
}

fn note_spelling<const N: usize>(extra: &mut Extra, notes: [(&'static str, bool); N]) {
    for (note, holds) in notes {
        if holds {
            extra.note(ID, note);
        }
    }
}

fn read_tool(wire: wire::Tool) -> Result<Tool, Fault> {
    let mut rest = wire.rest;
    match (wire.kind.as_deref(), wire.function, wire.custom) {
        (Some("function") | None, Some(function), None) => {
            keep(&mut rest, "function", function.rest);
            let mut tool = FunctionTool::new(function.name);
            tool.description = function.description;
            tool.parameters = function.parameters;
            tool.strict = function.strict;
            tool.cache = read_cache_hint(&rest);
            tool.extra = Extra::from_rest(ID, rest);
            Ok(tool.into())
        }
        (Some("custom"), None, Some(custom)) => {
            keep(&mut rest, "custom", custom.rest);
            let mut tool = CustomTool::new(custom.name);
            tool.description = custom.description;
            tool.format = custom.format;
            tool.extra = Extra::from_rest(ID, rest);
            Ok(tool.into())
        }
        (Some(kind @ ("function" | "custom")), ..) => Err(Fault::new(
            kind,
            format!("a tool of this type needs `{kind}`"),
        )),
        (None, ..) => Err(Fault::new("type", "a tool needs a type")),
        (kind @ Some(_), function, custom) => {
            let whole = wire::Tool {
                kind: kind.map(str::to_owned),
                function,
                custom,
                rest,
            };
            Ok(Tool::Vendor(Extra::with_fields(ID, to_map(&whole))))
        }
    }
}

fn read_tool_choice(value: Value) -> ToolChoice {
    match value.as_str() {
        Some("auto") => return ToolChoice::Auto,
        Some("none") => return ToolChoice::None,
        Some("required") => return ToolChoice::Required,
        _ => {}
    }
    if let Some(tool) = read_tool_ref(&value) {
        return ToolChoice::Tool(tool);
    }
    read_allowed(&value).map_or(ToolChoice::Opaque(value), ToolChoice::Allowed)
}

/// `{"type": T, T: {"name": …}}` and nothing else.
fn read_tool_ref(value: &Value) -> Option<ToolRef> {
    let map = value.as_object().filter(|map| map.len() == 2)?;
    let kind = map.get("type")?.as_str()?;
    let tool = map.get(kind)?.as_object().filter(|tool| tool.len() == 1)?;
    let name = tool.get("name")?.as_str()?;
    match kind {
        "function" => Some(ToolRef::function(name)),
        "custom" => Some(ToolRef::custom(name)),
        _ => None,
    }
}

fn read_allowed(value: &Value) -> Option<AllowedTools> {
    let map = value.as_object().filter(|map| map.len() == 2)?;
    map.get("type").filter(|kind| *kind == "allowed_tools")?;
    let allowed = map.get("allowed_tools")?.as_object()?;
    let required = match allowed.get("mode")?.as_str()? {
        "required" => true,
        "auto" => false,
        _ => return None,
    };
    let tools = allowed.get("tools")?.as_array()?;
    let tools = tools.iter().map(read_tool_ref).collect::<Option<_>>()?;
    (allowed.len() == 2).then(|| AllowedTools::new(required, tools))
}

fn read_format(value: Value) -> ResponseFormat {
    #[derive(Deserialize)]
    struct Schema {
        name: String,
        description: Option<String>,
        schema: Option<Value>,
        strict: Option<bool>,
        #[serde(flatten)]
        rest: Rest,
    }

    let kind = value.get("type").and_then(Value::as_str);
    let size = value.as_object().map(Map::len);
    match (kind, size) {
        (Some("text"), Some(1)) => ResponseFormat::Text,
        (Some("json_object"), Some(1)) => ResponseFormat::JsonObject,
        (Some("json_schema"), Some(2)) => {
            let schema = value.get("json_schema").map(Schema::deserialize);
            let Some(Ok(schema)) = schema else {
                return ResponseFormat::Opaque(value);
            };
            ResponseFormat::JsonSchema(JsonSchema {
                name: schema.name,
                description: schema.description,
                schema: schema.schema,
                strict: schema.strict,
                extra: Extra::from_rest(ID, schema.rest),
            })
        }
        _ => ResponseFormat::Opaque(value),
    }
}

/// Not OpenAI's, but of many who speak its format; −1 means none with some of them.
fn take_top_k(rest: &mut Rest) -> Option<u64> {
    let top_k = rest.get("top_k")?.as_u64()?;
    rest.shift_remove("top_k");
    Some(top_k)
}

fn element(member: &str, text: &str) -> Option<serde_json::Error> {
    match member {
        "messages" => serde_json::from_str::<wire::Message>(text).err(),
        "tools" => serde_json::from_str::<wire::Tool>(text).err(),
        _ => None,
    }
}

// === writing ===

pub(super) fn write_request(request: &ChatRequest, model: &str) -> Result<(Bytes, Carry)> {
    let mut rest = request_fields(&request.extra)?;
    let mut names = Names::new(request.extra.origin() != Some(ID), model);
    let mut messages = Vec::with_capacity(request.messages.len());
    let mut moved = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        write_turn(message, &mut names, &mut moved, &mut messages)
            .map_err(|fault| fault_of_turn(request, fault, at))?;
    }
    flush_moved(&mut moved, &mut messages);
    let mut tools = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        tools.push(
            write_tool(tool, &mut names).map_err(|fault| fault.at("tools", at).into_error())?,
        );
    }
    let stream_options = write_stream_options(request, &mut rest);
    if let Some(top_k) = request.sampling.top_k {
        rest.insert("top_k".to_owned(), top_k.into());
    }
    // Without tools there is nothing to choose and nothing to do at once; OpenAI refuses to hear it.
    let is_idle = is_foreign(request) && tools.is_empty();
    let noted = |note| request.extra.has_note(ID, note);
    let only_old = noted(MAX_TOKENS) && !noted(MAX_COMPLETION_TOKENS);
    let said_stream = request.stream || noted(SAID_NOT_TO_STREAM);
    let wire = wire::Request {
        model: Some(model.to_owned()),
        messages: Some(messages),
        tools: (!tools.is_empty()).then_some(tools),
        tool_choice: request
            .tool_choice
            .as_ref()
            .filter(|choice| !(is_idle && matches!(choice, ToolChoice::Auto | ToolChoice::None)))
            .map(|choice| write_tool_choice(choice, &mut names))
            .transpose()
            .map_err(Fault::into_error)?,
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| !is_idle),
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        seed: request.sampling.seed,
        presence_penalty: request.sampling.presence_penalty,
        frequency_penalty: request.sampling.frequency_penalty,
        stop: write_stop(request),
        max_tokens: request.max_tokens.filter(|_| noted(MAX_TOKENS)),
        max_completion_tokens: request.max_tokens.filter(|_| !only_old),
        n: request.n,
        response_format: request
            .format
            .as_ref()
            .map(|format| write_format(format, names.is_foreign))
            .transpose()
            .map_err(Fault::into_error)?,
        reasoning_effort: request
            .reasoning
            .as_ref()
            .and_then(effort)
            .map(|effort| effort.as_str().to_owned()),
        verbosity: request.verbosity.clone(),
        logprobs: request.logprobs,
        top_logprobs: request.top_logprobs,
        stream: said_stream.then_some(request.stream),
        stream_options,
        user: user(request),
        // OpenAI takes labels only for what it stores.
        metadata: request.metadata.clone().filter(|_| !is_foreign(request)),
        service_tier: request.service_tier.clone(),
        rest,
    };
    let wrapped = Wrapped(std::mem::take(&mut names.wrapped));
    let mut carry = names.into_carry();
    if !wrapped.0.is_empty() {
        carry = carry.with_state(wrapped);
    }
    Ok((super::response::to_bytes(&wire)?, carry))
}

fn write_stream_options(request: &ChatRequest, rest: &mut Rest) -> Option<StreamOptions> {
    let kept = rest.shift_remove("stream_options");
    if kept.is_none() && request.include_usage.is_none() {
        return None;
    }
    Some(StreamOptions {
        include_usage: request.include_usage,
        rest: match kept {
            Some(Value::Object(rest)) => rest,
            _ => Rest::new(),
        },
    })
}

fn write_stop(request: &ChatRequest) -> Option<Stop> {
    match &request.stop[..] {
        [] if !request.extra.has_note(ID, STOP_LIST) => None,
        [text] if !request.extra.has_note(ID, STOP_LIST) => Some(Stop::One(text.clone())),
        texts => Some(Stop::Many(texts.to_vec())),
    }
}

fn write_tool(tool: &Tool, names: &mut Names) -> Result<wire::Tool, Fault> {
    match tool {
        Tool::Function(tool) => {
            let mut rest = own_fields(&tool.extra, ID)?;
            let function = wire::Function {
                name: names.tool_name(&tool.name),
                description: tool.description.clone(),
                parameters: tool.parameters.clone(),
                strict: tool.strict,
                rest: taken(&mut rest, "function"),
            };
            Ok(wire::Tool {
                kind: Some("function".to_owned()),
                function: Some(function),
                custom: None,
                rest,
            })
        }
        Tool::Custom(tool) if names.wraps() => {
            let rest = own_fields(&tool.extra, ID)?;
            let name = names.wrapped_name(&tool.name);
            Ok(wire::Tool {
                kind: Some("function".to_owned()),
                function: Some(wrap_tool(tool, name)),
                custom: None,
                rest,
            })
        }
        Tool::Custom(tool) => {
            let mut rest = own_fields(&tool.extra, ID)?;
            let custom = wire::Custom {
                name: names.tool_name(&tool.name),
                description: tool.description.clone(),
                format: tool.format.clone(),
                rest: taken(&mut rest, "custom"),
            };
            Ok(wire::Tool {
                kind: Some("custom".to_owned()),
                function: None,
                custom: Some(custom),
                rest,
            })
        }
        Tool::Vendor(extra) => Ok(wire::Tool {
            rest: own_tool(extra, ID)?,
            ..wire::Tool::default()
        }),
    }
}

fn write_tool_choice(choice: &ToolChoice, names: &mut Names) -> Result<Value, Fault> {
    Ok(match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(tool) => write_tool_ref(tool, names),
        ToolChoice::Allowed(allowed) => {
            let tools: Vec<_> = allowed
                .tools
                .iter()
                .map(|tool| write_tool_ref(tool, names))
                .collect();
            let mode = if allowed.required { "required" } else { "auto" };
            json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}})
        }
        ToolChoice::Opaque(value) if !names.is_foreign => value.clone(),
        ToolChoice::Opaque(_) => {
            return Err(Fault::unsupported("this choice of tools").in_member("tool_choice"));
        }
    })
}

fn write_tool_ref(tool: &ToolRef, names: &mut Names) -> Value {
    let kind = match tool.kind {
        ToolCallKind::Custom if !names.wraps() => "custom",
        _ => "function",
    };
    json!({"type": kind, kind: {"name": names.tool_name(&tool.name)}})
}

fn write_format(format: &ResponseFormat, is_foreign: bool) -> Result<Value, Fault> {
    Ok(match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema(schema) => {
            let mut map = Map::new();
            // Other formats have no names of schemas.
            let name = if schema.name.is_empty() {
                "answer"
            } else {
                &schema.name
            };
            map.insert("name".to_owned(), name.into());
            let members = [
                ("description", schema.description.clone().map(Value::from)),
                ("schema", schema.schema.clone()),
                ("strict", schema.strict.map(Value::from)),
            ];
            for (name, value) in members {
                if let Some(value) = value {
                    map.insert(name.to_owned(), value);
                }
            }
            map.extend(schema.extra.fields(ID).cloned().unwrap_or_default());
            json!({"type": "json_schema", "json_schema": map})
        }
        ResponseFormat::Opaque(value) if !is_foreign => value.clone(),
        ResponseFormat::Opaque(_) => {
            return Err(Fault::unsupported("this form of the answer").in_member("response_format"));
        }
    })
}

fn to_map(value: &wire::Tool) -> Rest {
    match json!(value) {
        Value::Object(map) => map,
        _ => Rest::new(),
    }
}

// How the request was spelled, where the neutral model has one word for several spellings.
const MAX_TOKENS: &str = "max_tokens";
const MAX_COMPLETION_TOKENS: &str = "max_completion_tokens";
const STOP_LIST: &str = "stop list";
const SAID_NOT_TO_STREAM: &str = "stream false";
