//! Tools, and which of them the model must, may or may not call.

use serde_json::{Map, Value, json};

use super::ID;
use super::fault::{foreign_field, invalid, said, unsupported};
use super::schema::{accepted, from_subset, is_empty_object, to_subset};
use super::wire::{self, CallingConfig, Declaration, Rest, ToolConfig};
use super::words::{CustomTools, Words};
use crate::conversation::{
    AllowedTools, ChatRequest, CustomTool, Extra, FunctionTool, Tool, ToolChoice, ToolRef,
};
use crate::dialect::gemini::models::Generation;
use crate::error::Result;

// === reading ===

pub(super) fn read_tools(tools: Vec<wire::Tool>) -> Vec<Tool> {
    let mut read = Vec::new();
    for tool in tools {
        let functions = tool.function_declarations.into_iter().flatten();
        read.extend(functions.map(|function| read_function(function).into()));
        if !tool.rest.is_empty() {
            read.push(Tool::Vendor(Extra::with_fields(ID, tool.rest)));
        }
    }
    read
}

fn read_function(wire: Declaration) -> FunctionTool {
    let mut tool = FunctionTool::new(wire.name);
    tool.description = wire.description;
    tool.extra = Extra::from_rest(ID, wire.rest);
    if let Some(schema) = wire.parameters {
        tool.extra.note(ID, SUBSET);
        tool.parameters = Some(from_subset(schema));
    } else {
        tool.parameters = wire.parameters_json_schema;
    }
    tool
}

/// Reads the choice out of `toolConfig`; what is left of that stays beside the request.
pub(super) fn read_config(mut config: ToolConfig, request: &mut ChatRequest) {
    if let Some(calling) = config.function_calling_config.take() {
        match read_choice(&calling) {
            Some(choice) => {
                if calling.mode.as_deref() == Some("VALIDATED") {
                    request.extra.note(ID, VALIDATED);
                }
                request.tool_choice = Some(choice);
            }
            None => config.function_calling_config = Some(calling),
        }
    }
    let rest = json!(config);
    if rest.as_object().is_some_and(|rest| !rest.is_empty()) {
        request.extra.insert(ID, TOOL_CONFIG, rest);
    }
}

fn read_choice(calling: &CallingConfig) -> Option<ToolChoice> {
    if !calling.rest.is_empty() {
        return None;
    }
    let names = calling
        .allowed_function_names
        .as_deref()
        .unwrap_or_default();
    let tools = || names.iter().map(ToolRef::function).collect();
    Some(match (calling.mode.as_deref()?, names) {
        ("AUTO" | "VALIDATED", []) => ToolChoice::Auto,
        ("NONE", []) => ToolChoice::None,
        ("ANY", []) => ToolChoice::Required,
        ("ANY", [name]) => ToolChoice::Tool(ToolRef::function(name)),
        ("ANY", _) => ToolChoice::Allowed(AllowedTools::new(true, tools())),
        ("VALIDATED", _) => ToolChoice::Allowed(AllowedTools::new(false, tools())),
        _ => return None,
    })
}

// === writing ===

/// The functions in one list, where the first of them stands, and the vendor's own tools in their
/// order.
pub(super) fn write_tools(
    request: &ChatRequest,
    searches: bool,
    words: &mut Words<'_>,
) -> Result<Vec<wire::Tool>> {
    let mut functions = Vec::new();
    let mut own = Vec::new();
    let is_vendor = |tool: &&Tool| matches!(tool, Tool::Vendor(_));
    let before = request.tools.iter().take_while(is_vendor).count();
    for (at, tool) in request.tools.iter().enumerate() {
        let path = format!("tools[{at}]");
        match tool {
            Tool::Function(tool) => functions.push(write_function(tool, &path, words)?),
            Tool::Custom(tool) => functions.push(write_custom(tool, &path, words)?),
            Tool::Vendor(extra) => own.push(write_vendor(extra, &path)?),
        }
    }
    if searches {
        own.push(search());
    }
    let mixes = !functions.is_empty() && !own.is_empty();
    if mixes && !words.is_own && !words.model.is_three() {
        let param = if searches {
            "web_search_options"
        } else {
            "tools"
        };
        return Err(unsupported(
            param,
            "a search beside functions to this model",
        ));
    }
    if !functions.is_empty() {
        let list = wire::Tool {
            function_declarations: Some(functions),
            rest: Rest::new(),
        };
        own.insert(before.min(own.len()), list);
    }
    Ok(own)
}

fn write_function(tool: &FunctionTool, path: &str, words: &mut Words<'_>) -> Result<Declaration> {
    if let Some(field) = foreign_field(&tool.extra) {
        return Err(unsupported(
            format!("{path}.{field}"),
            &format!("`{field}`"),
        ));
    }
    let mut declaration = Declaration {
        name: words.tool_name(&tool.name),
        description: tool.description.clone(),
        rest: tool.extra.fields(ID).cloned().unwrap_or_default(),
        ..Declaration::default()
    };
    match &tool.parameters {
        Some(schema) if tool.extra.has_note(ID, SUBSET) => {
            declaration.parameters = Some(to_subset(schema.clone()));
        }
        Some(schema) if words.is_own => {
            declaration.parameters_json_schema = Some(schema.clone());
        }
        Some(schema) if !is_empty_object(schema) => {
            declaration.parameters_json_schema = Some(accepted(schema));
        }
        _ => {}
    }
    Ok(declaration)
}

