//! The turns of a conversation of another format.

use serde_json::{Map, Value};

use super::super::super::ID;
use super::super::fault::Fault;
use super::super::wire::Block;
use super::super::words::{Words, said_elsewhere, write_content};
use crate::conversation::{ChatRequest, Message, Part, PartKind, Role};
use crate::dialect::Capabilities;
use crate::error::{Error, Result};

/// What the system says first, and the turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    pub(super) system: Vec<Block>,
    turns: Vec<Turn>,
}

#[derive(Debug)]
struct Turn {
    role: &'static str,
    blocks: Vec<Block>,
    /// The place of its first message in the conversation.
    at: usize,
}

impl Turns {
    /// Sorts messages into turns: the roles alternate, results come first in theirs.
    pub(super) fn new(
        request: &ChatRequest,
        model: &Capabilities,
        words: &mut Words,
    ) -> Result<Self> {
        let mut turns = Self::default();
        let mut is_leading = true;
        for (at, message) in request.messages.iter().enumerate() {
            let blocks = write_message(message, words).map_err(|fault| fault.at("messages", at))?;
            match message.role {
                Role::System | Role::Developer if is_leading => turns.system.extend(blocks),
                Role::System | Role::Developer if model.system_turns == Some(true) => {
                    turns.push("system", blocks, at);
                }
                Role::System | Role::Developer => turns.push("user", as_user(blocks), at),
                Role::User | Role::Tool => {
                    is_leading = false;
                    turns.push("user", blocks, at);
                }
                Role::Assistant => {
                    is_leading = false;
                    turns.push("assistant", blocks, at);
                }
            }
        }
        turns.check(model)?;
        Ok(turns)
    }

    fn push(&mut self, role: &'static str, mut blocks: Vec<Block>, at: usize) {
        if blocks.is_empty() {
            return;
        }
        if role == "assistant" {
            // Of each message by itself: thoughts belong to what came after them.
            blocks.sort_by_key(rank);
        }
        match self.turns.last_mut().filter(|turn| turn.role == role) {
            Some(turn) => turn.blocks.extend(blocks),
            None => self.turns.push(Turn { role, blocks, at }),
        }
    }

    fn check(&self, model: &Capabilities) -> Result<()> {
        let Some(last) = self.turns.last() else {
            return Err(Error::unsupported(
                "messages",
                "The target needs a turn that says something.",
            ));
        };
        if last.role == "assistant" && model.prefill == Some(false) {
            let message = "The model does not go on with a turn of the assistant.";
            return Err(Error::unsupported(
                format!("messages[{}]", last.at),
                message,
            ));
        }
        Ok(())
    }

    pub(super) fn system(&mut self) -> Option<Value> {
        let blocks = std::mem::take(&mut self.system);
        (!blocks.is_empty()).then(|| write_content(blocks, false))
    }

    /// Keeps the last marks of a cached prefix, as many as are taken; `is_marked` says that the
    /// request itself has one.
    pub(super) fn trim_marks(&mut self, tools: &mut [Value], is_marked: bool) {
        let mut count = usize::from(is_marked);
        self.each_block(tools, &mut |block| {
            count += usize::from(block.contains_key(MARK));
        });
        let mut surplus = count.saturating_sub(MARKS);
        self.each_block(tools, &mut |block| {
            if surplus > 0 && block.shift_remove(MARK).is_some() {
                surplus -= 1;
            }
        });
    }

    /// Whatever may be marked, in the order of the prefix; what a result holds comes before it.
    fn each_block(&mut self, tools: &mut [Value], visit: &mut dyn FnMut(&mut Block)) {
        fn objects(values: &mut [Value]) -> impl Iterator<Item = &mut Block> {
            values.iter_mut().filter_map(Value::as_object_mut)
        }

        objects(tools).chain(&mut self.system).for_each(&mut *visit);
        for block in self.turns.iter_mut().flat_map(|turn| &mut turn.blocks) {
            if let Some(Value::Array(inner)) = block.get_mut("content") {
                objects(inner).for_each(&mut *visit);
            }
            visit(block);
        }
    }

    pub(super) fn into_messages(self) -> Value {
        self.turns.into_iter().map(Turn::into_value).collect()
    }
}

impl Turn {
    fn into_value(mut self) -> Value {
        if self.role != "assistant" {
            self.blocks.sort_by_key(|block| !is(block, "tool_result"));
        }
        let mut turn = Map::new();
        turn.insert("role".to_owned(), self.role.into());
        turn.insert("content".to_owned(), write_content(self.blocks, false));
        turn.into()
    }
}

fn write_message(message: &Message, words: &mut Words) -> Result<Vec<Block>, Fault> {
    let mut mark = None;
    for (name, value) in said_elsewhere(&message.extra) {
        match name {
            // Set beside a content that is a string.
            MARK => mark = Some(value.clone()),
            _ if message.role == Role::Assistant && !CALLED.contains(&name) => {}
            _ => return Err(Fault::unsupported(name, &format!("`{name}`"))),
        }
    }
    let mut blocks = Vec::with_capacity(message.parts.len());
    let (mut content, mut calls) = (0, 0);
    for part in &message.parts {
        // What another vendor's own tools did is history; what came of it stands in the text.
        if message.role == Role::Assistant && is_foreign(part) {
            continue;
        }
        let is_call = matches!(part.kind, PartKind::ToolCall(_));
        let (list, place) = if is_call {
            ("tool_calls", &mut calls)
        } else {
            ("content", &mut content)
        };
        if message.role != Role::Assistant {
            words
                .refuse_foreign(&part.extra)
                .map_err(|fault| fault.at(list, *place))?;
        }
        blocks.extend(words.block(part).map_err(|fault| fault.at(list, *place))?);
        *place += 1;
    }
    if let (Some(mark), Some(block)) = (mark, blocks.last_mut()) {
        block.entry(MARK).or_insert(mark);
    }
    Ok(blocks)
}

fn is_foreign(part: &Part) -> bool {
    matches!(&part.kind, PartKind::Opaque(opaque) if opaque.origin != ID)
}

/// Older models hear the system only at the beginning; to move its words there would change what
/// they are about.
fn as_user(mut blocks: Vec<Block>) -> Vec<Block> {
    for block in &mut blocks {
        if let Some(Value::String(text)) = block.get_mut("text") {
            *text = format!("<system>\n{text}\n</system>");
        }
    }
    blocks
}

/// Thoughts come before text, calls after it.
fn rank(block: &Block) -> u8 {
    if is(block, "thinking") || is(block, "redacted_thinking") {
        0
    } else if is(block, "tool_use") {
        2
    } else {
        1
    }
}

fn is(block: &Block, kind: &str) -> bool {
    block.get("type").is_some_and(|known| known == kind)
}

const MARK: &str = "cache_control";

/// How many marks of a cached prefix are taken.
const MARKS: usize = 4;

/// What an earlier answer did, rather than how it was annotated.
const CALLED: &[&str] = &["function_call", "audio"];
