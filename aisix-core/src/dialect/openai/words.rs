//! Words that chat completions and responses share.

use std::collections::BTreeSet;

use crate::conversation::{Effort, ReasoningMode, ReasoningOptions};
use crate::dialect::Carry;
use crate::dialect::tool_name::ToolNameRule;

/// The names that the tools of one conversation have for the target, and what else of it decides
/// how a conversation is written.
#[derive(Debug, Default)]
pub(super) struct Names {
    carry: Carry,
    /// A conversation of another format may use names that are none here.
    pub(super) is_foreign: bool,
    /// Whether OpenAI itself made the model, which refuses what other vendors take and add.
    pub(super) is_openais: bool,
    /// The functions on the wire that stand for tools that take text.
    pub(super) wrapped: BTreeSet<String>,
}

impl Names {
    pub(super) fn new(is_foreign: bool, model: &str) -> Self {
        Self {
            carry: Carry::default(),
            is_foreign,
            is_openais: is_openais(model),
            wrapped: BTreeSet::new(),
        }
    }

    /// The name on the wire: the caller's own, or a made-up one that is the same each time.
    pub(super) fn tool_name(&mut self, name: &str) -> String {
        if self.is_foreign {
            RULE.sent(name, &mut self.carry)
        } else {
            name.to_owned()
        }
    }

    /// The name of a function that stands for a tool that takes text.
    pub(super) fn wrapped_name(&mut self, name: &str) -> String {
        let sent = self.tool_name(name);
        self.wrapped.insert(sent.clone());
        sent
    }

    /// Whether tools that take text have to stand as functions: OpenAI alone knows them.
    pub(super) const fn wraps(&self) -> bool {
        self.is_foreign && !self.is_openais
    }

    /// What the way back needs, but for [`wrapped`](Self::wrapped).
    pub(super) fn into_carry(self) -> Carry {
        self.carry
    }
}

fn is_openais(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let lines = ["gpt-", "chatgpt-", "o1", "o3", "o4", "ft:"];
    lines.iter().any(|line| name.starts_with(line)) && !name.starts_with("gpt-oss")
}

/// The effort; where only a budget is given, the step that it falls into.
pub(super) fn effort(options: &ReasoningOptions) -> Option<Effort> {
    if let Some(effort) = &options.effort {
        return Some(effort.clone());
    }
    match options.mode {
        Some(ReasoningMode::Disabled | ReasoningMode::BetweenTools) => Some(Effort::None),
        _ => Some(match options.budget_tokens? {
            0..=4096 => Effort::Low,
            4097..=16_384 => Effort::Medium,
            _ => Effort::High,
        }),
    }
}

/// The MIME type of sound in a format that OpenAI names.
pub(super) fn audio_type(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

pub(super) fn audio_format(media_type: &str) -> &str {
    match media_type {
        "audio/mpeg" => "mp3",
        other => other.strip_prefix("audio/").unwrap_or(other),
    }
}

/// What these formats accept as the name of a tool.
const RULE: ToolNameRule = ToolNameRule {
    max: 64,
    also: b"_-",
    letter_first: false,
};
