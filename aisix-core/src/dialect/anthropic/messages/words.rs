//! The words of one conversation for the target, and its parts as blocks.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::ID;
use super::block::{EMPTY_SIGNATURE, EXTRA_CONTENT, LIST, THINKING, write_cache};
use super::fault::Fault;
use super::wire::{Block, block};
use crate::conversation::{
    Extra, Media, Part, PartKind, Reasoning, Source, ToolCall, ToolCallKind, ToolResult,
};
use crate::dialect::tool_name::ToolNameRule;
use crate::dialect::{Carry, OPENAI_CHAT};

/// The names on the wire of tools that take text.
pub(super) type CustomTools = BTreeSet<String>;

/// How parts are written, and the names that the way back needs.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) carry: Carry,
    pub(super) custom: CustomTools,
    pub(super) style: Style,
}

/// For whom parts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// The upstream, of a conversation that came in this format: as it came.
    Own,
    /// The upstream, of a conversation of another format.
    #[default]
    Foreign,
    /// The caller, of an answer.
    Answer,
}

impl Words {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            ..Self::default()
        }
    }

    /// The name on the wire: the caller's own, or a made-up one that is the same each time.
    pub(super) fn tool_name(&mut self, name: &str) -> String {
        match self.style {
            Style::Foreign => NAME.sent(name, &mut self.carry),
            Style::Own | Style::Answer => name.to_owned(),
        }
    }

    /// The id on the wire; calls and their results are changed alike, and nobody else sees it.
    fn call_id(&self, id: &str) -> String {
        match self.style {
            Style::Foreign => CALL_ID.sent(id, &mut Carry::default()),
            Style::Own | Style::Answer => id.to_owned(),
        }
    }

    /// Writes one part; `None` for one that says nothing here.
    pub(super) fn block(&mut self, part: &Part) -> Result<Option<Block>, Fault> {
        let is_own = self.style == Style::Own;
        let mut out = match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => {
                if text.is_empty() && !is_own {
                    return Ok(None);
                }
                let mut out = block("text");
                out.insert("text".to_owned(), text.as_str().into());
                out
            }
            PartKind::Image(media) => write_image(media, self.style != Style::Foreign)?,
            PartKind::File(media) => write_document(media, is_own)?,
            PartKind::Audio(_) => return Err(Fault::unsupported("", "audio")),
            PartKind::ToolCall(call) => self.call(call)?,
            PartKind::ToolResult(result) => self.result(part, result)?,
            PartKind::Reasoning(reasoning) => match self.thinking(part, reasoning) {
                Some(out) => out,
                None => return Ok(None),
            },
            PartKind::Opaque(opaque) => match &opaque.value {
                Value::Object(value) if opaque.origin == ID => return Ok(Some(value.clone())),
                _ if self.style == Style::Answer => return Ok(None),
                _ => return Err(Fault::unsupported("", "a piece of this kind")),
            },
        };
        if let Some(hint) = &part.cache {
            out.insert("cache_control".to_owned(), write_cache(hint));
        }
        if self.style == Style::Answer
            && !matches!(part.kind, PartKind::Reasoning(_))
            && let Some(signature) = &part.signature
        {
            let google = json!({"google": {"thought_signature": signature}});
            out.insert(EXTRA_CONTENT.to_owned(), google);
        }
        if let Some(fields) = part.extra.fields(ID) {
            out.extend(fields.clone());
        }
        Ok(Some(out))
    }

    fn call(&mut self, call: &ToolCall) -> Result<Block, Fault> {
        let mut out = block("tool_use");
        out.insert("id".to_owned(), self.call_id(&call.id).into());
        out.insert("name".to_owned(), self.tool_name(&call.name).into());
        out.insert("input".to_owned(), self.input(call)?);
        Ok(out)
    }

    fn input(&self, call: &ToolCall) -> Result<Value, Fault> {
        if call.kind == ToolCallKind::Custom {
            return Ok(json!({"input": call.arguments}));
        }
        if call.arguments.trim().is_empty() {
            return Ok(json!({}));
        }
        match serde_json::from_str(&call.arguments) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(value) if self.style == Style::Own => Ok(value),
            // The SDKs want an object; what the model wrote is not lost in it.
            _ if self.style == Style::Answer => Ok(json!({"_raw": call.arguments})),
            _ => Err(Fault::new(
                "arguments",
                "the arguments of a call must be a JSON object",
            )),
        }
    }

    fn result(&mut self, part: &Part, result: &ToolResult) -> Result<Block, Fault> {
        let mut out = block("tool_result");
        out.insert(
            "tool_use_id".to_owned(),
            self.call_id(&result.call_id).into(),
        );
        let mut blocks = Vec::with_capacity(result.content.len());
        for (at, inner) in result.content.iter().enumerate() {
            self.refuse_foreign(&inner.extra)
                .and_then(|()| self.block(inner))
                .map_err(|fault| fault.at("content", at))
                .map(|block| blocks.extend(block))?;
        }
        let is_list = part.extra.has_note(ID, LIST);
        if is_list || !blocks.is_empty() {
            out.insert("content".to_owned(), write_content(blocks, is_list));
        }
        if let Some(is_error) = result.is_error {
            out.insert("is_error".to_owned(), is_error.into());
        }
        Ok(out)
    }

    /// Anthropic refuses thoughts without its own signature, and so they are left out; a caller
    /// sees all of them.
    fn thinking(&self, part: &Part, reasoning: &Reasoning) -> Option<Block> {
        if self.style == Style::Foreign && !is_claudes(part, reasoning) {
            return None;
        }
        if let Some(data) = &reasoning.sealed {
            let mut out = block("redacted_thinking");
            out.insert("data".to_owned(), data.as_str().into());
            return Some(out);
        }
        let mut out = block("thinking");
        out.insert("thinking".to_owned(), reasoning.text.as_str().into());
        let is_own = self.style == Style::Own;
        match &part.signature {
            Some(signature) => {
                out.insert("signature".to_owned(), signature.as_str().into());
            }
            None if is_own && !part.extra.has_note(ID, EMPTY_SIGNATURE) => {}
            None => {
                out.insert("signature".to_owned(), "".into());
            }
        }
        Some(out)
    }

    /// What another format says beyond the model cannot be guessed at.
    pub(super) fn refuse_foreign(&self, extra: &Extra) -> Result<(), Fault> {
        if self.style != Style::Foreign {
            return Ok(());
        }
        match said_elsewhere(extra).find(|(name, _)| !IDLE_FIELDS.contains(name)) {
            Some((name, _)) => Err(Fault::unsupported(name, &format!("`{name}`"))),
            None => Ok(()),
        }
    }
}

