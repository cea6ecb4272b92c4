//! What other formats say of a whole request beyond the neutral model.

use serde_json::{Map, Value};

use super::ID;
use super::fault::unsupported;
use super::wire::Rest;
use crate::conversation::ChatRequest;
use crate::dialect::OPENAI_RESPONSES;
use crate::error::Result;

/// What of it can be said here.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// Members of the request.
    pub(super) members: Rest,
    pub(super) modalities: Option<Vec<String>>,
    /// Whether the model may search the web.
    pub(super) searches: bool,
}

/// Maps each field of another format, or refuses it by name.
pub(super) fn map_foreign(request: &ChatRequest) -> Result<Foreign> {
    let mut foreign = Foreign::default();
    let Some(origin) = request.extra.origin() else {
        return Ok(foreign);
    };
    for name in request.extra.foreign_to(ID) {
        let Some(value) = request.extra.get(origin, name) else {
            continue;
        };
        match (name, value) {
            (_, value) if is_nothing(value) => {}
            // Callers of responses go on from what is kept.
            ("store", _) if origin == OPENAI_RESPONSES.as_str() => {
                return Err(unsupported(name, "`store`"));
            }
            (name, _) if WITHOUT_EFFECT.contains(&name) => {}
            // Which earlier thoughts the vendor looks at, and an old name of their summary.
            ("reasoning", Value::Object(hints))
                if hints
                    .keys()
                    .all(|name| matches!(&**name, "context" | "generate_summary")) => {}
            ("stream_options", Value::Object(options)) => check_stream_options(options)?,
            ("safety_settings" | "safetySettings", _) => {
                foreign
                    .members
                    .insert("safetySettings".to_owned(), value.clone());
            }
            ("cached_content" | "cachedContent", _) => {
                foreign
                    .members
                    .insert("cachedContent".to_owned(), value.clone());
            }
            ("modalities", Value::Array(modalities)) => {
                foreign.modalities = read_modalities(modalities)?;
            }
            ("web_search_options", Value::Object(options)) => {
                check_search(options)?;
                foreign.searches = true;
            }
            (name, _) => return Err(unsupported(name, &format!("`{name}`"))),
        }
    }
    Ok(foreign)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn check_stream_options(options: &Map<String, Value>) -> Result<()> {
    match options.keys().find(|name| *name != "include_obfuscation") {
        Some(name) => Err(unsupported(
            format!("stream_options.{name}"),
            &format!("`{name}`"),
        )),
        None => Ok(()),
    }
}

/// Text alone is what the vendor answers with in any case.
fn read_modalities(modalities: &[Value]) -> Result<Option<Vec<String>>> {
    let read = |modality: &Value| match modality.as_str() {
        Some("text") => Ok("TEXT".to_owned()),
        Some("image") => Ok("IMAGE".to_owned()),
        _ => Err(unsupported("modalities", "answers of this kind")),
    };
    let modalities = modalities.iter().map(read).collect::<Result<Vec<_>>>()?;
    let is_text = modalities.iter().all(|modality| modality == "TEXT");
    Ok((!is_text).then_some(modalities))
}

fn check_search(options: &Map<String, Value>) -> Result<()> {
    let asks =
        |(name, value): &(&String, &Value)| !value.is_null() && *name != "search_context_size";
    match options.iter().find(asks) {
        Some((name, _)) => Err(unsupported(
            format!("web_search_options.{name}"),
            &format!("`{name}` of a search"),
        )),
        None => Ok(()),
    }
}

/// Fields without which the answer is the same: what the vendor keeps, how it caches and bills, how
/// it guesses ahead, how the caller is told apart, and what old turns may be left out.
const WITHOUT_EFFECT: &[&str] = &[
    "cache_control",
    "client_metadata",
    "context_management",
    "include",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "truncation",
];
