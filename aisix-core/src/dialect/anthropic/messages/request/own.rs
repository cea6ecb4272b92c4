//! A conversation that came in this format, as it came.

use serde_json::{Map, Value, json};

use super::super::super::ID;
use super::super::block::{LIST, write_cache};
use super::super::fault::Fault;
use super::super::thinking::write_own_thinking;
use super::super::wire::Block;
use super::super::words::{Words, write_content};
use super::read::STANDARD_ONLY;
use super::{DISABLE_PARALLEL, SAID_NOT_TO_STREAM, TURN, TYPE_CUSTOM};
use crate::conversation::{ChatRequest, Message, ResponseFormat, Role, Tool, ToolChoice};
use crate::error::{Error, Result};

pub(super) fn write_body(request: &ChatRequest, model: &str, words: &mut Words) -> Result<Block> {
    let mut rest = request.extra.fields(ID).cloned().unwrap_or_default();
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("model", Some(model.into()));
    put("max_tokens", request.max_tokens.map(Value::from));
    let (system, messages) = write_messages(request, words)?;
    put("system", system);
    put("messages", Some(messages.into()));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| write_tool(tool, words));
        let tools: Vec<_> = tools.collect::<Result<_>>()?;
        put("tools", Some(tools.into()));
    }
    put("tool_choice", write_tool_choice(request)?);
    let said_stream = request.stream || request.extra.has_note(ID, SAID_NOT_TO_STREAM);
    put("stream", said_stream.then_some(request.stream.into()));
    let stop = (!request.stop.is_empty()).then(|| request.stop.clone().into());
    put("stop_sequences", stop);
    put("temperature", request.sampling.temperature.map(Value::from));
    put("top_p", request.sampling.top_p.map(Value::from));
    put("top_k", request.sampling.top_k.map(Value::from));
    let (thinking, output_config) = write_own_thinking(request, &mut rest);
    put("thinking", thinking);
    put(
        "output_config",
        write_output_config(request, output_config)?,
    );
    put("metadata", write_metadata(request, &mut rest));
    let tier = request.service_tier.as_deref().map(|tier| match tier {
        "default" => STANDARD_ONLY,
        tier => tier,
    });
    put("service_tier", tier.map(Value::from));
    body.extend(rest);
    Ok(body)
}

fn write_messages(request: &ChatRequest, words: &mut Words) -> Result<(Option<Value>, Vec<Value>)> {
    let mut system: Option<(Vec<Block>, bool)> = None;
    let mut messages = Vec::with_capacity(request.messages.len());
    for (at, message) in request.messages.iter().enumerate() {
        let mut blocks = Vec::with_capacity(message.parts.len());
        for (place, part) in message.parts.iter().enumerate() {
            let block = words
                .block(part)
                .map_err(|fault| fault.at("content", place).at("messages", at))?;
            blocks.extend(block);
        }
        let is_list = message.extra.has_note(ID, LIST);
        if messages.is_empty() && is_system(message) {
            // A hook may have put its own words before those of the caller.
            match &mut system {
                Some((known, known_is_list)) => {
                    known.extend(blocks);
                    *known_is_list = true;
                }
                None => system = Some((blocks, is_list)),
            }
            continue;
        }
        let mut turn = Map::new();
        turn.insert("role".to_owned(), role(message.role).into());
        turn.insert("content".to_owned(), write_content(blocks, is_list));
        if let Some(fields) = message.extra.fields(ID) {
            turn.extend(fields.clone());
        }
        messages.push(turn.into());
    }
    let system = system.map(|(blocks, is_list)| write_content(blocks, is_list));
    Ok((system, messages))
}

fn is_system(message: &Message) -> bool {
    matches!(message.role, Role::System | Role::Developer) && !message.extra.has_note(ID, TURN)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    }
}

fn write_tool(tool: &Tool, words: &Words) -> Result<Value> {
    match tool {
        Tool::Function(tool) => {
            let mut out = Map::new();
            if tool.extra.has_note(ID, TYPE_CUSTOM) {
                out.insert("type".to_owned(), "custom".into());
            }
            out.insert("name".to_owned(), tool.name.as_str().into());
            if let Some(description) = &tool.description {
                out.insert("description".to_owned(), description.as_str().into());
            }
            let schema = tool.parameters.clone();
            let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
            out.insert("input_schema".to_owned(), schema);
            if let Some(strict) = tool.strict {
                out.insert("strict".to_owned(), strict.into());
            }
            if let Some(hint) = &tool.cache {
                out.insert("cache_control".to_owned(), write_cache(hint));
            }
            words.refuse_foreign(&tool.extra)?;
            out.extend(tool.extra.fields(ID).cloned().unwrap_or_default());
            Ok(out.into())
        }
        Tool::Vendor(extra) if extra.origin() == Some(ID) => {
            Ok(extra.fields(ID).cloned().unwrap_or_default().into())
        }
        Tool::Vendor(_) | Tool::Custom(_) => {
            Err(Fault::unsupported("tools", "a tool of this kind").into())
        }
    }
}

fn write_tool_choice(request: &ChatRequest) -> Result<Option<Value>> {
    let mut choice = match &request.tool_choice {
        Some(ToolChoice::Auto) => json!({"type": "auto"}),
        Some(ToolChoice::Required) => json!({"type": "any"}),
        Some(ToolChoice::None) => json!({"type": "none"}),
        Some(ToolChoice::Tool(tool)) => json!({"type": "tool", "name": tool.name}),
        Some(ToolChoice::Opaque(value)) => return Ok(Some(value.clone())),
        Some(ToolChoice::Allowed(_)) => {
            return Err(Error::unsupported(
                "tool_choice",
                "The target has no way to say which tools are allowed.",
            ));
        }
        None if request.parallel_tool_calls == Some(false) => json!({"type": "auto"}),
        None => return Ok(None),
    };
    let noted = request.extra.has_note(ID, DISABLE_PARALLEL);
    if let Some(parallel) = request.parallel_tool_calls
        && (noted || !parallel)
    {
        choice[DISABLE_PARALLEL] = (!parallel).into();
    }
    Ok(Some(choice))
}

fn write_output_config(request: &ChatRequest, mut config: Option<Block>) -> Result<Option<Value>> {
    let format = match &request.format {
        None | Some(ResponseFormat::Text) => None,
        Some(ResponseFormat::JsonSchema(format)) => {
            Some(json!({"type": "json_schema", "schema": format.schema}))
        }
        Some(ResponseFormat::Opaque(value)) => Some(value.clone()),
        Some(ResponseFormat::JsonObject) => {
            return Err(Error::unsupported(
                "output_config.format",
                "The target has no way to say any JSON object.",
            ));
        }
    };
    if let Some(format) = format {
        config
            .get_or_insert_default()
            .insert("format".to_owned(), format);
    }
    Ok(config.map(Value::from))
}

fn write_metadata(request: &ChatRequest, rest: &mut Block) -> Option<Value> {
    let kept = rest.shift_remove("metadata");
    let mut metadata = match kept {
        Some(Value::Object(metadata)) => Some(metadata),
        _ => None,
    };
    if let Some(user) = &request.user {
        metadata
            .get_or_insert_default()
            .insert("user_id".to_owned(), user.as_str().into());
    }
    metadata.map(Value::from)
}
