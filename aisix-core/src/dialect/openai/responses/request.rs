//! Requests, both ways.

use bytes::Bytes;
use serde_json::Value;

use super::ID;
use super::item::Turns;
use super::tool::{
    read_format, read_tool, read_tool_choice, write_format, write_tool, write_tool_choice,
};
use super::turn::Writer;
use super::wire::{self, Input, Rest};
use crate::conversation::{ChatRequest, Effort, Extra, Message, ReasoningOptions, Role};
use crate::dialect::openai::chat::to_bytes;
use crate::dialect::openai::fault::{Fault, explain, keep, required, taken};
use crate::dialect::openai::words::{Names, effort};
use crate::dialect::{Carry, OPENAI_CHAT};
use crate::error::{Error, Result};

// === reading ===

pub(super) fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let wire: wire::Request = serde_json::from_slice(body)
        .map_err(|error| explain::<wire::Request>(body, &error, element))?;
    let mut rest = wire.rest;
    let mut request = ChatRequest::new(required(wire.model, "model")?);
    if let Some(text) = wire.instructions {
        let mut message = Message::system(text);
        message.extra.note(ID, INSTRUCTIONS);
        request.messages.push(message);
    }
    let goes_on = GOING_ON
        .iter()
        .any(|name| rest.get(*name).is_some_and(|value| !value.is_null()));
    let is_text = matches!(wire.input, Some(Input::Text(_)));
    if !goes_on && wire.input.as_ref().is_some_and(Input::is_empty) {
        let error = Error::invalid_request("'input' must not be empty.");
        return Err(error.with_code("empty_array").with_param("input"));
    }
    match wire.input {
        Some(Input::Text(text)) => request.messages.push(Message::user(text)),
        Some(Input::Items(items)) => request.messages.extend(read_items(items)?),
        None if goes_on => {}
        None => return required(None, "input"),
    }
    for (at, tool) in wire.tools.into_iter().flatten().enumerate() {
        let tool = read_tool(tool).map_err(|fault| fault.at("tools", at).into_error())?;
        request.tools.push(tool);
    }
    request.tool_choice = wire.tool_choice.map(read_tool_choice);
    request.parallel_tool_calls = wire.parallel_tool_calls;
    request.sampling.temperature = wire.temperature;
    request.sampling.top_p = wire.top_p;
    request.max_tokens = wire.max_output_tokens;
    if let Some(text) = wire.text {
        request.format = text.format.map(read_format);
        request.verbosity = text.verbosity;
        keep(&mut rest, "text", text.rest);
    }
    if let Some(reasoning) = wire.reasoning {
        request.reasoning = Some(ReasoningOptions {
            effort: reasoning.effort.as_deref().map(Effort::from_name),
            display: reasoning.summary,
            ..ReasoningOptions::default()
        });
        keep(&mut rest, "reasoning", reasoning.rest);
    }
    let asks_for_logprobs = wire.top_logprobs.is_some_and(|top| top > 0) || includes(&rest);
    request.logprobs = asks_for_logprobs.then_some(true);
    request.top_logprobs = wire.top_logprobs;
    request.stream = wire.stream.unwrap_or(false);
    request.user = wire.user;
    request.metadata = wire.metadata;
    request.service_tier = wire.service_tier;
    rest.retain(|name, value| {
        // Neither is anything but what is done in any case.
        let is_default = match &**name {
            "background" => *value == false,
            "truncation" => value == "disabled",
            _ => false,
        };
        !value.is_null() && !is_default
    });
    request.extra = Extra::with_fields(ID, rest);
    for (note, holds) in [
        (INPUT_TEXT, is_text),
        (SAID_NOT_TO_STREAM, wire.stream == Some(false)),
    ] {
        if holds {
            request.extra.note(ID, note);
        }
    }
    Ok(request)
}

