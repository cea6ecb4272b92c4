//! Places in a text that say where it was found, in the spellings of the two formats.

use serde_json::{Map, Value, json};

use crate::conversation::{Extra, Part};
use crate::dialect::OPENAI_RESPONSES;

/// What a part of an answer of responses cites, as chat completions spell it. What is no page of
/// the web has no word there.
pub(super) fn citations(part: &Part) -> impl Iterator<Item = Value> {
    let annotations = part
        .extra
        .get(OPENAI_RESPONSES.as_str(), "annotations")
        .and_then(Value::as_array);
    annotations.into_iter().flatten().filter_map(to_chat)
}

/// The same, of an event.
pub(super) fn streamed_citation(extra: &Extra) -> Option<Value> {
    to_chat(extra.get(OPENAI_RESPONSES.as_str(), ANNOTATION)?)
}

fn to_chat(annotation: &Value) -> Option<Value> {
    let mut inner = annotation.as_object()?.clone();
    if inner.shift_remove("type")? != "url_citation" || inner.contains_key("url_citation") {
        return None;
    }
    Some(json!({"type": "url_citation", "url_citation": inner}))
}

/// A citation of chat completions, as responses spell it.
pub(super) fn from_chat(annotation: &Value) -> Value {
    match annotation.get("url_citation") {
        Some(Value::Object(inner)) => {
            let kind = [("type".to_owned(), "url_citation".into())];
            let mut map = Map::from_iter(kind);
            map.extend(inner.clone());
            map.into()
        }
        _ => annotation.clone(),
    }
}

/// What an event that tells a citation of responses calls it.
pub(super) const ANNOTATION: &str = "annotation";
