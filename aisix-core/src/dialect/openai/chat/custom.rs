//! Tools that take text, where the target only knows functions.
//!
//! OpenAI alone has such tools. For a conversation of another format that goes to another vendor's
//! model, each becomes a function with the one member `input`, and its calls are turned back on the
//! way to the caller.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::wire;
use crate::conversation::CustomTool;
use crate::dialect::Carry;

/// The names on the wire of the functions that stand for tools that take text.
#[derive(Debug)]
pub(super) struct Wrapped(pub(super) BTreeSet<String>);

/// Whether the function `name` of this conversation stands for a tool that takes text.
pub(super) fn is_wrapped(carry: &Carry, name: &str) -> bool {
    carry
        .state::<Wrapped>()
        .is_some_and(|Wrapped(names)| names.contains(name))
}

/// The function that stands for `tool`. What a grammar says is told, and not enforced.
pub(super) fn wrap_tool(tool: &CustomTool, name: String) -> wire::Function {
    let mut told = tool.description.clone().unwrap_or_default();
    let grammar = tool
        .format
        .as_ref()
        .and_then(|format| format.get("grammar"));
    let definition = grammar.and_then(|grammar| grammar.get("definition")?.as_str());
    if let Some(definition) = definition {
        if !told.is_empty() {
            told.push_str("\n\n");
        }
        told.push_str("The input follows this grammar:\n");
        told.push_str(definition);
    }
    wire::Function {
        name,
        description: (!told.is_empty()).then_some(told),
        parameters: Some(json!({
            "type": "object",
            "properties": {INPUT: {"type": "string", "description": "The whole input of the tool."}},
            "required": [INPUT],
            "additionalProperties": false,
        })),
        strict: None,
        rest: wire::Rest::new(),
    }
}

pub(super) fn wrap_input(input: &str) -> String {
    json!({INPUT: input}).to_string()
}

/// The input inside of arguments; arguments of another shape are what the model meant as it.
pub(super) fn unwrap_input(arguments: String) -> String {
    let object: Result<Value, _> = serde_json::from_str(&arguments);
    match object.ok().and_then(|mut object| {
        let input = object.get_mut(INPUT).map(Value::take);
        input.filter(Value::is_string)
    }) {
        Some(Value::String(input)) => input,
        _ => arguments,
    }
}

const INPUT: &str = "input";
