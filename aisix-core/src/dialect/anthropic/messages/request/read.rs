//! Requests, from the wire.

use serde_json::{Map, Value};

use super::super::super::ID;
use super::super::block::{read_content, take_cache};
use super::super::fault::Fault;
use super::super::thinking::read_thinking;
use super::super::wire::{self, Block, take_text, text_of};
use super::{DISABLE_PARALLEL, SAID_NOT_TO_STREAM, SCHEMA_NAME, TURN, TYPE_CUSTOM, strict};
use crate::conversation::{
    ChatRequest, Extra, FunctionTool, JsonSchema, Message, ResponseFormat, Role, Tool, ToolChoice,
    ToolRef,
};
use crate::dialect::Carry;
use crate::error::{Error, Result};
use crate::json;

pub(in super::super::super) fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let wire: wire::Request =
        serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
    let mut rest = wire.rest;
    let mut request = ChatRequest::new(required(wire.model, "model")?);
    if let Some(content) = wire.system {
        request
            .messages
            .push(read_turn(Role::System, content, Map::new())?);
    }
    for (at, message) in required(wire.messages, "messages")?.into_iter().enumerate() {
        let message = read_message(message).map_err(|fault| fault.at("messages", at))?;
        request.messages.push(message);
    }
    for (at, tool) in wire.tools.into_iter().flatten().enumerate() {
        request
            .tools
            .push(read_tool(tool).map_err(|fault| fault.at("tools", at))?);
    }
    let mut notes = Vec::new();
    if let Some(choice) = wire.tool_choice {
        read_tool_choice(choice, &mut request, &mut notes);
    }
    request.max_tokens = wire.max_tokens;
    request.stop = wire.stop_sequences.unwrap_or_default();
    request.stream = wire.stream.unwrap_or(false);
    request.sampling.temperature = wire.temperature;
    request.sampling.top_p = wire.top_p;
    request.sampling.top_k = wire.top_k;
    read_thinking(wire.thinking, wire.output_config, &mut request, &mut rest);
    if let Some(mut metadata) = wire.metadata {
        request.user = take_text(&mut metadata, "user_id");
        if !metadata.is_empty() {
            rest.insert("metadata".to_owned(), metadata.into());
        }
    }
    // The other tiers of Anthropic have no name in common with other vendors.
    request.service_tier = wire.service_tier.map(|tier| match &*tier {
        STANDARD_ONLY => "default".to_owned(),
        _ => tier,
    });
    if wire.stream == Some(false) {
        notes.push(SAID_NOT_TO_STREAM);
    }
    request.extra = Extra::with_fields(ID, rest);
    for note in notes {
        request.extra.note(ID, note);
    }
    Ok(request)
}

fn read_message(wire: wire::Message) -> Result<Message, Fault> {
    let role = match &*wire.role {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => return Err(Fault::new("role", format!("unknown role `{other}`"))),
    };
    let mut message = read_turn(role, wire.content, wire.rest)?;
    if role == Role::System {
        message.extra.note(ID, TURN);
    }
    Ok(message)
}

fn read_turn(role: Role, content: wire::Content, rest: Block) -> Result<Message, Fault> {
    let mut notes = Vec::new();
    let parts = read_content(content, &Carry::default(), &mut notes)?;
    let mut message = Message::new(role, parts);
    message.extra = Extra::from_rest(ID, rest);
    for note in notes {
        message.extra.note(ID, note);
    }
    Ok(message)
}

/// A tool of the caller's; one of Anthropic's own, which a type tells, is kept whole.
fn read_tool(mut block: Block) -> Result<Tool, Fault> {
    let is_typed = block.get("type").is_some_and(Value::is_string);
    let is_custom = text_of(&block, "type") == "custom";
    if is_typed && !is_custom {
        return Ok(Tool::Vendor(Extra::with_fields(ID, block)));
    }
    let name =
        take_text(&mut block, "name").ok_or_else(|| Fault::new("name", "a tool needs a name"))?;
    let mut tool = FunctionTool::new(name);
    tool.description = take_text(&mut block, "description");
    tool.parameters = block.shift_remove("input_schema");
    if let Some(strict) = block.get("strict").and_then(Value::as_bool) {
        block.shift_remove("strict");
        tool.strict = Some(strict);
    }
    tool.cache = take_cache(&mut block);
    if is_custom {
        block.shift_remove("type");
    }
    tool.extra = Extra::from_rest(ID, block);
    if is_custom {
        tool.extra.note(ID, TYPE_CUSTOM);
    }
    Ok(tool.into())
}

