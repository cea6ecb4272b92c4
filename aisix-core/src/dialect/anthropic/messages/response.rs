//! Answers, both ways.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::ID;
use super::super::error::read_reported;
use super::super::usage::{usage_map, usage_of};
use super::block::read_block;
use super::request::to_bytes;
use super::wire::{self, Block};
use super::words::{IMAGES, Style, Words, shown_pictures};
use crate::conversation::{
    ChatResponse, Choice, Extra, FinishReason, Message, Part, PartKind, Role,
};
use crate::dialect::openai::{decode, undecodable};
use crate::dialect::{Carry, OPENAI_CHAT};
use crate::error::{Error, Result};

// === reading ===

pub(super) fn read_response(body: &[u8], carry: &Carry) -> Result<ChatResponse> {
    let wire: wire::Response = decode(body)?;
    let blocks = match (wire.content, wire.error) {
        (Some(blocks), _) => blocks,
        (None, Some(error)) => return Err(read_reported(&error)),
        (None, None) => return Err(undecodable("an answer without content")),
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.into_iter().enumerate() {
        let part = read_block(block, carry)
            .map_err(|fault| undecodable(fault.at("content", at).to_string()))?;
        parts.push(part);
    }
    let mut rest = wire.rest;
    for known in ["type", "role"] {
        rest.shift_remove(known);
    }
    if let Some(explanation) = explanation(&rest) {
        let mut part = Part::new(PartKind::Refusal(explanation));
        part.extra.note(ID, EXPLANATION);
        parts.push(part);
    }
    let mut choice = Choice::new(0, Message::new(Role::Assistant, parts));
    choice.finish = wire.stop_reason.as_deref().map(read_stop);
    choice.stop_sequence = wire.stop_sequence;
    if let Some(reason) = wire.stop_reason.filter(|reason| is_lossy(reason)) {
        choice.extra.insert(ID, STOP_REASON, reason.into());
    }
    let mut response = ChatResponse::new(wire.model.unwrap_or_default());
    response.id = wire.id.unwrap_or_default();
    if let Some(usage) = wire.usage {
        response.usage = Some(usage_of(&usage));
        response.service_tier = service_tier(&usage);
        rest.insert("usage".to_owned(), usage.into());
    }
    response.choices.push(choice);
    response.extra = Extra::with_fields(ID, rest);
    Ok(response)
}

/// The class of service, of which `standard` is what other vendors call the default.
pub(super) fn service_tier(usage: &Block) -> Option<String> {
    let tier = match usage.get("service_tier")?.as_str()? {
        "standard" => "default",
        tier => tier,
    };
    Some(tier.to_owned())
}

/// Why a refused answer was refused, for callers who read it as a refusal.
pub(super) fn explanation(rest: &Block) -> Option<String> {
    let details = rest.get(STOP_DETAILS)?;
    Some(details.get("explanation")?.as_str()?.to_owned())
}

/// Why an answer ended, in the neutral words.
pub(in super::super) fn read_stop(reason: &str) -> FinishReason {
    match reason {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" | "compaction" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        "pause_turn" => FinishReason::Pause,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Whether the neutral word for it stands for another reason too.
pub(super) fn is_lossy(reason: &str) -> bool {
    matches!(reason, "model_context_window_exceeded" | "compaction")
}

// === writing ===

pub(super) fn write_response(response: &ChatResponse) -> Result<Bytes> {
    let mut rest = response.extra.fields(ID).cloned().unwrap_or_default();
    let kept = rest.shift_remove("usage");
    let usage = usage_map(&response.usage(), kept.as_ref().and_then(Value::as_object));
    // A message is one answer; who asks in this format cannot ask for more.
    let choice = response.choices.first();
    let content = match choice {
        Some(choice) => write_content(&choice.message)?,
        None => Vec::new(),
    };
    if let Some(details) = choice.and_then(|choice| refusal_details(&choice.message)) {
        rest.entry(STOP_DETAILS).or_insert(details);
    }
    let mut body = Map::new();
    body.insert("id".to_owned(), message_id(&response.id).into());
    body.insert("type".to_owned(), "message".into());
    body.insert("role".to_owned(), "assistant".into());
    body.insert("model".to_owned(), response.model.as_str().into());
    body.insert("content".to_owned(), content.into());
    let (reason, sequence) = choice.map_or_else(|| ("end_turn".to_owned(), None), write_end);
    body.insert("stop_reason".to_owned(), reason.into());
    body.insert("stop_sequence".to_owned(), sequence.into());
    body.insert("usage".to_owned(), usage.into());
    body.extend(rest);
    to_bytes(&body)
}

fn write_content(message: &Message) -> Result<Vec<Block>> {
    let mut words = Words::new(Style::Answer);
    let mut blocks = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        if part.extra.has_note(ID, EXPLANATION) {
            continue;
        }
        let block = words.block(part).map_err(|fault| {
            Error::internal("The answer holds what its format cannot say.")
                .with_source(fault.to_string())
        })?;
        blocks.extend(block);
    }
    let pictures = message.extra.get(OPENAI_CHAT.as_str(), IMAGES);
    blocks.extend(shown_pictures(pictures));
    Ok(blocks)
}

fn write_end(choice: &Choice) -> (String, Option<String>) {
    let sequence = choice.stop_sequence.clone();
    if let Some(Value::String(reason)) = choice.extra.get(ID, STOP_REASON) {
        return (reason.clone(), sequence);
    }
    let has_calls = choice.message.tool_calls().next().is_some();
    let is_refused = choice.message.refusal().is_some();
    let finish = choice.finish.as_ref();
    let reason = match finish {
        None if has_calls => "tool_use",
        None | Some(FinishReason::Stop) if is_refused => "refusal",
        None => "end_turn",
        Some(finish) => write_stop(finish, sequence.is_some()),
    };
    (reason.to_owned(), sequence)
}

/// Why an answer ended, in Anthropic's words.
pub(super) fn write_stop(reason: &FinishReason, has_sequence: bool) -> &'static str {
    match reason {
        FinishReason::Stop if has_sequence => "stop_sequence",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter => "refusal",
        FinishReason::Pause => "pause_turn",
        // The words of other vendors are none that the SDKs know.
        FinishReason::Stop | FinishReason::Other(_) => "end_turn",
    }
}

/// What a refusal of another vendor is here.
fn refusal_details(message: &Message) -> Option<Value> {
    message.refusal().map(refused)
}

pub(super) fn refused(explanation: &str) -> Value {
    json!({"type": "refusal", "category": null, "explanation": explanation})
}

/// Ids begin with `msg_`, which some clients look for.
pub(super) fn message_id(id: &str) -> String {
    if id.starts_with("msg_") {
        return id.to_owned();
    }
    format!("msg_{}", id.strip_prefix("chatcmpl-").unwrap_or(id))
}

pub(super) const STOP_REASON: &str = "stop_reason";
pub(super) const STOP_DETAILS: &str = "stop_details";

/// The refusal is a copy of what stands in the details.
const EXPLANATION: &str = "explanation";
