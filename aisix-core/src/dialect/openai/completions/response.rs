//! Answers, both ways.

use bytes::Bytes;
use serde_json::Value;

use super::ID;
use super::wire::{self, Rest};
use crate::conversation::{
    ChatResponse, Choice, Extra, FinishReason, Logprobs, Message, TokenLogprob,
};
use crate::dialect::openai::chat::{read_created, read_finish, to_bytes};
use crate::dialect::openai::error::{decode, read_reported, undecodable};
use crate::dialect::openai::usage::{TOKENS_OF_CHAT, take_usage, usage_map};
use crate::error::Result;

pub(super) fn read_response(body: &[u8]) -> Result<ChatResponse> {
    let wire: wire::Response = decode(body)?;
    let mut rest = wire.rest;
    let choices = match (wire.choices, wire.error) {
        (Some(choices), _) => choices,
        (None, Some(error)) => return Err(read_reported(error)),
        (None, None) => return Err(undecodable("an answer without choices")),
    };
    let mut response = ChatResponse::new(wire.model);
    response.id = wire.id;
    response.created = wire.created.as_ref().and_then(read_created);
    if let Some(mut usage) = wire.usage {
        response.usage = Some(take_usage(&mut usage, &TOKENS_OF_CHAT));
        rest.insert("usage".to_owned(), usage.into());
    }
    response
        .choices
        .extend(choices.into_iter().map(read_choice));
    response.extra = Extra::with_fields(ID, rest);
    Ok(response)
}

fn read_choice(wire: wire::Choice) -> Choice {
    let message = Message::assistant(wire.text.unwrap_or_default());
    let mut choice = Choice::new(wire.index, message);
    choice.finish = wire.finish_reason.as_deref().map(read_finish);
    choice.logprobs = wire.logprobs.map(read_logprobs);
    choice.extra = Extra::from_rest(ID, wire.rest);
    choice
}

pub(super) fn read_logprobs(wire: wire::Logprobs) -> Logprobs {
    let mut tops = wire.top_logprobs.unwrap_or_default().into_iter();
    let logprobs = wire
        .token_logprobs
        .into_iter()
        .chain(std::iter::repeat(None));
    let tokens = wire.tokens.into_iter().zip(logprobs);
    let read = |(token, logprob): (String, Option<f64>)| {
        let mut token = TokenLogprob::new(token, logprob.unwrap_or(0.0));
        let top = tops.next().flatten().unwrap_or_default();
        token.top = top
            .into_iter()
            .filter_map(|(rival, logprob)| Some(TokenLogprob::new(rival, logprob.as_f64()?)))
            .collect();
        token
    };
    Logprobs {
        content: Some(tokens.map(read).collect()),
        refusal: None,
    }
}

pub(super) fn write_response(response: &ChatResponse) -> Result<Bytes> {
    let is_own = response.extra.origin() == Some(ID);
    let mut rest = response.extra.fields(ID).cloned().unwrap_or_default();
    let kept = rest.shift_remove("usage");
    let usage = response.usage.map(|usage| {
        let kept = kept.as_ref().and_then(Value::as_object);
        usage_map(&usage, kept, &TOKENS_OF_CHAT)
    });
    to_bytes(&wire::Response {
        id: answer_id(&response.id, is_own),
        object: OBJECT.to_owned(),
        created: Some(response.created.unwrap_or(0).into()),
        model: response.model.clone(),
        choices: Some(response.choices.iter().map(write_choice).collect()),
        usage,
        error: None,
        rest,
    })
}

fn write_choice(choice: &Choice) -> wire::Choice {
    let text = match choice.message.refusal() {
        Some(refusal) if choice.message.text().is_empty() => refusal.to_owned(),
        _ => choice.message.text().into_owned(),
    };
    wire::Choice {
        text: Some(text),
        index: choice.index,
        logprobs: choice
            .logprobs
            .as_ref()
            .map(|it| write_logprobs(it, &mut 0)),
        finish_reason: Some(write_finish(choice.finish.as_ref()).to_owned()),
        rest: choice.extra.fields(ID).cloned().unwrap_or_default(),
    }
}

/// Writes the tokens that stand from `offset` on in the text, in characters.
pub(super) fn write_logprobs(logprobs: &Logprobs, offset: &mut u64) -> wire::Logprobs {
    let mut wire = wire::Logprobs::default();
    let mut tops = Vec::new();
    for token in logprobs.content.iter().flatten() {
        wire.text_offset.push(*offset);
        *offset += u64::try_from(token.token.chars().count()).unwrap_or(0);
        wire.tokens.push(token.token.clone());
        wire.token_logprobs.push(Some(token.logprob));
        let rivals = token.top.iter();
        let top: Rest = rivals
            .map(|rival| (rival.token.clone(), rival.logprob.into()))
            .collect();
        tops.push((!top.is_empty()).then_some(top));
    }
    wire.top_logprobs = tops.iter().any(Option::is_some).then_some(tops);
    wire
}

/// Why an answer ended, in the three words that clients know, or in the vendor's own.
pub(super) fn write_finish(reason: Option<&FinishReason>) -> &str {
    match reason {
        Some(FinishReason::Length) => "length",
        Some(FinishReason::ContentFilter) => "content_filter",
        Some(FinishReason::Other(other)) => other,
        _ => "stop",
    }
}

/// The id, which of another format becomes `cmpl-` and the rest.
pub(super) fn answer_id(id: &str, is_own: bool) -> String {
    if is_own || id.starts_with("cmpl-") {
        return id.to_owned();
    }
    let tail = id.split_once(['_', '-']).map_or(id, |(_, tail)| tail);
    format!("cmpl-{tail}")
}

pub(super) const OBJECT: &str = "text_completion";