/// Nothing holds the text to a grammar here; the model is told it.
fn write_custom(tool: &CustomTool, path: &str, words: &mut Words<'_>) -> Result<Declaration> {
    if let Some(field) = foreign_field(&tool.extra) {
        return Err(unsupported(
            format!("{path}.{field}"),
            &format!("`{field}`"),
        ));
    }
    let mut description = tool.description.clone().unwrap_or_default();
    if let Some(grammar) = tool.format.as_ref().and_then(grammar_of) {
        if !description.is_empty() {
            description.push_str("\n\n");
        }
        description.push_str("The input must follow this grammar:\n");
        description.push_str(grammar);
    }
    Ok(Declaration {
        name: words.tool_name(&tool.name),
        description: Some(description).filter(|text| !text.is_empty()),
        parameters_json_schema: Some(CustomTools::schema()),
        ..Declaration::default()
    })
}

/// The definition, in each place where a vendor's formats have it.
fn grammar_of(format: &Value) -> Option<&str> {
    let definition = |value: &'_ Value| value.get("definition").is_some();
    let grammar = match format.get("grammar") {
        Some(inner) if definition(inner) => inner,
        _ => format,
    };
    grammar.get("definition")?.as_str()
}

/// A search of the web is the one tool of other vendors that there is here too.
fn write_vendor(extra: &Extra, path: &str) -> Result<wire::Tool> {
    if let Some(fields) = extra.fields(ID) {
        return Ok(wire::Tool {
            rest: fields.clone(),
            ..wire::Tool::default()
        });
    }
    let kind = extra
        .origin()
        .and_then(|origin| extra.get(origin, "type")?.as_str());
    if !kind.is_some_and(|kind| kind.starts_with("web_search")) {
        return Err(unsupported(format!("{path}.type"), "a tool of this type"));
    }
    let without_effect = |name: &&str| SEARCH_HINTS.contains(name);
    match said(extra).find(|name| !without_effect(name)) {
        Some(field) => Err(unsupported(
            format!("{path}.{field}"),
            &format!("`{field}` of a search"),
        )),
        None => Ok(search()),
    }
}

fn search() -> wire::Tool {
    wire::Tool {
        function_declarations: None,
        rest: Map::from_iter([("googleSearch".to_owned(), json!({}))]),
    }
}

pub(super) fn write_config(
    request: &ChatRequest,
    tools: &[wire::Tool],
    words: &mut Words<'_>,
) -> Result<Option<ToolConfig>> {
    let has_functions = |tool: &wire::Tool| tool.function_declarations.is_some();
    let mut config: ToolConfig = match super::fault::own_field(&request.extra, TOOL_CONFIG) {
        Some(kept) => serde_json::from_value(kept.clone())
            .map_err(|error| invalid("toolConfig", &error.to_string()))?,
        None => ToolConfig::default(),
    };
    let mut is_validated = words.is_own && request.extra.has_note(ID, VALIDATED);
    if !words.is_own && tools.iter().any(has_functions) {
        let is_strict =
            |tool: &Tool| matches!(tool, Tool::Function(tool) if tool.strict == Some(true));
        is_validated =
            request.tools.iter().any(is_strict) && words.model.generation >= Generation::TwoFive;
        if !tools.iter().all(has_functions) {
            is_validated = true;
            config.include_server_side_tool_invocations = Some(true);
        }
    }
    if let Some(calling) = write_choice(request, is_validated, words)? {
        let asks =
            calling.mode.as_deref() != Some("NONE") && calling.mode.as_deref() != Some("AUTO");
        if asks || words.is_own || tools.iter().any(has_functions) {
            config.function_calling_config = Some(calling);
        }
    }
    let is_empty = config.function_calling_config.is_none()
        && config.include_server_side_tool_invocations.is_none()
        && config.rest.is_empty();
    Ok((!is_empty).then_some(config))
}

fn write_choice(
    request: &ChatRequest,
    is_validated: bool,
    words: &mut Words<'_>,
) -> Result<Option<CallingConfig>> {
    let auto = if is_validated { "VALIDATED" } else { "AUTO" };
    let (mode, tools) = match &request.tool_choice {
        None if is_validated => (auto, &[][..]),
        None => return Ok(None),
        Some(ToolChoice::Auto) => (auto, &[][..]),
        Some(ToolChoice::None) => ("NONE", &[][..]),
        Some(ToolChoice::Required) => ("ANY", &[][..]),
        Some(ToolChoice::Tool(tool)) => ("ANY", std::slice::from_ref(tool)),
        Some(ToolChoice::Allowed(allowed)) => {
            let mode = if allowed.required { "ANY" } else { "VALIDATED" };
            (mode, &allowed.tools[..])
        }
        Some(ToolChoice::Opaque(_)) => {
            return Err(unsupported("tool_choice", "this choice of tools"));
        }
    };
    let names: Vec<_> = tools
        .iter()
        .map(|tool| words.tool_name(&tool.name))
        .collect();
    Ok(Some(CallingConfig {
        mode: Some(mode.to_owned()),
        allowed_function_names: (!names.is_empty()).then_some(names),
        rest: Rest::new(),
    }))
}

/// Members of a search that only say how much of it there should be, or how it is cached.
const SEARCH_HINTS: &[&str] = &[
    "type",
    "name",
    "max_uses",
    "search_context_size",
    "cache_control",
];

const TOOL_CONFIG: &str = "toolConfig";

// How a request was spelled.
const SUBSET: &str = "parameters";
const VALIDATED: &str = "VALIDATED";
