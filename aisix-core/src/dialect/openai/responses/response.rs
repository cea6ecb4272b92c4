//! Whole answers, both ways.

use bytes::Bytes;
use serde_json::{Value, json};

use super::ID;
use super::answer::{
    Call, Ids, Shell, Status, message_item, picture_item, reasoning_item, seal_thoughts,
    shown_picture,
};
use super::error::read_failure;
use super::item::{ITEM, Turns};
use super::seal::Seal;
use super::turn::{write_picture, write_reasoning, write_said};
use super::wire::{self, Rest};
use crate::conversation::{
    ChatResponse, Choice, Extra, FinishReason, Logprobs, Message, Opaque, Part, PartKind,
    Reasoning, Role,
};
use crate::dialect::openai::chat::{read_created, read_logprobs, to_bytes, write_logprobs};
use crate::dialect::openai::citation::from_chat;
use crate::dialect::openai::error::{decode, undecodable};
use crate::dialect::openai::usage::{TOKENS_OF_RESPONSES, take_usage};
use crate::dialect::{Carry, OPENAI_CHAT};
use crate::error::{Error, Result};

// === reading ===

pub(super) fn read_response(body: &[u8], carry: &Carry) -> Result<ChatResponse> {
    let mut wire: wire::Response = decode(body)?;
    if let Some(error) = wire.error.take()
        && (wire.output.is_none() || wire.status.as_deref() == Some("failed"))
    {
        return Err(read_failure(error));
    }
    let Some(items) = wire.output.take() else {
        return Err(undecodable("an answer without output"));
    };
    let mut choice = read_output(items, carry)?;
    choice.finish = read_finish(&wire, &choice.message);
    let said = (wire.status.clone(), wire.incomplete_details.clone());
    let mut response = head(wire);
    if let None | Some(FinishReason::Other(_)) = &choice.finish {
        // What the neutral model has no word for.
        let (status, details) = said;
        response.extra.insert(ID, "status", status.into());
        response.extra.insert(
            ID,
            "incomplete_details",
            details.map_or(Value::Null, Value::from),
        );
    }
    response.choices.push(choice);
    Ok(response)
}

/// Everything of an answer but its items.
pub(super) fn head(wire: wire::Response) -> ChatResponse {
    let mut rest = wire.rest;
    rest.shift_remove("object");
    let mut response = ChatResponse::new(wire.model.unwrap_or_default());
    response.id = wire.id.unwrap_or_default();
    response.created = wire.created_at.as_ref().and_then(read_created);
    response.service_tier = wire.service_tier;
    if let Some(mut usage) = wire.usage {
        response.usage = Some(take_usage(&mut usage, &TOKENS_OF_RESPONSES));
        rest.insert("usage".to_owned(), usage.into());
    }
    response.extra = Extra::with_fields(ID, rest);
    response
}

fn read_output(items: Vec<Rest>, carry: &Carry) -> Result<Choice> {
    let mut turns = Turns::new(carry);
    for (at, item) in items.into_iter().enumerate() {
        turns
            .push(item)
            .map_err(|fault| undecodable(fault.at("output", at).to_string()))?;
    }
    let mut message = Message::new(Role::Assistant, Vec::new());
    for turn in turns.into_messages() {
        message.parts.extend(turn.parts);
    }
    let logprobs = take_logprobs(&mut message.parts);
    let mut choice = Choice::new(0, message);
    choice.logprobs = logprobs;
    Ok(choice)
}

fn take_logprobs(parts: &mut [Part]) -> Option<Logprobs> {
    let mut all: Option<Logprobs> = None;
    for part in parts {
        let known = part
            .extra
            .get(ID, "logprobs")
            .and_then(|tokens| read_logprobs(&json!({"content": tokens})));
        if let Some(logprobs) = known {
            part.extra.remove(ID, "logprobs");
            all.get_or_insert_default().extend(logprobs);
        }
    }
    all
}

/// Why an answer ended; `None` while it goes on in the background.
pub(super) fn read_finish(wire: &wire::Response, message: &Message) -> Option<FinishReason> {
    let reason = wire
        .incomplete_details
        .as_ref()
        .and_then(|details| details.get("reason")?.as_str());
    match (wire.status.as_deref(), reason) {
        (Some("incomplete"), reason) => Some(read_reason(reason)),
        (Some("completed") | None, _) => Some(if message.tool_calls().next().is_some() {
            FinishReason::ToolCalls
        } else {
            FinishReason::Stop
        }),
        (Some("queued" | "in_progress"), _) => None,
        (Some(other), _) => Some(FinishReason::Other(other.to_owned())),
    }
}

/// Why an answer is not complete, in the neutral words.
pub(super) fn read_reason(reason: Option<&str>) -> FinishReason {
    match reason {
        Some("max_output_tokens") => FinishReason::Length,
        Some("content_filter") => FinishReason::ContentFilter,
        other => FinishReason::Other(other.unwrap_or("incomplete").to_owned()),
    }
}

// === writing ===

