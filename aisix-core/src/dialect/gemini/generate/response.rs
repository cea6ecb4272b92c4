//! Answers, both ways.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::finish::{read_finish, write_finish};
use super::grounding::{Said, annotations};
use super::logprobs::{read_logprobs, write_logprobs};
use super::media::write_media;
use super::part::{NO_ID, read_back, read_part};
use super::shown::{ANNOTATIONS, IMAGES, picture, shown};
use super::wire::{self, Candidate, Content, FunctionCall, Rest};
use super::words::CustomTools;
use super::{ID, to_bytes};
use crate::conversation::{
    ChatResponse, Choice, Extra, FinishReason, Message, Opaque, Part, PartKind, Role, ToolCall,
    ToolCallKind,
};
use crate::dialect::Carry;
use crate::dialect::gemini::error::{check_reported, read_reported};
use crate::dialect::gemini::usage::{take_usage, usage_map};
use crate::dialect::openai::{decode, undecodable};
use crate::error::Result;

// === reading ===

pub(super) fn read_response(body: &[u8], carry: &Carry) -> Result<ChatResponse> {
    let wire = read_body(body)?;
    let mut rest = wire.rest;
    let mut response = ChatResponse::new(wire.model_version.unwrap_or_default());
    response.id = wire.response_id.unwrap_or_default();
    response.created = read_created(&rest);
    if let Some(mut usage) = wire.usage_metadata {
        response.service_tier = read_tier(&usage);
        response.usage = take_usage(&mut usage);
        rest.insert(USAGE.to_owned(), usage.into());
    }
    let candidates = wire.candidates.unwrap_or_default();
    if candidates.is_empty() {
        if !rest.contains_key(FEEDBACK) {
            return Err(undecodable("an answer without candidates"));
        }
        let message = Message::new(Role::Assistant, Vec::new());
        let blocked = Choice::new(0, message).with_finish(FinishReason::ContentFilter);
        response.choices.push(blocked);
    }
    for candidate in candidates {
        let choice = read_candidate(candidate, &response.id, carry)?;
        response.choices.push(choice);
    }
    response.extra = Extra::with_fields(ID, rest);
    Ok(response)
}

/// Reads an answer or an event; what it reports is the error.
pub(super) fn read_body(body: &[u8]) -> Result<wire::Response> {
    let wire: wire::Response = match decode(body) {
        Ok(wire) => wire,
        Err(error) => {
            check_reported(body)?;
            return Err(error);
        }
    };
    match wire.error {
        Some(error) if wire.candidates.is_none() => Err(read_reported(&error)),
        _ => Ok(wire),
    }
}

fn read_candidate(wire: Candidate, response_id: &str, carry: &Carry) -> Result<Choice> {
    let index = wire.index.unwrap_or(0);
    let mut rest = wire.rest;
    let mut said = Said::default();
    let mut calls = 0;
    let mut parts = Vec::new();
    let pieces = wire.content.and_then(|content| content.parts);
    for (place, piece) in (0..).zip(pieces.into_iter().flatten()) {
        let part = read_part(piece, carry, |call| {
            made_id(response_id, index, calls, call)
        });
        match &part.kind {
            PartKind::Text(text) => said.piece(place, text),
            PartKind::ToolCall(_) => calls += 1,
            _ => {}
        }
        if !says_nothing(&part) {
            parts.push(part);
        }
    }
    let has_parts = !parts.is_empty();
    let mut message = Message::new(Role::Assistant, parts);
    message.extra = shown(members_shown(&message, annotations(&rest, &said)));
    let mut choice = Choice::new(index, message);
    if let Some(reason) = wire.finish_reason {
        let finish = read_finish(&reason, calls > 0, has_parts)?;
        keep_reason(&reason, &finish, &mut rest);
        choice.finish = Some(finish);
    }
    if let Some(value) = wire.logprobs_result {
        choice.logprobs = read_logprobs(&value);
        rest.insert(LOGPROBS.to_owned(), value);
    }
    choice.extra = Extra::from_rest(ID, rest);
    Ok(choice)
}

fn members_shown(message: &Message, annotations: Option<Value>) -> Rest {
    let mut members = Rest::new();
    if let Some(annotations) = annotations {
        members.insert(ANNOTATIONS.to_owned(), annotations);
    }
    let pictures = message.parts.iter().filter_map(|part| match &part.kind {
        PartKind::Image(media) => Some(media),
        _ => None,
    });
    let pictures: Vec<_> = pictures
        .enumerate()
        .filter_map(|(index, media)| picture(index, media))
        .collect();
    if !pictures.is_empty() {
        members.insert(IMAGES.to_owned(), pictures.into());
    }
    members
}

/// The vendor sends empty texts at the end of a stream, and as the place of a signature.
fn says_nothing(part: &Part) -> bool {
    part.as_text() == Some("") && part.signature.is_none() && part.extra.is_empty()
}

/// The vendor's own word is kept where the neutral one does not lead back to it.
pub(super) fn keep_reason(reason: &str, finish: &FinishReason, rest: &mut Rest) {
    if write_finish(finish) != reason {
        rest.insert(REASON.to_owned(), reason.into());
    }
}