fn read_items(items: Vec<Rest>) -> Result<Vec<Message>> {
    let carry = Carry::default();
    let mut turns = Turns::new(&carry);
    for (at, item) in items.into_iter().enumerate() {
        turns
            .push(item)
            .map_err(|fault| fault.at("input", at).into_error())?;
    }
    Ok(turns.into_messages())
}

fn includes(rest: &Rest) -> bool {
    let include = rest.get("include").and_then(Value::as_array);
    include.is_some_and(|include| include.iter().any(|name| name == LOGPROBS))
}

fn element(member: &str, text: &str) -> Option<serde_json::Error> {
    match member {
        "input" | "tools" => serde_json::from_str::<Rest>(text).err(),
        _ => None,
    }
}

// === writing ===

pub(super) fn write_request(request: &ChatRequest, model: &str) -> Result<(Bytes, Carry)> {
    let is_foreign = request.extra.origin() != Some(ID);
    let mut rest = if is_foreign {
        foreign_fields(request)?
    } else {
        request.extra.fields(ID).cloned().unwrap_or_default()
    };
    refuse_what_has_no_word(request)?;
    let mut names = Names::new(is_foreign, model);
    let (instructions, messages) = split_instructions(&request.messages);
    let input = write_input(request, messages, &mut names)?;
    let mut tools = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        match write_tool(tool, &mut names) {
            Ok(Value::Object(tool)) => tools.push(tool),
            Ok(_) => {}
            Err(fault) => return Err(fault.at("tools", at).into_error()),
        }
    }
    let tool_choice = request
        .tool_choice
        .as_ref()
        .map(|choice| write_tool_choice(choice, &mut names).map_err(Fault::into_error))
        .transpose()?;
    if is_foreign && request.logprobs == Some(true) {
        rest.insert("include".to_owned(), vec![LOGPROBS].into());
    }
    let noted = |note| request.extra.has_note(ID, note);
    let said_stream = request.stream || noted(SAID_NOT_TO_STREAM);
    let text = write_text(request, is_foreign, &mut rest)?;
    let wire = wire::Request {
        model: Some(model.to_owned()),
        instructions,
        input: Some(input).filter(|input| !is_going_on(request, input)),
        tools: (!tools.is_empty()).then_some(tools),
        tool_choice,
        parallel_tool_calls: request.parallel_tool_calls,
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        max_output_tokens: request.max_tokens,
        text,
        reasoning: write_reasoning(request.reasoning.as_ref(), &mut rest),
        top_logprobs: request.top_logprobs,
        stream: said_stream.then_some(request.stream),
        user: request.user.clone(),
        metadata: request.metadata.clone(),
        service_tier: request.service_tier.clone(),
        rest,
    };
    Ok((to_bytes(&wire)?, names.into_carry()))
}

/// What another format says beyond the neutral model: what OpenAI calls the same in both formats,
/// nothing where it changes no answer, and a refusal else.
fn foreign_fields(request: &ChatRequest) -> Result<Rest> {
    let mut rest = Rest::new();
    // Nobody who speaks another format comes back for an answer that was kept.
    rest.insert("store".to_owned(), false.into());
    let Some(origin) = request.extra.origin() else {
        return Ok(rest);
    };
    for (name, value) in request.extra.fields(origin).into_iter().flatten() {
        let is_chat = origin == OPENAI_CHAT.as_str();
        let is_nothing = match value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(list) => is_chat && name == "modalities" && list[..] == ["text"],
            _ => false,
        };
        if is_nothing || WITHOUT_EFFECT.contains(&&**name) {
            continue;
        }
        if !is_chat || !SHARED.contains(&&**name) {
            return Err(unsupported(name));
        }
        rest.insert(name.clone(), value.clone());
    }
    Ok(rest)
}

fn refuse_what_has_no_word(request: &ChatRequest) -> Result<()> {
    let sampling = &request.sampling;
    let penalty = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    for (name, is_said) in [
        ("n", request.n.is_some_and(|n| n > 1)),
        ("stop", !request.stop.is_empty()),
        ("seed", sampling.seed.is_some()),
        ("top_k", sampling.top_k.is_some()),
        ("presence_penalty", penalty(sampling.presence_penalty)),
        ("frequency_penalty", penalty(sampling.frequency_penalty)),
    ] {
        if is_said {
            return Err(unsupported(name));
        }
    }
    Ok(())
}