/// The fields that another format left here, unless they are `null`.
pub(super) fn said_elsewhere(extra: &Extra) -> impl Iterator<Item = (&str, &Value)> {
    let origin = extra.origin().filter(|origin| *origin != ID);
    origin
        .and_then(|origin| extra.fields(origin))
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(_, value)| !value.is_null())
}

/// A content: a string where it can be one.
pub(super) fn write_content(mut blocks: Vec<Block>, is_list: bool) -> Value {
    let is_string = !is_list
        && matches!(&blocks[..], [block] if block.len() == 2 && block.get("text").is_some());
    if is_string && let Some(text) = blocks[0].shift_remove("text") {
        return text;
    }
    blocks.into()
}

/// Whether Claude can have signed this: it was read from its own format, from the blocks that a
/// caller of OpenAI's format sends back, or it was put together in code.
fn is_claudes(part: &Part, reasoning: &Reasoning) -> bool {
    let Some(proof) = reasoning.sealed.as_ref().or(part.signature.as_ref()) else {
        return false;
    };
    let chat = OPENAI_CHAT.as_str();
    let came_from = match part.extra.origin() {
        None => true,
        Some(origin) if origin == ID => part.extra.has_note(ID, THINKING),
        Some(origin) => origin == chat && part.extra.has_note(chat, "thinking_blocks"),
    };
    // What OpenAI seals is a Fernet token, whose version makes it begin so; with its id before it, it
    // came from responses.
    came_from
        && !["gAAAA", "openai:"]
            .iter()
            .any(|theirs| proof.starts_with(theirs))
}