/// `{"type": …}`, with the name of a tool and whether calls may be parallel, and nothing else.
fn read_tool_choice(value: Value, request: &mut ChatRequest, notes: &mut Vec<&'static str>) {
    let Some(map) = value.as_object() else {
        request.tool_choice = Some(ToolChoice::Opaque(value));
        return;
    };
    let disable = map.get(DISABLE_PARALLEL).and_then(Value::as_bool);
    let size = map.len() - usize::from(disable.is_some());
    let choice = match (text_of(map, "type"), size) {
        ("auto", 1) => ToolChoice::Auto,
        ("any", 1) => ToolChoice::Required,
        ("none", 1) => ToolChoice::None,
        ("tool", 2) if !text_of(map, "name").is_empty() => {
            ToolChoice::Tool(ToolRef::function(text_of(map, "name")))
        }
        _ => {
            request.tool_choice = Some(ToolChoice::Opaque(value));
            return;
        }
    };
    if let Some(disable) = disable {
        request.parallel_tool_calls = Some(!disable);
        notes.push(DISABLE_PARALLEL);
    }
    request.tool_choice = Some(choice);
}

/// `{"type": "json_schema", "schema": …}` and nothing else; it has no name.
pub(in super::super) fn read_format(value: Value) -> ResponseFormat {
    let is_schema = value.as_object().is_some_and(|map| {
        map.len() == 2 && text_of(map, "type") == "json_schema" && map.contains_key("schema")
    });
    if !is_schema {
        return ResponseFormat::Opaque(value);
    }
    let schema = value.get("schema").cloned().unwrap_or_default();
    let is_strict = strict::fits_openai(&schema);
    let mut format = JsonSchema::new(SCHEMA_NAME, schema);
    format.strict = is_strict.then_some(true);
    ResponseFormat::JsonSchema(format)
}

/// Says what serde stumbled over, with the parameter: reads member by member until one fails.
fn explain(body: &[u8], error: &serde_json::Error) -> Error {
    if !error.is_data() {
        return Error::invalid_request(format!("The body is not valid JSON: {error}"));
    }
    match culprit(body) {
        Some((param, error)) => {
            Error::invalid_request(format!("Invalid value for `{param}`: {error}"))
                .with_param(param)
        }
        None => Error::invalid_request(format!("The body is not a request for a message: {error}")),
    }
}

fn culprit(body: &[u8]) -> Option<(String, serde_json::Error)> {
    for member in json::members(body).ok()?.map_while(Result::ok) {
        let raw = member.raw();
        let mut alone = b"{".to_vec();
        json::write_string(&mut alone, &member.key);
        alone.push(b':');
        alone.extend_from_slice(raw.as_json().as_bytes());
        alone.push(b'}');
        let Err(error) = serde_json::from_slice::<wire::Request>(&alone) else {
            continue;
        };
        let inner = raw.elements().and_then(|elements| {
            let mut elements = elements.map_while(Result::ok).enumerate();
            elements.find_map(|(at, element)| {
                let text = element.as_json();
                let error = match &*member.key {
                    "messages" => serde_json::from_str::<wire::Message>(text).err(),
                    "tools" => serde_json::from_str::<Block>(text).err(),
                    _ => None,
                }?;
                Some((format!("{}[{at}]", member.key), error))
            })
        });
        return Some(inner.unwrap_or_else(|| (member.key.into_owned(), error)));
    }
    None
}

fn required<T>(value: Option<T>, name: &'static str) -> Result<T> {
    value.ok_or_else(|| {
        Error::invalid_request(format!("The request needs `{name}`."))
            .with_code("missing_required_parameter")
            .with_param(name)
    })
}

pub(super) const STANDARD_ONLY: &str = "standard_only";