/// The id of a call that the vendor gave none: the same for the same call, whichever way it is read.
pub(super) fn made_id(
    response_id: &str,
    candidate: u32,
    number: u32,
    call: &FunctionCall,
) -> String {
    let mut hash = Sha256::new();
    for piece in [response_id, call.name.as_deref().unwrap_or_default()] {
        hash.update(piece.as_bytes());
        hash.update([0]);
    }
    hash.update(candidate.to_le_bytes());
    hash.update(number.to_le_bytes());
    let digest = hash.finalize();
    let mut id = "call_".to_owned();
    id.extend(digest.iter().take(12).map(|byte| format!("{byte:02x}")));
    id
}

pub(super) fn read_created(rest: &Rest) -> Option<u64> {
    let time: Timestamp = rest.get("createTime")?.as_str()?.parse().ok()?;
    u64::try_from(time.as_second()).ok()
}

pub(super) fn read_tier(usage: &Rest) -> Option<String> {
    Some(usage.get("serviceTier")?.as_str()?.to_owned())
}

// === writing ===

pub(super) fn write_response(response: &ChatResponse) -> Result<Bytes> {
    let mut rest = response.extra.fields(ID).cloned().unwrap_or_default();
    let kept = rest.shift_remove(USAGE);
    let kept = kept.as_ref().and_then(Value::as_object);
    let usage = match &response.usage {
        Some(usage) => Some(usage_map(usage, kept)),
        None => kept.cloned(),
    };
    let is_blocked = rest.contains_key(FEEDBACK)
        && response
            .choices
            .iter()
            .all(|choice| choice.message.parts.is_empty());
    let candidates = response.choices.iter().map(write_candidate);
    let candidates = candidates.collect::<Result<Vec<_>>>()?;
    to_bytes(&wire::Response {
        candidates: (!is_blocked).then_some(candidates),
        usage_metadata: usage,
        model_version: Some(response.model.clone()),
        response_id: Some(response.id.clone()).filter(|id| !id.is_empty()),
        error: None,
        rest,
    })
}

fn write_candidate(choice: &Choice) -> Result<Candidate> {
    let mut rest = choice.extra.fields(ID).cloned().unwrap_or_default();
    let own_reason = match rest.shift_remove(REASON) {
        Some(Value::String(reason)) => Some(reason),
        _ => None,
    };
    let finish = choice.finish.as_ref().unwrap_or(&FinishReason::Stop);
    let logprobs = rest
        .shift_remove(LOGPROBS)
        .or_else(|| choice.logprobs.as_ref().map(write_logprobs));
    let mut parts = Vec::with_capacity(choice.message.parts.len());
    for part in &choice.message.parts {
        parts.extend(write_answer(part)?);
    }
    let content = Content {
        role: Some("model".to_owned()),
        parts: (!parts.is_empty()).then_some(parts),
        rest: Rest::new(),
    };
    Ok(Candidate {
        content: Some(content),
        finish_reason: Some(own_reason.unwrap_or_else(|| write_finish(finish).to_owned())),
        index: Some(choice.index),
        logprobs_result: logprobs,
        rest,
    })
}

/// Writes one piece of an answer; what only another format knows cannot be shown here.
fn write_answer(part: &Part) -> Result<Option<wire::Part>> {
    let mut wire = match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => wire::Part::text(text),
        PartKind::Reasoning(reasoning) if reasoning.sealed.is_none() => wire::Part {
            thought: Some(true),
            ..wire::Part::text(&reasoning.text)
        },
        PartKind::Image(media) | PartKind::Audio(media) | PartKind::File(media) => {
            match write_media(media, "", true) {
                Ok(wire) => wire,
                Err(_) => return Ok(None),
            }
        }
        PartKind::ToolCall(call) => {
            let mut wire = write_called(call)?;
            if part.extra.has_note(ID, NO_ID) {
                wire.id = None;
            }
            wire::Part {
                function_call: Some(wire),
                ..wire::Part::default()
            }
        }
        PartKind::Opaque(Opaque { origin, value }) if *origin == ID => {
            return read_back(value, "").map(Some);
        }
        PartKind::Reasoning(_) | PartKind::ToolResult(_) | PartKind::Opaque(_) => return Ok(None),
    };
    wire.thought_signature.clone_from(&part.signature);
    wire.rest = part.extra.fields(ID).cloned().unwrap_or_default();
    Ok(Some(wire))
}

/// Writes a call as the model makes it.
pub(super) fn write_called(call: &ToolCall) -> Result<FunctionCall> {
    let args: Map<String, Value> = match call.kind {
        ToolCallKind::Function if call.arguments.trim().is_empty() => Map::new(),
        ToolCallKind::Function => serde_json::from_str(&call.arguments).map_err(undecodable)?,
        ToolCallKind::Custom => CustomTools::args(&call.arguments),
    };
    Ok(FunctionCall {
        id: Some(call.id.clone()).filter(|id| !id.is_empty()),
        name: Some(call.name.clone()),
        args: Some(json!(args)),
        ..FunctionCall::default()
    })
}

pub(super) const FEEDBACK: &str = "promptFeedback";
pub(super) const REASON: &str = "finishReason";
pub(super) const LOGPROBS: &str = "logprobsResult";
const USAGE: &str = "usageMetadata";
