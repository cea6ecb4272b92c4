//! The pieces of a turn, which requests and answers share.

use serde_json::{Map, Value, json};

use super::ID;
use super::fault::{Turn, foreign_field, invalid, unsupported};
use super::media::{read_blob, read_file, write_media};
use super::tool_result::{read_result, write_result};
use super::wire::{self, FunctionCall};
use super::words::{CustomTools, Words};
use crate::conversation::{Extra, Opaque, Part, PartKind, Reasoning, Role, ToolCall, ToolCallKind};
use crate::dialect::Carry;
use crate::error::Result;

/// Reads one piece; what this version does not know is kept whole.
///
/// A call that has no id gets `made_id`, which the results of that call have to name.
pub(super) fn read_part(
    mut wire: wire::Part,
    carry: &Carry,
    made_id: impl FnOnce(&FunctionCall) -> String,
) -> Part {
    let mut note = None;
    let kind = if let Some(call) = wire.function_call.take() {
        if call.id.is_none() {
            note = Some(NO_ID);
        }
        PartKind::ToolCall(read_call(call, carry, made_id))
    } else if let Some(response) = wire.function_response.take() {
        return read_result(response);
    } else if let Some(blob) = wire.inline_data.take() {
        read_blob(blob)
    } else if let Some(file) = wire.file_data.take() {
        read_file(file)
    } else if let Some(text) = wire.text.take() {
        if wire.thought == Some(true) {
            let mut reasoning = Reasoning::new(text);
            reasoning.is_summary = true;
            PartKind::Reasoning(reasoning)
        } else {
            PartKind::Text(text)
        }
    } else {
        return PartKind::Opaque(Opaque::new(ID, json!(wire))).into();
    };
    let mut part = Part::new(kind);
    part.signature = wire.thought_signature;
    part.extra = Extra::from_rest(ID, wire.rest);
    if let Some(note) = note {
        part.extra.note(ID, note);
    }
    part
}

fn read_call(
    call: FunctionCall,
    carry: &Carry,
    made_id: impl FnOnce(&FunctionCall) -> String,
) -> ToolCall {
    let id = match &call.id {
        Some(id) => id.clone(),
        None => made_id(&call),
    };
    let sent = call.name.unwrap_or_default();
    let name = carry.tool_name(&sent);
    let args = call.args.unwrap_or_else(|| Map::new().into());
    match CustomTools::input(carry, name, &args) {
        Some(input) => ToolCall::new(id, name, input).with_kind(ToolCallKind::Custom),
        None => ToolCall::new(id, name, args.to_string()),
    }
}

/// Writes one piece of a turn; nothing where the target needs to hear nothing.
pub(super) fn write_part<'a>(
    part: &'a Part,
    at: usize,
    role: Role,
    turn: Turn,
    words: &mut Words<'a>,
) -> Result<Option<wire::Part>> {
    if role != Role::Assistant
        && let Some(field) = foreign_field(&part.extra)
    {
        let param = format!("{}.{field}", turn.part(at));
        return Err(unsupported(param, &format!("`{field}`")));
    }
    let mut wire = match &part.kind {
        // Nothing said is an error of the vendor's, unless it is what a signature stands on.
        PartKind::Text(text) | PartKind::Refusal(text) => {
            if text.is_empty() && part.signature.is_none() && !words.is_own {
                return Ok(None);
            }
            wire::Part::text(text)
        }
        PartKind::Image(media) | PartKind::Audio(media) | PartKind::File(media) => {
            write_media(media, &turn.part(at), words.is_own)?
        }
        PartKind::ToolCall(call) => wire::Part {
            function_call: Some(write_call(part, call, turn, words)?),
            ..wire::Part::default()
        },
        PartKind::ToolResult(result) => return write_result(part, result, turn, words).map(Some),
        // The thoughts of others, and proofs of them, are none here.
        PartKind::Reasoning(_) if !words.is_own => return Ok(None),
        PartKind::Reasoning(reasoning) => wire::Part {
            thought: Some(true),
            ..wire::Part::text(&reasoning.text)
        },
        PartKind::Opaque(Opaque { origin, value }) if *origin == ID => {
            return read_back(value, &turn.part(at)).map(Some);
        }
        PartKind::Opaque(_) => return Err(unsupported(turn.part(at), "a piece of this kind")),
    };
    // Only this vendor signs texts and calls, so that such a signature is its own wherever the
    // conversation came from.
    wire.thought_signature.clone_from(&part.signature);
    wire.rest = part.extra.fields(ID).cloned().unwrap_or_default();
    Ok(Some(wire))
}

pub(super) fn read_back(value: &Value, param: &str) -> Result<wire::Part> {
    serde_json::from_value(value.clone()).map_err(|error| invalid(param, &error.to_string()))
}

fn write_call<'a>(
    part: &Part,
    call: &'a ToolCall,
    turn: Turn,
    words: &mut Words<'a>,
) -> Result<FunctionCall> {
    let args = match call.kind {
        ToolCallKind::Function if call.arguments.trim().is_empty() => Map::new(),
        ToolCallKind::Function => serde_json::from_str(&call.arguments).map_err(|_| {
            let earlier = words.calls_in_turn();
            let param = turn.path(&format!(".tool_calls[{earlier}].function.arguments"));
            invalid(param, "the arguments of a call must be a JSON object")
        })?,
        ToolCallKind::Custom => CustomTools::args(&call.arguments),
    };
    let has_id = words.model.has_call_ids() || words.is_own;
    let name = words.tool_name(&call.name);
    words.call(&call.id, &call.name);
    Ok(FunctionCall {
        id: Some(call.id.clone()).filter(|_| has_id && !part.extra.has_note(ID, NO_ID)),
        name: Some(name),
        args: Some(args.into()),
        ..FunctionCall::default()
    })
}

/// The wire had no id where the neutral model needs one.
pub(super) const NO_ID: &str = "no id";