fn write_image(media: &Media, is_own: bool) -> Result<Block, Fault> {
    let mut out = block("image");
    let source = match (&media.source, media.media_type.as_deref()) {
        (Source::Base64(data), Some(media_type)) => {
            let media_type = match media_type {
                "image/jpg" if !is_own => "image/jpeg",
                known if is_own || IMAGE_TYPES.contains(&known) => known,
                _ => return Err(Fault::unsupported("", "a picture of this type")),
            };
            json!({"type": "base64", "media_type": media_type, "data": data})
        }
        (source, _) => write_reference(source, is_own)
            .ok_or_else(|| Fault::unsupported("", "a picture from this source"))?,
    };
    out.insert("source".to_owned(), source);
    Ok(out)
}

/// The pictures that stand beside an answer, in a message or in what a chunk adds to it: clients of
/// OpenAI's format know them there.
pub(super) fn shown_pictures(images: Option<&Value>) -> impl Iterator<Item = Block> {
    images
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|image| image.pointer("/image_url/url")?.as_str())
        .filter_map(|url| write_image(&Media::from_url(url), true).ok())
}

fn write_document(media: &Media, is_own: bool) -> Result<Block, Fault> {
    let mut out = block("document");
    let text = |text: &str| json!({"type": "text", "media_type": "text/plain", "data": text});
    let source = match (&media.source, media.media_type.as_deref()) {
        (Source::Text(data), Some(media_type)) if is_own => {
            json!({"type": "text", "media_type": media_type, "data": data})
        }
        (Source::Text(data), _) => text(data),
        (Source::Base64(data), Some(media_type)) if is_own => {
            json!({"type": "base64", "media_type": media_type, "data": data})
        }
        (Source::Base64(_), Some(media_type)) if media_type.starts_with("image/") => {
            return write_image(media, is_own);
        }
        (Source::Base64(data), media_type) => {
            // Who gives no type gives a PDF, which begins with `%PDF`.
            let is_pdf = media_type.map_or_else(
                || data.starts_with("JVBER"),
                |kind| kind == "application/pdf",
            );
            if is_pdf {
                json!({"type": "base64", "media_type": "application/pdf", "data": data})
            } else {
                let is_text = media_type
                    .is_none_or(|kind| kind.starts_with("text/") || kind == "application/json");
                let decoded = STANDARD.decode(data).ok().filter(|_| is_text);
                let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
                text(&decoded.ok_or_else(|| Fault::unsupported("", "a file of this type"))?)
            }
        }
        (source, _) => write_reference(source, is_own)
            .ok_or_else(|| Fault::unsupported("", "a file from this source"))?,
    };
    out.insert("source".to_owned(), source);
    if let Some(name) = &media.name {
        out.insert("title".to_owned(), name.as_str().into());
    }
    Ok(out)
}

/// An address, or the id of a file; ids of other vendors are told by their form.
fn write_reference(source: &Source, is_own: bool) -> Option<Value> {
    match source {
        Source::Url(url) if is_own || !url.starts_with("data:") => {
            Some(json!({"type": "url", "url": url}))
        }
        Source::Id(id) if is_own || id.starts_with("file_") => {
            Some(json!({"type": "file", "file_id": id}))
        }
        _ => None,
    }
}

/// Where pictures stand beside an answer.
pub(super) const IMAGES: &str = "images";

const IMAGE_TYPES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Fields of parts, tools and turns of other formats that change no answer: marks of a cache, which
/// the neutral model holds, and the names of the members that carried the media.
const IDLE_FIELDS: &[&str] = &["cache_control", "prompt_cache_breakpoint", "index"];

/// What is accepted as the name of a tool.
const NAME: ToolNameRule = ToolNameRule {
    max: 128,
    also: b"_-",
    letter_first: false,
};

/// What is accepted as the id of a call.
const CALL_ID: ToolNameRule = ToolNameRule {
    max: 256,
    also: b"_-",
    letter_first: false,
};
