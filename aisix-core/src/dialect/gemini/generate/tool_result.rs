//! What tools answered.

use serde_json::{Map, Value, json};

use super::ID;
use super::fault::{Turn, foreign_field, invalid, unsupported};
use super::media::write_media;
use super::part::{NO_ID, read_part};
use super::wire::{self, FunctionResponse};
use super::words::Words;
use crate::conversation::{Extra, Part, PartKind, Source, ToolResult};
use crate::dialect::Carry;
use crate::error::Result;

pub(super) fn read_result(wire: FunctionResponse) -> Part {
    let mut notes = Vec::new();
    let mut result = ToolResult::default();
    match wire.id {
        Some(id) => result.call_id = id,
        None => notes.push(NO_ID),
    }
    result.name = wire.name;
    let text = read_response(wire.response, &mut result, &mut notes);
    result.content = vec![Part::text(text)];
    let media = wire.parts.into_iter().flatten();
    result
        .content
        .extend(media.map(|part| read_part(part, &Carry::default(), |_| String::new())));
    let mut part = Part::new(PartKind::ToolResult(result));
    part.extra = Extra::from_rest(ID, wire.rest);
    for note in notes {
        part.extra.note(ID, note);
    }
    part
}

/// An object with one text under a customary name is that text; any other is JSON.
fn read_response(
    response: Option<Value>,
    result: &mut ToolResult,
    notes: &mut Vec<&'static str>,
) -> String {
    let Some(Value::Object(map)) = response else {
        return response.map_or_else(String::new, |value| value.to_string());
    };
    let only = map.iter().next().filter(|_| map.len() == 1);
    match only {
        Some((key, value)) if key == ERROR => {
            result.is_error = Some(true);
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        }
        Some((key, Value::String(text))) => match KEYS.iter().find(|known| *known == key) {
            Some(known) => {
                notes.push(known);
                text.clone()
            }
            None => Value::Object(map).to_string(),
        },
        _ => Value::Object(map).to_string(),
    }
}

pub(super) fn write_result<'a>(
    part: &'a Part,
    result: &'a ToolResult,
    turn: Turn,
    words: &mut Words<'a>,
) -> Result<wire::Part> {
    let noted = |note| part.extra.has_note(ID, note);
    let called = words.called(&result.call_id).map(|(_, name)| name);
    let name = match (called, result.name.as_deref()) {
        (_, Some(name)) if words.is_own => name.to_owned(),
        (Some(name), _) | (None, Some(name)) => words.tool_name(name),
        (None, None) => {
            let param = turn.path(".tool_call_id");
            return Err(invalid(param, "no call before has this id"));
        }
    };
    let mut text = String::new();
    let mut media = Vec::new();
    for (at, piece) in result.content.iter().enumerate() {
        let param = turn.part(at);
        if let Some(field) = foreign_field(&piece.extra) {
            return Err(unsupported(
                format!("{param}.{field}"),
                &format!("`{field}`"),
            ));
        }
        match &piece.kind {
            PartKind::Text(piece) => text.push_str(piece),
            PartKind::File(inner) if matches!(inner.source, Source::Text(_)) => {
                let document = write_media(inner, &param, words.is_own)?;
                text.push_str(&document.text.unwrap_or_default());
            }
            PartKind::Image(inner) | PartKind::Audio(inner) | PartKind::File(inner) => {
                if !words.model.is_three() && !words.is_own {
                    let what = "a picture or a file in the answer of a tool to this model";
                    return Err(unsupported(param, what));
                }
                media.push(write_media(inner, &param, words.is_own)?);
            }
            _ => {
                return Err(unsupported(
                    param,
                    "a piece of this kind in the answer of a tool",
                ));
            }
        }
    }
    let key = KEYS.iter().find(|key| noted(key));
    let has_id = words.model.has_call_ids() || words.is_own;
    let response = FunctionResponse {
        id: Some(result.call_id.clone()).filter(|_| has_id && !noted(NO_ID)),
        name: Some(name),
        response: Some(write_response(&text, result, key.copied())),
        parts: (!media.is_empty()).then_some(media),
        rest: part.extra.fields(ID).cloned().unwrap_or_default(),
    };
    Ok(wire::Part {
        function_response: Some(response),
        ..wire::Part::default()
    })
}

/// The vendor wants an object: JSON that is one stays as it is.
fn write_response(text: &str, result: &ToolResult, key: Option<&str>) -> Value {
    let object = serde_json::from_str::<Map<String, Value>>(text).ok();
    match (result.is_error, object, key) {
        (Some(true), Some(object), _) => json!({ERROR: object}),
        (Some(true), None, _) => json!({ERROR: text}),
        (_, Some(object), None) => object.into(),
        (_, _, key) => json!({key.unwrap_or(KEYS[0]): text}),
    }
}

/// Under which names the vendor's own clients put a text; ours is the first.
const KEYS: [&str; 2] = ["output", "result"];

const ERROR: &str = "error";
