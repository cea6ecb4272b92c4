//! Calls of tools, and the names that tools have on the wire.

use serde_json::json;

use super::ID;
use super::custom::{is_wrapped, unwrap_input, wrap_input};
use super::wire::{self, CustomCall, FunctionCall, Rest};
use crate::conversation::{Extra, Message, Part, PartKind, ToolCall, ToolCallKind};
use crate::dialect::Carry;
use crate::dialect::openai::fault::{Fault, keep, taken};
use crate::dialect::openai::words::Names;

pub(super) fn read_tool_call(wire: wire::ToolCall, carry: &Carry) -> Result<Part, Fault> {
    let mut rest = wire.rest;
    let (kind, name, arguments) = match (wire.function, wire.custom) {
        (Some(function), _) => {
            keep(&mut rest, "function", function.rest);
            (ToolCallKind::Function, function.name, function.arguments)
        }
        (None, Some(custom)) => {
            keep(&mut rest, "custom", custom.rest);
            (ToolCallKind::Custom, custom.name, custom.input)
        }
        (None, None) => return Err(Fault::new("function", "a call needs its function")),
    };
    if let Some(index) = wire.index {
        rest.insert("index".to_owned(), index.into());
    }
    let name = name.unwrap_or_default();
    let arguments = arguments.unwrap_or_default();
    let (kind, arguments) = if is_wrapped(carry, &name) {
        (ToolCallKind::Custom, unwrap_input(arguments))
    } else {
        (kind, arguments)
    };
    let name = carry.tool_name(&name).to_owned();
    let call = ToolCall::new(wire.id.unwrap_or_default(), name, arguments);
    let mut part = Part::new(PartKind::ToolCall(call.with_kind(kind)));
    part.signature = google_signature(&rest);
    part.extra = Extra::from_rest(ID, rest);
    Ok(part)
}

pub(super) fn write_tool_calls(
    message: &Message,
    names: &mut Names,
    is_answer: bool,
) -> Option<Vec<wire::ToolCall>> {
    let calls: Vec<_> = message
        .parts
        .iter()
        .filter_map(|part| Some((part, part.as_tool_call()?)))
        .map(|(part, call)| {
            let mut rest = part.extra.fields(ID).cloned().unwrap_or_default();
            if let Some(signature) = part.signature.as_deref().filter(|_| is_answer) {
                write_google_signature(&mut rest, signature);
            }
            let index = rest.shift_remove("index").and_then(|index| index.as_u64());
            let function = taken(&mut rest, "function");
            let custom = taken(&mut rest, "custom");
            let mut wire = write_call(call, names);
            wire.index = index.and_then(|index| u32::try_from(index).ok());
            if let Some(call) = &mut wire.function {
                call.rest = function;
            }
            if let Some(call) = &mut wire.custom {
                call.rest = custom;
            }
            wire.rest = rest;
            wire
        })
        .collect();
    (!calls.is_empty()).then_some(calls)
}

fn write_call(call: &ToolCall, names: &mut Names) -> wire::ToolCall {
    let mut wire = wire::ToolCall {
        id: Some(call.id.clone()),
        ..wire::ToolCall::default()
    };
    let mut function = |name, arguments| {
        wire.kind = Some("function".to_owned());
        wire.function = Some(FunctionCall {
            name: Some(name),
            arguments: Some(arguments),
            rest: Rest::new(),
        });
    };
    match call.kind {
        ToolCallKind::Function => {
            // Some formats have calls without arguments, here they are always an object.
            let is_nothing = names.is_foreign && call.arguments.is_empty();
            let arguments = if is_nothing { "{}" } else { &call.arguments };
            function(names.tool_name(&call.name), arguments.to_owned());
        }
        ToolCallKind::Custom if names.wraps() => {
            let name = names.wrapped_name(&call.name);
            function(name, wrap_input(&call.arguments));
        }
        ToolCallKind::Custom => {
            let name = names.tool_name(&call.name);
            wire.kind = Some("custom".to_owned());
            wire.custom = Some(CustomCall {
                name: Some(name),
                input: Some(call.arguments.clone()),
                rest: Rest::new(),
            });
        }
    }
    wire
}

/// The signature of Gemini, where Google's own compatibility layer puts it.
pub(super) fn google_signature(rest: &Rest) -> Option<String> {
    let google = rest.get("extra_content")?.get("google")?;
    Some(google.get("thought_signature")?.as_str()?.to_owned())
}

pub(super) fn write_google_signature(rest: &mut Rest, signature: &str) {
    rest.entry("extra_content")
        .or_insert_with(|| json!({"google": {"thought_signature": signature}}));
}
