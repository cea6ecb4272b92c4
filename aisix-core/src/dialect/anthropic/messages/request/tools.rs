//! The tools of a conversation of another format.

use serde_json::{Map, Value, json};

use super::super::block::write_cache;
use super::super::fault::Fault;
use super::super::words::Words;
use super::DISABLE_PARALLEL;
use super::schema::enforceable;
use crate::conversation::{
    ChatRequest, CustomTool, Extra, FunctionTool, Tool, ToolChoice, ToolRef,
};
use crate::dialect::Capabilities;
use crate::error::{Error, Result};

/// The tools that the model may call; of a restricted choice only those that are allowed.
pub(super) fn write_tools(
    request: &ChatRequest,
    model: &Capabilities,
    words: &mut Words,
) -> Result<Vec<Value>> {
    let allowed = match &request.tool_choice {
        Some(ToolChoice::Allowed(allowed)) => Some(&allowed.tools),
        _ => None,
    };
    let is_allowed = |tool: &Tool| {
        allowed.is_none_or(|allowed| {
            allowed
                .iter()
                .any(|each| Some(each.name.as_str()) == tool.name())
        })
    };
    let mut tools = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        if is_allowed(tool) {
            let tool = write_tool(tool, model, words).map_err(|fault| fault.at("tools", at))?;
            tools.push(tool);
        }
    }
    Ok(tools)
}

fn write_tool(tool: &Tool, model: &Capabilities, words: &mut Words) -> Result<Value, Fault> {
    match tool {
        Tool::Function(tool) => write_function(tool, model, words),
        Tool::Custom(tool) => write_custom(tool, words),
        Tool::Vendor(extra) => write_server_tool(extra),
    }
}

fn write_function(
    tool: &FunctionTool,
    model: &Capabilities,
    words: &mut Words,
) -> Result<Value, Fault> {
    words.refuse_foreign(&tool.extra)?;
    let mut schema = match &tool.parameters {
        Some(Value::Object(schema)) => schema.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err(Fault::new("parameters", "a schema must be an object")),
    };
    schema.entry("type").or_insert_with(|| "object".into());
    schema.entry("properties").or_insert_with(|| json!({}));
    let is_strict = tool.strict == Some(true) && model.json_schema != Some(false);
    let mut schema = Value::Object(schema);
    if is_strict {
        schema = enforceable(&schema);
    }
    let mut out = Map::new();
    out.insert("name".to_owned(), words.tool_name(&tool.name).into());
    if let Some(description) = &tool.description {
        out.insert("description".to_owned(), description.as_str().into());
    }
    out.insert("input_schema".to_owned(), schema);
    if is_strict {
        out.insert("strict".to_owned(), true.into());
    }
    if let Some(hint) = &tool.cache {
        out.insert("cache_control".to_owned(), write_cache(hint));
    }
    Ok(out.into())
}

/// A tool that takes text is one with a single member here; its grammar is told, not enforced.
fn write_custom(tool: &CustomTool, words: &mut Words) -> Result<Value, Fault> {
    words.refuse_foreign(&tool.extra)?;
    let name = words.tool_name(&tool.name);
    words.custom.insert(name.clone());
    let mut input = json!({"type": "string"});
    let is_free = |format: &&Value| format.get("type").is_some_and(|kind| kind == "text");
    if let Some(format) = tool.format.as_ref().filter(|format| !is_free(format)) {
        input["description"] = format!("Text that follows this grammar: {format}").into();
    }
    let mut out = Map::new();
    out.insert("name".to_owned(), name.into());
    if let Some(description) = &tool.description {
        out.insert("description".to_owned(), description.as_str().into());
    }
    out.insert(
        "input_schema".to_owned(),
        json!({
            "type": "object",
            "properties": {"input": input},
            "required": ["input"],
            "additionalProperties": false,
        }),
    );
    Ok(out.into())
}

/// A tool of Anthropic's own can be asked for in any format: its type ends in a date.
fn write_server_tool(extra: &Extra) -> Result<Value, Fault> {
    let fields = extra.origin().and_then(|origin| extra.fields(origin));
    let kind = fields.and_then(|fields| fields.get("type")?.as_str());
    let date = kind
        .and_then(|kind| kind.rsplit_once('_'))
        .map(|(_, date)| date);
    let is_ours =
        date.is_some_and(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()));
    match fields {
        Some(fields) if is_ours => Ok(fields.clone().into()),
        _ => Err(Fault::unsupported("type", "a tool of this type")),
    }
}

/// Whether the model must, may or may not call one of the `tools` that are sent.
pub(super) fn write_tool_choice(
    request: &ChatRequest,
    tools: &[Value],
    model: &Capabilities,
    words: &mut Words,
) -> Result<Option<Value>> {
    let has_tools = !tools.is_empty();
    let is_single = request.parallel_tool_calls == Some(false) && has_tools;
    let mut choice = match &request.tool_choice {
        // Without tools there is nothing to choose, and a choice is refused.
        Some(ToolChoice::None | ToolChoice::Auto) if !has_tools => return Ok(None),
        Some(ToolChoice::None) => return Ok(Some(json!({"type": "none"}))),
        Some(ToolChoice::Auto) => json!({"type": "auto"}),
        None if is_single => json!({"type": "auto"}),
        None => return Ok(None),
        Some(ToolChoice::Required) if !has_tools => return Err(without_tools()),
        Some(ToolChoice::Required) => forced(model, json!({"type": "any"}))?,
        Some(ToolChoice::Tool(ToolRef { name, .. })) => {
            let sent = words.tool_name(name);
            if !tools.iter().any(|tool| tool["name"] == sent) {
                return Err(not_offered(name));
            }
            forced(model, json!({"type": "tool", "name": sent}))?
        }
        Some(ToolChoice::Allowed(allowed)) if !has_tools => {
            // Of an empty list nothing may be called, and of no tools nothing can.
            return match allowed.tools.first() {
                Some(tool) => Err(not_offered(&tool.name)),
                None if allowed.required => Err(without_tools()),
                None => Ok(None),
            };
        }
        Some(ToolChoice::Allowed(allowed)) if allowed.required => {
            forced(model, json!({"type": "any"}))?
        }
        Some(ToolChoice::Allowed(_)) => json!({"type": "auto"}),
        Some(ToolChoice::Opaque(_)) => {
            return Err(Error::unsupported(
                "tool_choice",
                "The target has no way to say this choice of tools.",
            ));
        }
    };
    if is_single {
        choice[DISABLE_PARALLEL] = true.into();
    }
    Ok(Some(choice))
}

fn not_offered(name: &str) -> Error {
    let message = format!("The choice names the tool `{name}`, which is not offered.");
    Error::invalid_request(message).with_param("tool_choice")
}

fn without_tools() -> Error {
    Error::invalid_request("A tool must be called, and none is offered.").with_param("tool_choice")
}

fn forced(model: &Capabilities, choice: Value) -> Result<Value> {
    if model.forced_tools == Some(false) {
        return Err(Error::unsupported(
            "tool_choice",
            "The model cannot be made to call a tool.",
        ));
    }
    Ok(choice)
}
