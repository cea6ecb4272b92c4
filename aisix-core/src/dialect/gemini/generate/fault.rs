//! Where in a caller's request something cannot be said here.

use serde_json::Value;

use super::ID;
use crate::conversation::{ChatRequest, Extra};
use crate::dialect::{ANTHROPIC_MESSAGES, OPENAI_RESPONSES};
use crate::error::Error;

/// A turn of a request, in the caller's words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    list: &'static str,
    at: usize,
}

/// What the neutral model holds that callers spell differently.
#[derive(Clone, Copy, Debug)]
pub(super) enum Param {
    Effort,
    Stop,
    Format,
}

impl Turn {
    pub(super) fn new(request: &ChatRequest, at: usize) -> Self {
        let list = match origin(request) {
            Origin::Own => "contents",
            Origin::Responses => "input",
            Origin::Chat | Origin::Anthropic => "messages",
        };
        Self { list, at }
    }

    pub(super) fn path(&self, below: &str) -> String {
        format!("{}[{}]{below}", self.list, self.at)
    }

    pub(super) fn part(&self, part: usize) -> String {
        self.path(&format!(".content[{part}]"))
    }
}

impl Param {
    pub(super) fn name(self, request: &ChatRequest) -> &'static str {
        let names = match self {
            Self::Effort => [
                "generationConfig.thinkingConfig",
                "reasoning.effort",
                "thinking",
                "reasoning_effort",
            ],
            Self::Stop => [
                "generationConfig.stopSequences",
                "stop",
                "stop_sequences",
                "stop",
            ],
            Self::Format => [
                "generationConfig.responseMimeType",
                "text.format",
                "output_config.format",
                "response_format",
            ],
        };
        match origin(request) {
            Origin::Own => names[0],
            Origin::Responses => names[1],
            Origin::Anthropic => names[2],
            Origin::Chat => names[3],
        }
    }
}

#[derive(Clone, Copy)]
enum Origin {
    Own,
    Responses,
    Anthropic,
    Chat,
}

fn origin(request: &ChatRequest) -> Origin {
    let origin = request.extra.origin();
    if origin == Some(ID) {
        Origin::Own
    } else if origin == Some(OPENAI_RESPONSES.as_str()) {
        Origin::Responses
    } else if origin == Some(ANTHROPIC_MESSAGES.as_str()) {
        Origin::Anthropic
    } else {
        Origin::Chat
    }
}

/// It is well formed, only that Gemini has no way to say it.
pub(super) fn unsupported(param: impl Into<String>, what: &str) -> Error {
    let param = param.into();
    let message = format!("Invalid value for `{param}`: Gemini has no way to say {what}.");
    Error::unsupported(param, message)
}

/// It is not well formed.
pub(super) fn invalid(param: impl Into<String>, reason: &str) -> Error {
    let param = param.into();
    Error::invalid_request(format!("Invalid value for `{param}`: {reason}.")).with_param(param)
}

/// The first field of another format that means something here.
pub(super) fn foreign_field(extra: &Extra) -> Option<&str> {
    said(extra).find(|name| !HINTS.contains(name))
}

/// The fields of another format that say anything.
pub(super) fn said(extra: &Extra) -> impl Iterator<Item = &str> {
    let value = |name: &str| extra.get(extra.origin()?, name);
    extra
        .foreign_to(ID)
        .filter(move |name| !value(name).is_none_or(Value::is_null))
}

/// A member that this format kept beside the neutral model.
pub(super) fn own_field<'a>(extra: &'a Extra, name: &str) -> Option<&'a Value> {
    extra.get(ID, name)
}

/// Fields of a piece, a turn or a tool that change no answer: where a cached prefix may end, that
/// arguments may come in early pieces, that a tool may be shown only when it is looked for, the id
/// and the state of an item.
const HINTS: &[&str] = &[
    "cache_control",
    "prompt_cache_breakpoint",
    "eager_input_streaming",
    "defer_loading",
    "id",
    "status",
    "phase",
];
