//! Requests, both ways.

use bytes::Bytes;
use serde_json::Value;

use super::ID;
use super::wire::{self, Rest, Stop, StreamOptions};
use crate::conversation::{ChatRequest, Extra, Message, Part, Role};
use crate::dialect::openai::chat::to_bytes;
use crate::dialect::openai::fault::{explain, required};
use crate::error::{Error, Result};

// === reading ===

pub(super) fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let wire: wire::Request = serde_json::from_slice(body)
        .map_err(|error| explain::<wire::Request>(body, &error, |_, _| None))?;
    let mut rest = wire.rest;
    let mut request = ChatRequest::new(required(wire.model, "model")?);
    let prompt = required(wire.prompt, "prompt")?;
    let is_list_of_one = read_prompt(prompt, &mut request, &mut rest)?;
    request.max_tokens = wire.max_tokens;
    request.sampling.temperature = wire.temperature;
    request.sampling.top_p = wire.top_p;
    request.sampling.seed = wire.seed;
    request.sampling.presence_penalty = wire.presence_penalty;
    request.sampling.frequency_penalty = wire.frequency_penalty;
    request.n = wire.n;
    request.logprobs = wire.logprobs.map(|_| true);
    request.top_logprobs = wire.logprobs;
    request.stream = wire.stream.unwrap_or(false);
    if let Some(options) = wire.stream_options {
        request.include_usage = options.include_usage;
        if !options.rest.is_empty() {
            rest.insert("stream_options".to_owned(), options.rest.into());
        }
    }
    request.user = wire.user;
    rest.retain(|name, value| {
        let is_default = match &**name {
            "echo" => *value == false,
            "best_of" => *value == 1,
            _ => false,
        };
        !value.is_null() && !is_default
    });
    request.extra = Extra::with_fields(ID, rest);
    if wire.stream == Some(false) {
        request.extra.note(ID, SAID_NOT_TO_STREAM);
    }
    if is_list_of_one {
        request.extra.note(ID, PROMPT_LIST);
    }
    if matches!(wire.stop, Some(Stop::Many(_))) {
        request.extra.note(ID, STOP_LIST);
    }
    request.stop = match wire.stop {
        Some(Stop::One(text)) => vec![text],
        Some(Stop::Many(texts)) => texts,
        None => Vec::new(),
    };
    Ok(request)
}

/// One text is a turn, also as a list; whether it is one is returned. Several are shown as turns, so that hooks see them, and kept whole, since
/// they are no conversation.
fn read_prompt(prompt: Value, request: &mut ChatRequest, rest: &mut Rest) -> Result<bool> {
    match prompt {
        Value::String(text) => request.messages.push(Message::user(text)),
        Value::Array(ref prompts) if is_one_text(prompts) => {
            let texts = prompts.iter().filter_map(Value::as_str);
            request.messages.extend(texts.map(Message::user));
            return Ok(true);
        }
        Value::Array(ref prompts) => {
            let texts = prompts.iter().filter_map(Value::as_str);
            request.messages.extend(texts.map(Message::user));
            rest.insert(PROMPT.to_owned(), prompt);
        }
        _ => {
            let message = "Invalid value for `prompt`: expected a string or a list.";
            return Err(Error::invalid_request(message).with_param(PROMPT));
        }
    }
    Ok(false)
}

const fn is_one_text(prompts: &[Value]) -> bool {
    matches!(prompts, [Value::String(_)])
}

// === writing ===

pub(super) fn write_request(request: &ChatRequest, model: &str) -> Result<Bytes> {
    refuse(request)?;
    let mut rest = request.extra.fields(ID).cloned().unwrap_or_default();
    let stream_options = write_stream_options(request, &mut rest);
    let noted = |note| request.extra.has_note(ID, note);
    let said_stream = request.stream || noted(SAID_NOT_TO_STREAM);
    let wire = wire::Request {
        model: Some(model.to_owned()),
        prompt: Some(write_prompt(request, &mut rest)?),
        max_tokens: request.max_tokens,
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        n: request.n,
        stop: match &request.stop[..] {
            [] if !noted(STOP_LIST) => None,
            [text] if !noted(STOP_LIST) => Some(Stop::One(text.clone())),
            texts => Some(Stop::Many(texts.to_vec())),
        },
        seed: request.sampling.seed,
        presence_penalty: request.sampling.presence_penalty,
        frequency_penalty: request.sampling.frequency_penalty,
        logprobs: match request.logprobs {
            Some(true) => Some(request.top_logprobs.unwrap_or(0)),
            _ => None,
        },
        stream: said_stream.then_some(request.stream),
        stream_options,
        user: request.user.clone(),
        rest,
    };
    to_bytes(&wire)
}

fn refuse(request: &ChatRequest) -> Result<()> {
    if let Some(name) = request.extra.foreign_to(ID).next() {
        return Err(unsupported(name));
    }
    for (name, is_said) in [
        ("tools", !request.tools.is_empty()),
        ("tool_choice", request.tool_choice.is_some()),
        ("response_format", request.format.is_some()),
        ("reasoning_effort", request.reasoning.is_some()),
        ("verbosity", request.verbosity.is_some()),
        ("top_k", request.sampling.top_k.is_some()),
    ] {
        if is_said {
            return Err(unsupported(name));
        }
    }
    Ok(())
}

fn write_prompt(request: &ChatRequest, rest: &mut Rest) -> Result<Value> {
    let texts = request.messages.iter().map(text_of);
    let mut texts = texts
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| unsupported("messages"))?;
    match rest.shift_remove(PROMPT) {
        Some(Value::Array(mut prompts)) => {
            let mut texts = texts.into_iter();
            for prompt in prompts.iter_mut().filter(|prompt| prompt.is_string()) {
                // A hook may have changed what they say.
                *prompt = texts.next().unwrap_or_default().into();
            }
            Ok(prompts.into())
        }
        _ if texts.len() == 1 && request.extra.has_note(ID, PROMPT_LIST) => Ok(texts.into()),
        _ if texts.len() == 1 => Ok(texts.remove(0).into()),
        _ => Err(unsupported("messages")),
    }
}

/// What a turn of the user says, if it is nothing but text.
fn text_of(message: &Message) -> Option<String> {
    let is_plain = message.role == Role::User && message.name.is_none();
    let texts = message.parts.iter().map(Part::as_text);
    texts.collect::<Option<String>>().filter(|_| is_plain)
}

fn write_stream_options(request: &ChatRequest, rest: &mut Rest) -> Option<StreamOptions> {
    let kept = match rest.shift_remove("stream_options") {
        Some(Value::Object(kept)) => Some(kept),
        _ => None,
    };
    (kept.is_some() || request.include_usage.is_some()).then(|| StreamOptions {
        include_usage: request.include_usage,
        rest: kept.unwrap_or_default(),
    })
}

fn unsupported(name: &str) -> Error {
    Error::unsupported(
        name.to_owned(),
        format!("Invalid value for `{name}`: legacy completions have no way to say it."),
    )
}

const PROMPT: &str = "prompt";

// How the request was spelled, where the neutral model has one word for several spellings.
const PROMPT_LIST: &str = "prompt list";
const STOP_LIST: &str = "stop list";
const SAID_NOT_TO_STREAM: &str = "stream false";
