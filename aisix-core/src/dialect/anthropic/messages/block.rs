//! Reads the blocks of a content, of requests and of answers.

use serde_json::{Map, Value};

use super::super::ID;
use super::fault::Fault;
use super::wire::{Block, Content, take_text, text_of};
use super::words::CustomTools;
use crate::conversation::{
    CacheHint, Extra, Media, Opaque, Part, PartKind, Reasoning, Source, ToolCall, ToolCallKind,
    ToolResult,
};
use crate::dialect::Carry;

/// Reads a content; whether it was a list goes into `notes`.
pub(super) fn read_content(
    content: Content,
    carry: &Carry,
    notes: &mut Vec<&'static str>,
) -> Result<Vec<Part>, Fault> {
    match content {
        Content::Text(text) => Ok(vec![Part::text(text)]),
        Content::List(blocks) => {
            notes.push(LIST);
            let blocks = blocks.into_iter().enumerate();
            blocks
                .map(|(at, block)| {
                    read_block(block, carry).map_err(|fault| fault.at("content", at))
                })
                .collect()
        }
    }
}

/// Reads one block; one of an unknown type, or that says more than the model can hold, is kept
/// whole.
pub(super) fn read_block(mut block: Block, carry: &Carry) -> Result<Part, Fault> {
    let kind = match text_of(&block, "type") {
        "text" => PartKind::Text(required(&mut block, "text")?),
        "image" => match read_source(&mut block) {
            Some(media) => PartKind::Image(media),
            None => return Ok(opaque(block)),
        },
        "document" => match read_source(&mut block) {
            Some(mut media) => {
                media.name = take_text(&mut block, "title");
                PartKind::File(media)
            }
            None => return Ok(opaque(block)),
        },
        "tool_use" => PartKind::ToolCall(read_call(&mut block, carry)?),
        "tool_result" => return read_result(block, carry),
        "thinking" => return Ok(read_thinking(block)),
        "redacted_thinking" => {
            PartKind::Reasoning(Reasoning::sealed(required(&mut block, "data")?))
        }
        "" => return Err(Fault::new("type", "a block needs a type")),
        _ => return Ok(opaque(block)),
    };
    let mut part = Part::new(kind);
    part.signature = take_google_signature(&mut block);
    Ok(with_rest(part, block))
}

fn with_rest(mut part: Part, mut block: Block) -> Part {
    block.shift_remove("type");
    part.cache = take_cache(&mut block);
    part.extra = Extra::from_rest(ID, block);
    if matches!(part.kind, PartKind::Reasoning(_)) {
        part.extra.note(ID, THINKING);
    }
    part
}

fn read_thinking(mut block: Block) -> Part {
    let text = take_text(&mut block, "thinking").unwrap_or_default();
    let signature = take_text(&mut block, "signature");
    let mut part = with_rest(Part::reasoning(text), block);
    if signature.as_deref() == Some("") {
        part.extra.note(ID, EMPTY_SIGNATURE);
    }
    part.signature = signature.filter(|signature| !signature.is_empty());
    part
}

fn read_call(block: &mut Block, carry: &Carry) -> Result<ToolCall, Fault> {
    let id = required(block, "id")?;
    let sent = required(block, "name")?;
    let input = block.shift_remove("input");
    let name = carry.tool_name(&sent);
    let is_custom = carry
        .state::<CustomTools>()
        .is_some_and(|custom| custom.contains(&sent));
    if is_custom {
        let text = custom_input(input.as_ref()).unwrap_or_default();
        return Ok(ToolCall::new(id, name, text).with_kind(ToolCallKind::Custom));
    }
    let arguments = input.map_or_else(|| "{}".to_owned(), |input| input.to_string());
    Ok(ToolCall::new(id, name, arguments))
}

/// The text of a tool that takes text, which here is a tool with one member.
pub(super) fn custom_input(input: Option<&Value>) -> Option<String> {
    Some(input?.get("input")?.as_str()?.to_owned())
}

