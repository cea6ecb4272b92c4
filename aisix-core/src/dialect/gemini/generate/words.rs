//! What writing a conversation has to know of all of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::ID;
use crate::conversation::{ChatRequest, Tool, ToolCallKind};
use crate::dialect::gemini::models::Model;
use crate::dialect::tool_name::ToolNameRule;
use crate::dialect::{Carry, TargetModel};

/// The words of this conversation for the target, and the calls that were made so far.
#[derive(Debug)]
pub(super) struct Words<'a> {
    pub(super) model: Model,
    /// Whether the conversation came in this format, so that its words are this format's.
    pub(super) is_own: bool,
    carry: Carry,
    calls: Vec<(&'a str, &'a str)>,
    /// Where among the calls those of the last turn of the model begin.
    turn: usize,
}

/// The tools whose input is text. Here they are functions with one argument.
#[derive(Debug)]
pub(super) struct CustomTools {
    names: BTreeSet<String>,
}

impl<'a> Words<'a> {
    pub(super) fn new(request: &'a ChatRequest, target: &TargetModel<'_>) -> Self {
        Self {
            model: Model::of(target),
            is_own: request.extra.origin() == Some(ID),
            carry: Carry::default(),
            calls: Vec::new(),
            turn: 0,
        }
    }

    /// The name on the wire: the caller's own, or a made-up one that is the same each time.
    pub(super) fn tool_name(&mut self, name: &str) -> String {
        if self.is_own {
            name.to_owned()
        } else {
            RULE.sent(name, &mut self.carry)
        }
    }

    pub(super) fn begin_turn(&mut self) {
        self.turn = self.calls.len();
    }

    pub(super) fn call(&mut self, id: &'a str, name: &'a str) {
        self.calls.push((id, name));
    }

    /// How many calls the turn has had so far.
    pub(super) fn calls_in_turn(&self) -> usize {
        self.calls.len() - self.turn
    }

    /// The place and the name of the call that a result is of: the last one of that id.
    pub(super) fn called(&self, id: &str) -> Option<(usize, &'a str)> {
        let at = self.calls.iter().rposition(|(known, _)| *known == id)?;
        Some((at, self.calls[at].1))
    }

    /// What the way back needs.
    pub(super) fn into_carry(self, request: &ChatRequest) -> Carry {
        let names: BTreeSet<_> = request
            .tools
            .iter()
            .filter_map(|tool| match tool {
                Tool::Custom(tool) => Some(tool.name.clone()),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            self.carry
        } else {
            self.carry.with_state(CustomTools { names })
        }
    }
}

impl CustomTools {
    pub(super) fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {INPUT: {"type": "string"}},
            "required": [INPUT],
        })
    }

    pub(super) fn args(input: &str) -> Map<String, Value> {
        Map::from_iter([(INPUT.to_owned(), input.into())])
    }

    /// What the tool `name` takes.
    pub(super) fn kind(carry: &Carry, name: &str) -> ToolCallKind {
        match carry.state::<Self>() {
            Some(tools) if tools.names.contains(name) => ToolCallKind::Custom,
            _ => ToolCallKind::Function,
        }
    }

    /// The text that was sent to the tool `name`, if that takes text.
    pub(super) fn input(carry: &Carry, name: &str, args: &Value) -> Option<String> {
        let tools: &Self = carry.state()?;
        tools.names.get(name)?;
        Some(match args.get(INPUT) {
            Some(Value::String(input)) => input.clone(),
            _ => args.to_string(),
        })
    }
}

const INPUT: &str = "input";

/// What the vendor accepts as the name of a function. Newer models take twice the length.
const RULE: ToolNameRule = ToolNameRule {
    max: 64,
    also: b"_-.:",
    letter_first: true,
};
