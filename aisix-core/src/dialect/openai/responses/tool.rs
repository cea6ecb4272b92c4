//! Tools, the choice among them, and the form of the answer.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ID;
use super::part::put;
use super::wire::{Rest, kind_of, need_text, take_text};
use crate::conversation::{
    AllowedTools, CustomTool, Extra, FunctionTool, JsonSchema, ResponseFormat, Tool, ToolCallKind,
    ToolChoice, ToolRef,
};
use crate::dialect::openai::fault::{Fault, own_fields, own_tool};
use crate::dialect::openai::words::Names;

// === reading ===

pub(super) fn read_tool(mut wire: Rest) -> Result<Tool, Fault> {
    match kind_of(&wire) {
        "function" => {
            wire.shift_remove("type");
            let mut tool = FunctionTool::new(need_text(&mut wire, "name")?);
            tool.description = take_text(&mut wire, "description")?;
            tool.parameters = wire
                .shift_remove("parameters")
                .filter(|schema| !schema.is_null());
            tool.strict = match wire.shift_remove("strict") {
                None | Some(Value::Null) => None,
                Some(Value::Bool(strict)) => Some(strict),
                Some(_) => return Err(Fault::new("strict", "expected a boolean")),
            };
            tool.extra = Extra::from_rest(ID, wire);
            Ok(tool.into())
        }
        "custom" => {
            wire.shift_remove("type");
            let mut tool = CustomTool::new(need_text(&mut wire, "name")?);
            tool.description = take_text(&mut wire, "description")?;
            tool.format = wire.shift_remove("format").map(nest_grammar);
            tool.extra = Extra::from_rest(ID, wire);
            Ok(tool.into())
        }
        "" => Err(Fault::new("type", "a tool needs a type")),
        _ => Ok(Tool::Vendor(Extra::with_fields(ID, wire))),
    }
}

/// The neutral model spells a grammar as chat completions do, one level deeper.
fn nest_grammar(format: Value) -> Value {
    match format {
        Value::Object(mut map) if kind_of(&map) == "grammar" && !map.contains_key("grammar") => {
            map.shift_remove("type");
            json!({"type": "grammar", "grammar": map})
        }
        other => other,
    }
}

pub(super) fn read_tool_choice(value: Value) -> ToolChoice {
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

/// `{"type": T, "name": …}` and nothing else.
fn read_tool_ref(value: &Value) -> Option<ToolRef> {
    let map = value.as_object().filter(|map| map.len() == 2)?;
    let name = map.get("name")?.as_str()?;
    match map.get("type")?.as_str()? {
        "function" => Some(ToolRef::function(name)),
        "custom" => Some(ToolRef::custom(name)),
        _ => None,
    }
}

fn read_allowed(value: &Value) -> Option<AllowedTools> {
    let map = value.as_object().filter(|map| map.len() == 3)?;
    map.get("type").filter(|kind| *kind == "allowed_tools")?;
    let required = match map.get("mode")?.as_str()? {
        "required" => true,
        "auto" => false,
        _ => return None,
    };
    let tools = map.get("tools")?.as_array()?;
    let tools = tools.iter().map(read_tool_ref).collect::<Option<_>>()?;
    Some(AllowedTools::new(required, tools))
}

pub(super) fn read_format(value: Value) -> ResponseFormat {
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
    match (kind, value.as_object().map(Map::len)) {
        (Some("text"), Some(1)) => ResponseFormat::Text,
        (Some("json_object"), Some(1)) => ResponseFormat::JsonObject,
        (Some("json_schema"), _) => match Schema::deserialize(&value) {
            Ok(mut schema) => {
                schema.rest.shift_remove("type");
                ResponseFormat::JsonSchema(JsonSchema {
                    name: schema.name,
                    description: schema.description,
                    schema: schema.schema,
                    strict: schema.strict,
                    extra: Extra::from_rest(ID, schema.rest),
                })
            }
            Err(_) => ResponseFormat::Opaque(value),
        },
        _ => ResponseFormat::Opaque(value),
    }
}

// === writing ===

/// Writes a tool. What another format leaves out of `strict` means no, here it would mean yes.
pub(super) fn write_tool(tool: &Tool, names: &mut Names) -> Result<Value, Fault> {
    let mut wire = Rest::new();
    match tool {
        Tool::Function(tool) => {
            let rest = own_fields(&tool.extra, ID)?;
            let strict = tool.strict.or_else(|| names.is_foreign.then_some(false));
            put(&mut wire, "type", "function");
            put(&mut wire, "name", names.tool_name(&tool.name));
            put_optional(&mut wire, "description", tool.description.as_deref());
            put_optional(&mut wire, "parameters", tool.parameters.clone());
            put_optional(&mut wire, "strict", strict);
            wire.extend(rest);
        }
        Tool::Custom(tool) => {
            let rest = own_fields(&tool.extra, ID)?;
            put(&mut wire, "type", "custom");
            put(&mut wire, "name", names.tool_name(&tool.name));
            put_optional(&mut wire, "description", tool.description.as_deref());
            put_optional(&mut wire, "format", tool.format.clone().map(flat_grammar));
            wire.extend(rest);
        }
        Tool::Vendor(extra) => wire = own_tool(extra, ID)?,
    }
    Ok(wire.into())
}

fn flat_grammar(mut format: Value) -> Value {
    match format.get_mut("grammar").map(Value::take) {
        Some(Value::Object(mut grammar)) => {
            grammar.insert("type".to_owned(), "grammar".into());
            grammar.into()
        }
        _ => format,
    }
}

pub(super) fn write_tool_choice(choice: &ToolChoice, names: &mut Names) -> Result<Value, Fault> {
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
            json!({"type": "allowed_tools", "mode": mode, "tools": tools})
        }
        ToolChoice::Opaque(value) if !names.is_foreign => value.clone(),
        ToolChoice::Opaque(_) => {
            return Err(Fault::unsupported("this choice of tools").in_member("tool_choice"));
        }
    })
}

fn write_tool_ref(tool: &ToolRef, names: &mut Names) -> Value {
    let kind = match tool.kind {
        ToolCallKind::Function => "function",
        ToolCallKind::Custom => "custom",
    };
    json!({"type": kind, "name": names.tool_name(&tool.name)})
}

pub(super) fn write_format(format: &ResponseFormat, is_foreign: bool) -> Result<Value, Fault> {
    Ok(match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema(schema) => {
            let rest = own_fields(&schema.extra, ID)?;
            let strict = schema.strict.or_else(|| is_foreign.then_some(false));
            let mut wire = Rest::new();
            put(&mut wire, "type", "json_schema");
            put(&mut wire, "name", &*schema.name);
            put_optional(&mut wire, "description", schema.description.as_deref());
            put_optional(&mut wire, "schema", schema.schema.clone());
            put_optional(&mut wire, "strict", strict);
            wire.extend(rest);
            wire.into()
        }
        ResponseFormat::Opaque(value) if !is_foreign => value.clone(),
        ResponseFormat::Opaque(_) => {
            return Err(Fault::unsupported("this form of the answer").in_member("response_format"));
        }
    })
}

fn put_optional(wire: &mut Rest, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(wire, name, value);
    }
}