fn read_result(mut block: Block, carry: &Carry) -> Result<Part, Fault> {
    let call_id = required(&mut block, "tool_use_id")?;
    let mut notes = Vec::new();
    let content = match block.shift_remove("content") {
        None | Some(Value::Null) => Vec::new(),
        Some(content) => {
            let content = serde_json::from_value(content)
                .map_err(|error| Fault::new("content", error.to_string()))?;
            read_content(content, carry, &mut notes)?
        }
    };
    let mut result = ToolResult::new(call_id, content);
    if let Some(is_error) = block.get("is_error").and_then(Value::as_bool) {
        block.shift_remove("is_error");
        result.is_error = Some(is_error);
    }
    let mut part = with_rest(PartKind::ToolResult(result).into(), block);
    for note in notes {
        part.extra.note(ID, note);
    }
    Ok(part)
}

/// The source of a picture or document, unless it says what the model has no place for.
fn read_source(block: &mut Block) -> Option<Media> {
    let source = block.get("source")?.as_object()?;
    let text = |name: &str| source.get(name)?.as_str().map(str::to_owned);
    let (media, size) = match text_of(source, "type") {
        "base64" => {
            let media = Media::new(Source::Base64(text("data")?));
            (media.with_media_type(text("media_type")?), 3)
        }
        "text" => {
            let media = Media::new(Source::Text(text("data")?));
            (media.with_media_type(text("media_type")?), 3)
        }
        "url" => (Media::new(Source::Url(text("url")?)), 2),
        "file" => (Media::new(Source::Id(text("file_id")?)), 2),
        _ => return None,
    };
    if source.len() != size {
        return None;
    }
    block.shift_remove("source");
    Some(media)
}

/// Takes a plain mark of a cached prefix out of a block, tool or request.
pub(super) fn take_cache(block: &mut Block) -> Option<CacheHint> {
    let hint = read_cache(block.get("cache_control")?)?;
    block.shift_remove("cache_control");
    Some(hint)
}

/// `{"type": "ephemeral", "ttl": …}` and nothing else.
fn read_cache(control: &Value) -> Option<CacheHint> {
    let control = control.as_object()?;
    if text_of(control, "type") != "ephemeral" {
        return None;
    }
    match (control.len(), control.get("ttl")) {
        (1, _) => Some(CacheHint::new()),
        (2, Some(Value::String(ttl))) => Some(CacheHint::new().with_ttl(ttl)),
        _ => None,
    }
}

pub(super) fn write_cache(hint: &CacheHint) -> Value {
    let mut control = Map::new();
    control.insert("type".to_owned(), "ephemeral".into());
    if let Some(ttl) = &hint.ttl {
        control.insert("ttl".to_owned(), ttl.as_str().into());
    }
    control.into()
}

/// The signature that a call of Gemini was given when it was shown to a caller of this format.
fn take_google_signature(block: &mut Block) -> Option<String> {
    let google = block.get(EXTRA_CONTENT)?.get("google")?;
    let signature = google.get("thought_signature")?.as_str()?.to_owned();
    block.shift_remove(EXTRA_CONTENT);
    Some(signature)
}

fn opaque(block: Block) -> Part {
    PartKind::Opaque(Opaque::new(ID, block.into())).into()
}

fn required(block: &mut Block, name: &str) -> Result<String, Fault> {
    take_text(block, name)
        .ok_or_else(|| Fault::new(name, format!("a block of this type needs `{name}`")))
}

/// Where Google's own compatibility layer keeps what OpenAI's format has no place for; the spelling
/// is used here too.
pub(super) const EXTRA_CONTENT: &str = "extra_content";

// How something was spelled, where the neutral model has one word for several spellings.
pub(super) const LIST: &str = "list";
pub(super) const EMPTY_SIGNATURE: &str = "empty signature";
/// Not a spelling: the reasoning was read from this format, so that its proof holds in it.
pub(super) const THINKING: &str = "thinking";
