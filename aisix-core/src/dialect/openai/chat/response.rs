//! Answers, both ways.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::ID;
use super::message::{read_message, write_answer};
use super::wire;
use crate::conversation::{
    ChatResponse, Choice, Extra, FinishReason, Logprobs, Message, Role, TokenLogprob,
};
use crate::dialect::Carry;
use crate::dialect::openai::error::{decode, read_reported, undecodable};
use crate::dialect::openai::usage::{TOKENS_OF_CHAT, take_usage, usage_map};
use crate::error::{Error, Result};

// === reading ===

pub(super) fn read_response(body: &[u8], carry: &Carry) -> Result<ChatResponse> {
    let wire: wire::Response = decode(body)?;
    let mut rest = wire.rest;
    let choices = match (wire.choices, wire.error) {
        (Some(choices), _) => choices,
        (None, Some(error)) => return Err(read_reported(error)),
        (None, None) => return Err(undecodable("an answer without choices")),
    };
    let mut response = ChatResponse::new(wire.model.unwrap_or_default());
    response.id = wire.id.unwrap_or_default();
    response.created = wire.created.as_ref().and_then(read_created);
    response.service_tier = wire.service_tier;
    if let Some(mut usage) = wire.usage {
        response.usage = Some(take_usage(&mut usage, &TOKENS_OF_CHAT));
        rest.insert("usage".to_owned(), usage.into());
    }
    for choice in choices {
        response.choices.push(read_choice(choice, carry)?);
    }
    response.extra = Extra::with_fields(ID, rest);
    Ok(response)
}

fn read_choice(wire: wire::Choice, carry: &Carry) -> Result<Choice> {
    let mut rest = wire.rest;
    let mut message = wire.message.unwrap_or_default();
    message.role.get_or_insert_with(|| "assistant".to_owned());
    let message = read_message(message, carry)
        .map_err(|fault| undecodable(format!("choice {}: {fault}", wire.index)))?;
    let mut choice = Choice::new(wire.index, message);
    choice.finish = wire.finish_reason.as_deref().map(read_finish);
    if let Some(value) = wire.logprobs {
        choice.logprobs = read_logprobs(&value);
        if choice.logprobs.is_none() {
            rest.insert("logprobs".to_owned(), value);
        }
    }
    choice.extra = Extra::from_rest(ID, rest);
    Ok(choice)
}

/// Zero or a float with some vendors.
pub(in crate::dialect::openai) fn read_created(created: &Number) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the filter keeps what a u64 holds"
    )]
    created.as_u64().or_else(|| {
        created
            .as_f64()
            .filter(|seconds| (0.0..1e15).contains(seconds))
            .map(|seconds| seconds as u64)
    })
}

/// Why an answer ended, in the neutral words.
pub(in crate::dialect::openai) fn read_finish(reason: &str) -> FinishReason {
    match reason {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Log probabilities in OpenAI's form; another form stays as it is.
pub(in crate::dialect::openai) fn read_logprobs(value: &Value) -> Option<Logprobs> {
    let wire = wire::Logprobs::deserialize(value).ok()?;
    let tokens = |tokens: Option<Vec<_>>| tokens.map(|tokens| tokens.into_iter().map(read_token));
    Some(Logprobs {
        content: tokens(wire.content).map(Iterator::collect),
        refusal: tokens(wire.refusal).map(Iterator::collect),
    })
}

fn read_token(wire: wire::TokenLogprob) -> TokenLogprob {
    let mut token = TokenLogprob::new(wire.token, wire.logprob);
    token.bytes = wire.bytes;
    let top = wire.top_logprobs.into_iter().flatten();
    token.top = top.map(read_token).collect();
    token
}

// === writing ===

pub(super) fn write_response(response: &ChatResponse) -> Result<Bytes> {
    let mut rest = response.extra.fields(ID).cloned().unwrap_or_default();
    let kept = rest.shift_remove("usage");
    let usage = response.usage.map(|usage| {
        usage_map(
            &usage,
            kept.as_ref().and_then(Value::as_object),
            &TOKENS_OF_CHAT,
        )
    });
    to_bytes(&wire::Response {
        id: Some(response.id.clone()),
        object: Some("chat.completion".to_owned()),
        created: Some(response.created.unwrap_or(0).into()),
        model: Some(response.model.clone()),
        choices: Some(response.choices.iter().map(write_choice).collect()),
        usage,
        service_tier: response.service_tier.clone(),
        error: None,
        rest,
    })
}

fn write_choice(choice: &Choice) -> wire::Choice {
    let mut rest = choice.extra.fields(ID).cloned().unwrap_or_default();
    let opaque = rest.shift_remove("logprobs");
    let finish = choice.finish.as_ref().map(write_finish);
    wire::Choice {
        index: choice.index,
        message: Some(write_answer(&choice.message)),
        delta: None,
        logprobs: choice.logprobs.as_ref().map(write_logprobs).or(opaque),
        finish_reason: Some(
            finish
                .unwrap_or_else(|| default_finish(&choice.message))
                .to_owned(),
        ),
        rest,
    }
}

/// Why an answer ended, in OpenAI's words.
pub(super) fn write_finish(reason: &FinishReason) -> &str {
    match reason {
        // A paused turn is complete as far as this format can say.
        FinishReason::Stop | FinishReason::Pause => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(other) => other,
    }
}

fn default_finish(message: &Message) -> &'static str {
    if message.role == Role::Assistant && message.tool_calls().next().is_some() {
        "tool_calls"
    } else {
        "stop"
    }
}

pub(in crate::dialect::openai) fn write_logprobs(logprobs: &Logprobs) -> Value {
    let tokens = |tokens: &Option<Vec<TokenLogprob>>| {
        let tokens = tokens.as_ref()?;
        Some(
            tokens
                .iter()
                .map(|token| write_token(token, true))
                .collect(),
        )
    };
    serde_json::json!(wire::Logprobs {
        content: tokens(&logprobs.content),
        refusal: tokens(&logprobs.refusal),
    })
}

/// A token of the answer names its rivals, even when there are none; a rival has none.
fn write_token(token: &TokenLogprob, has_top: bool) -> wire::TokenLogprob {
    wire::TokenLogprob {
        token: token.token.clone(),
        logprob: token.logprob,
        bytes: token.bytes.clone(),
        top_logprobs: has_top.then(|| {
            token
                .top
                .iter()
                .map(|top| write_token(top, false))
                .collect()
        }),
    }
}

pub(in crate::dialect::openai) fn to_bytes(wire: &impl Serialize) -> Result<Bytes> {
    let body = serde_json::to_vec(wire).map_err(|error| {
        Error::internal("The conversation could not be written.").with_source(error)
    })?;
    Ok(body.into())
}