fn unsupported(name: &str) -> Error {
    let fault = Fault::unsupported(&format!("`{name}`"));
    fault.in_member(name).into_error()
}

/// The instructions, if the caller said them as such, and the rest of the conversation.
fn split_instructions(messages: &[Message]) -> (Option<String>, &[Message]) {
    match messages.split_first() {
        Some((first, others))
            if first.role == Role::System && first.extra.has_note(ID, INSTRUCTIONS) =>
        {
            (Some(first.text().into_owned()), others)
        }
        _ => (None, messages),
    }
}

fn write_input(request: &ChatRequest, messages: &[Message], names: &mut Names) -> Result<Input> {
    if let [message] = messages
        && request.extra.has_note(ID, INPUT_TEXT)
        && let [part] = &message.parts[..]
        && let Some(text) = part.as_text()
    {
        return Ok(Input::Text(text.to_owned()));
    }
    let mut writer = Writer::new(names);
    let before = request.messages.len() - messages.len();
    for (at, message) in messages.iter().enumerate() {
        writer
            .turn(message)
            .map_err(|fault| fault.at("messages", before + at).into_error())?;
    }
    let object = |item| match item {
        Value::Object(item) => Some(item),
        _ => None,
    };
    Ok(Input::Items(
        writer.into_items().into_iter().filter_map(object).collect(),
    ))
}

/// Whether the caller said nothing new, and goes on with what the vendor keeps.
fn is_going_on(request: &ChatRequest, input: &Input) -> bool {
    let says_nothing = matches!(input, Input::Items(items) if items.is_empty());
    says_nothing
        && GOING_ON
            .iter()
            .any(|name| request.extra.get(ID, name).is_some())
}

fn write_text(
    request: &ChatRequest,
    is_foreign: bool,
    rest: &mut Rest,
) -> Result<Option<wire::Text>> {
    let format = request
        .format
        .as_ref()
        .map(|format| write_format(format, is_foreign).map_err(Fault::into_error))
        .transpose()?;
    let text = wire::Text {
        format,
        verbosity: request.verbosity.clone(),
        rest: taken(rest, "text"),
    };
    let is_empty = text.format.is_none() && text.verbosity.is_none() && text.rest.is_empty();
    Ok((!is_empty).then_some(text))
}

fn write_reasoning(options: Option<&ReasoningOptions>, rest: &mut Rest) -> Option<wire::Reasoning> {
    let rest = taken(rest, "reasoning");
    let effort = options.and_then(effort);
    let effort = effort.map(|effort| effort.as_str().to_owned());
    let summary = options.and_then(|options| match options.display.as_deref() {
        // What the thoughts of other vendors are shown as is here a summary, or nothing.
        Some("summarized") => Some("auto".to_owned()),
        Some("omitted") | None => None,
        Some(word) => Some(word.to_owned()),
    });
    let is_empty = effort.is_none() && summary.is_none() && rest.is_empty();
    (!is_empty).then_some(wire::Reasoning {
        effort,
        summary,
        rest,
    })
}

/// Members that continue what the vendor keeps, so that a request may say nothing new.
const GOING_ON: &[&str] = &["previous_response_id", "conversation", "prompt"];

/// Fields that chat completions and responses have in common.
const SHARED: &[&str] = &[
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
];

/// Fields without which the answer is the same: a guess of it that only saves time, and where a
/// cached prefix may end.
const WITHOUT_EFFECT: &[&str] = &["cache_control", "prediction"];

const LOGPROBS: &str = "message.output_text.logprobs";

// How the request was spelled, where the neutral model has one word for several spellings.
const INSTRUCTIONS: &str = "instructions";
const INPUT_TEXT: &str = "input text";
const SAID_NOT_TO_STREAM: &str = "stream false";