/// Writes the first choice, since this format has only one and its callers ask for no more.
pub(super) fn write_response(response: &ChatResponse) -> Result<Bytes> {
    let (id, ids) = Ids::of(&response.id, response.extra.origin() == Some(ID));
    let shell = Shell {
        id,
        created: response.created.unwrap_or(0),
        model: response.model.clone(),
        service_tier: response.service_tier.clone(),
        own: response.extra.fields(ID).cloned().unwrap_or_default(),
    };
    let mut status = Status::Completed;
    let mut output = Vec::new();
    if let Some(choice) = response.choices.first() {
        status = Status::of(choice.finish.as_ref());
        let mut writer = Output::new(ids, &status);
        writer.write(choice)?;
        output = writer.items;
    }
    to_bytes(&shell.write(&status, output, response.usage.as_ref(), Value::Null))
}

/// Writes the items of an answer.
struct Output<'a> {
    ids: Ids,
    status: &'a Status,
    items: Vec<Value>,
    /// The message that is not over yet: what it says beside its content, and its content.
    open: Option<(Rest, Vec<Value>)>,
}

impl<'a> Output<'a> {
    const fn new(ids: Ids, status: &'a Status) -> Self {
        Self {
            ids,
            status,
            items: Vec::new(),
            open: None,
        }
    }

    fn write(&mut self, choice: &Choice) -> Result<()> {
        let mut logprobs = choice.logprobs.as_ref().map(write_logprobs);
        let mut annotations = choice
            .message
            .extra
            .get(OPENAI_CHAT.as_str(), "annotations")
            .and_then(Value::as_array)
            .filter(|annotations| !annotations.is_empty());
        for part in &choice.message.parts {
            match &part.kind {
                PartKind::Text(_) | PartKind::Refusal(_) => {
                    let mut piece = write_said(part);
                    if part.as_text().is_some() {
                        let tokens = logprobs
                            .take()
                            .map(|mut logprobs| logprobs["content"].take());
                        piece["logprobs"] = tokens.filter(Value::is_array).unwrap_or(json!([]));
                        if let Some(annotations) = annotations.take() {
                            piece["annotations"] = annotations.iter().map(from_chat).collect();
                        }
                    }
                    self.text(part, piece);
                }
                PartKind::ToolCall(call) => {
                    self.close(&Status::Completed);
                    if let Some(signature) = &part.signature {
                        self.proof(&Seal::Call(signature.clone()));
                    }
                    let call = Call {
                        kind: call.kind,
                        call_id: call.id.clone(),
                        name: call.name.clone(),
                        arguments: call.arguments.clone(),
                    };
                    let id = self.id(call.prefix());
                    let own = part.extra.fields(ID).cloned().unwrap_or_default();
                    self.items.push(call.item(&id, &Status::Completed, &own));
                }
                PartKind::Reasoning(reasoning) => {
                    self.close(&Status::Completed);
                    self.reasoning(part, reasoning);
                }
                PartKind::Opaque(Opaque { origin, value }) if *origin == ID => {
                    self.close(&Status::Completed);
                    self.items.push(value.clone());
                }
                // What another vendor's own tools did is said again in the text.
                PartKind::Opaque(_) => {}
                PartKind::Image(media) => {
                    self.close(&Status::Completed);
                    let item = write_picture(part, media)
                        .or_else(|| picture_item(&self.id("ig"), media))
                        .ok_or_else(unspeakable)?;
                    self.items.push(item);
                }
                _ => return Err(unspeakable()),
            }
        }
        self.close(self.status);
        let images = choice
            .message
            .extra
            .get(OPENAI_CHAT.as_str(), "images")
            .and_then(Value::as_array);
        for image in images.into_iter().flatten() {
            let id = self.id("ig");
            self.items.extend(shown_picture(&id, image));
        }
        Ok(())
    }

    fn text(&mut self, part: &Part, piece: Value) {
        if part.extra.has_note(ID, ITEM) {
            self.close(&Status::Completed);
        }
        let own = match part.extra.get(ID, ITEM) {
            Some(Value::Object(own)) => own.clone(),
            _ => Rest::new(),
        };
        let (_, content) = self.open.get_or_insert_with(|| (own, Vec::new()));
        content.push(piece);
        if let Some(signature) = &part.signature {
            self.close(&Status::Completed);
            self.proof(&Seal::Text(signature.clone()));
        }
    }

    fn close(&mut self, status: &Status) {
        if let Some((own, content)) = self.open.take() {
            let id = self.id("msg");
            self.items.push(message_item(id, status, content, &own));
        }
    }

    /// An item that shows nothing and keeps a proof.
    fn proof(&mut self, seal: &Seal) {
        let id = self.id("rs");
        self.items.push(reasoning_item(id, "", Some(&seal.write())));
    }

    fn reasoning(&mut self, part: &Part, reasoning: &Reasoning) {
        if let Some(own) = write_reasoning(part, reasoning) {
            self.items.push(own);
            return;
        }
        let seal = match (&reasoning.sealed, &part.signature) {
            (Some(sealed), _) => Some(Seal::Sealed(sealed.clone())),
            (None, Some(signature)) => Some(seal_thoughts(signature)),
            (None, None) => None,
        };
        let sealed = seal.map(|seal| seal.write());
        let id = self.id("rs");
        self.items
            .push(reasoning_item(id, &reasoning.text, sealed.as_deref()));
    }

    fn id(&self, prefix: &str) -> String {
        self.ids.item(prefix, self.items.len())
    }
}

fn unspeakable() -> Error {
    Error::internal("The answer holds a piece that the format of responses cannot express.")
}
