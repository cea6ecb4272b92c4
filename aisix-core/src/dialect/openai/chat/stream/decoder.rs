use serde_json::{Map, Value, json};

use super::super::ID;
use super::super::call::google_signature;
use super::super::custom::{is_wrapped, unwrap_input};
use super::super::part::read_part;
use super::super::reasoning::read_blocks;
use super::super::response::{read_created, read_finish, read_logprobs};
use super::super::wire::{self, Content, Rest};
use crate::conversation::{ChatEvent, Extra, PartKind, Reasoning, Start, ToolCallKind, Usage};
use crate::dialect::openai::error::{decode, read_reported};
use crate::dialect::openai::usage::{TOKENS_OF_CHAT, take_usage};
use crate::dialect::{Carry, StreamDecoder};
use crate::error::{Error, Result};
use crate::sse;

/// Reads a stream of chunks.
///
/// The usage is told once, at the end, wherever and however often the vendor sends it.
#[derive(Debug)]
pub(in crate::dialect::openai::chat) struct Decoder {
    carry: Carry,
    start: Option<Start>,
    /// What came before the answer itself, such as Azure's verdict on the prompt.
    before: Rest,
    choices: Vec<Choice>,
    usage: Option<(Usage, Rest)>,
    is_done: bool,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    is_finished: bool,
    calls: Vec<Call>,
    /// How many calls have been told.
    told: u32,
    /// What has been thought and not been signed yet.
    thoughts: String,
}

#[derive(Debug)]
struct Call {
    /// What the wire calls it; vendors begin at 1, or call all of them 0.
    index: Option<u32>,
    id: String,
    kind: ToolCallKind,
    /// Its place among the calls that have been told, once it has been.
    number: u32,
    /// Arguments that came before the name.
    held: Option<String>,
    signature: Option<String>,
    /// The arguments so far of a function that stands for a tool that takes text.
    wrapped: Option<String>,
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: &sse::Event, out: &mut Vec<ChatEvent>) -> Result<()> {
        let Some(data) = event.data() else {
            return Ok(());
        };
        if self.is_done || data.trim_ascii().is_empty() {
            return Ok(());
        }
        if data.starts_with(b"[DONE]") {
            self.is_done = true;
            return Ok(());
        }
        let chunk: wire::Response = decode(&data)?;
        match chunk.error {
            Some(error) => Err(read_reported(error)),
            None => {
                self.chunk(chunk, out);
                Ok(())
            }
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<()> {
        for at in 0..self.choices.len() {
            self.release(at, out);
        }
        if let Some((usage, rest)) = self.usage.take() {
            let extra = Extra::with_fields(ID, rest);
            out.push(ChatEvent::Usage { usage, extra });
        }
        // Some vendors never say [DONE]; a finish of every choice says as much.
        let all_finished = self.choices.iter().all(|choice| choice.is_finished);
        if self.is_done || !self.choices.is_empty() && all_finished {
            self.is_done = true;
            Ok(())
        } else {
            Err(Error::transport("The upstream ended the stream half-way."))
        }
    }
}

impl Decoder {
    pub(in crate::dialect::openai::chat) fn new(carry: Carry) -> Self {
        Self {
            carry,
            start: None,
            before: Map::new(),
            choices: Vec::new(),
            usage: None,
            is_done: false,
        }
    }

    fn chunk(&mut self, mut chunk: wire::Response, out: &mut Vec<ChatEvent>) {
        // Padding that hides the length of the text; it is computed for these bytes only.
        chunk.rest.shift_remove("obfuscation");
        if let Some(mut usage) = chunk.usage.take() {
            self.usage = Some((take_usage(&mut usage, &TOKENS_OF_CHAT), usage));
        }
        let choices = chunk.choices.take().unwrap_or_default();
        if self.start.is_none() {
            let is_answer =
                !choices.is_empty() || chunk.id.as_ref().is_some_and(|id| !id.is_empty());
            if is_answer {
                self.start(chunk, out);
            } else {
                self.before.append(&mut chunk.rest);
            }
        } else if let Some(extra) = self.news(chunk) {
            out.push(ChatEvent::Other {
                choice: None,
                extra,
            });
        }
        for choice in choices {
            self.choice(choice, out);
        }
    }

    fn start(&mut self, chunk: wire::Response, out: &mut Vec<ChatEvent>) {
        let mut start = Start::new(
            chunk.id.unwrap_or_default(),
            chunk.model.unwrap_or_default(),
        );
        start.created = chunk.created.as_ref().and_then(read_created);
        start.service_tier = chunk.service_tier;
        let mut rest = std::mem::take(&mut self.before);
        rest.extend(chunk.rest);
        rest.retain(|_, value| !value.is_null());
        start.extra = Extra::from_rest(ID, rest);
        out.push(ChatEvent::Start(start.clone()));
        self.start = Some(start);
    }

    /// What a later chunk says about the whole answer that the first one did not.
    fn news(&self, chunk: wire::Response) -> Option<Extra> {
        let start = self.start.as_ref()?;
        let known = start.extra.fields(ID);
        let mut rest = chunk.rest;
        rest.retain(|name, value| {
            !value.is_null() && known.and_then(|known| known.get(name)) != Some(value)
        });
        if let Some(tier) = chunk.service_tier.filter(|_| start.service_tier.is_none()) {
            rest.insert("service_tier".to_owned(), tier.into());
        }
        (!rest.is_empty()).then(|| Extra::with_fields(ID, rest))
    }

    fn choice(&mut self, wire: wire::Choice, out: &mut Vec<ChatEvent>) {
        let index = wire.index;
        let at = self.place(index);
        let mut rest = wire.rest;
        if let Some(value) = wire.logprobs {
            match read_logprobs(&value) {
                Some(logprobs) => out.push(ChatEvent::Logprobs {
                    choice: index,
                    logprobs,
                }),
                None => {
                    rest.insert("logprobs".to_owned(), value);
                }
            }
        }
        if let Some(delta) = wire.delta.or(wire.message) {
            let left = self.delta(at, delta, out);
            if !left.is_empty() {
                rest.insert("delta".to_owned(), left.into());
            }
        }
        rest.retain(|_, value| !value.is_null());
        if !rest.is_empty() {
            out.push(ChatEvent::Other {
                choice: Some(index),
                extra: Extra::with_fields(ID, rest),
            });
        }
        // Some vendors repeat the reason on a later chunk, or send an empty one before the end.
        let reason = wire.finish_reason.filter(|reason| !reason.is_empty());
        if let Some(reason) = reason.filter(|_| !self.choices[at].is_finished) {
            self.choices[at].is_finished = true;
            self.release(at, out);
            out.push(ChatEvent::finish(index, read_finish(&reason)));
        }
    }

    fn place(&mut self, index: u32) -> usize {
        let known = self.choices.iter().position(|choice| choice.index == index);
        known.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                is_finished: false,
                calls: Vec::new(),
                told: 0,
                thoughts: String::new(),
            });
            self.choices.len() - 1
        })
    }

    /// Reads what a chunk adds to one choice; returns what is left of it.
    fn delta(&mut self, at: usize, delta: wire::Message, out: &mut Vec<ChatEvent>) -> Rest {
        let mut rest = delta.rest;
        self.choices[at].read_reasoning(&mut rest, out);
        let choice = self.choices[at].index;
        match delta.content {
            Content::Missing | Content::Null => {}
            Content::Text(text) => push_text(choice, text, out),
            Content::List(parts) => {
                for part in parts {
                    read_piece(choice, part, out);
                }
            }
        }
        if let Some(text) = delta.refusal.filter(|text| !text.is_empty()) {
            out.push(ChatEvent::RefusalDelta { choice, text });
        }
        if let Some(signature) = google_signature(&rest) {
            rest.shift_remove("extra_content");
            out.push(ChatEvent::TextSignature { choice, signature });
        }
        for call in delta.tool_calls.into_iter().flatten() {
            self.call(at, call, out);
        }
        rest.retain(|_, value| !value.is_null());
        rest
    }

    fn call(&mut self, at: usize, wire: wire::ToolCall, out: &mut Vec<ChatEvent>) {
        let signature = google_signature(&wire.rest);
        let (kind, name, arguments) = match (wire.function, wire.custom) {
            (Some(function), _) => (ToolCallKind::Function, function.name, function.arguments),
            (None, Some(custom)) => (ToolCallKind::Custom, custom.name, custom.input),
            (None, None) => (ToolCallKind::Function, None, None),
        };
        let name = name.filter(|name| !name.is_empty());
        let id = wire.id.filter(|id| !id.is_empty());
        let choice = &mut self.choices[at];
        let tool = choice.tool(wire.index, id.as_deref()).unwrap_or_else(|| {
            choice.calls.push(Call {
                index: wire.index,
                id: id.unwrap_or_default(),
                kind,
                number: 0,
                held: Some(String::new()),
                signature,
                wrapped: None,
            });
            choice.calls.len() - 1
        });
        let index = choice.index;
        let call = &mut choice.calls[tool];
        let mut arguments = arguments.unwrap_or_default();
        if let Some(held) = &mut call.held {
            held.push_str(&arguments);
            let Some(name) = name else { return };
            arguments = call.held.take().unwrap_or_default();
            if is_wrapped(&self.carry, &name) {
                call.kind = ToolCallKind::Custom;
                call.wrapped = Some(String::new());
            }
            let name = self.carry.tool_name(&name);
            out.push(call.start(index, &mut choice.told, name));
        }
        match &mut call.wrapped {
            Some(wrapped) => wrapped.push_str(&arguments),
            None => push_arguments(index, call.number, arguments, out),
        }
    }

    /// Tells the calls that never got a name, rather than lose them, and the inputs that are whole.
    fn release(&mut self, at: usize, out: &mut Vec<ChatEvent>) {
        let choice = &mut self.choices[at];
        for call in &mut choice.calls {
            if let Some(arguments) = call.held.take() {
                out.push(call.start(choice.index, &mut choice.told, ""));
                push_arguments(choice.index, call.number, arguments, out);
            }
            if let Some(arguments) = call.wrapped.take() {
                push_arguments(choice.index, call.number, unwrap_input(arguments), out);
            }
        }
    }
}

impl Choice {
    /// The call that a piece belongs to; `None` when it begins one.
    ///
    /// An id that is new at a known index is another call: some vendors give all calls the same
    /// index. A piece without an index belongs to its id, or to the call before.
    fn tool(&self, index: Option<u32>, id: Option<&str>) -> Option<usize> {
        let same_place = |call: &Call| index.is_none() || call.index == index;
        match id {
            Some(id) => self
                .calls
                .iter()
                .rposition(|call| same_place(call) && (call.id == id || call.id.is_empty())),
            None => self.calls.iter().rposition(same_place),
        }
    }

    /// Takes the reasoning, in each spelling that vendors use, out of what the types do not name.
    fn read_reasoning(&mut self, rest: &mut Rest, out: &mut Vec<ChatEvent>) {
        let choice = self.index;
        let mut shown = None;
        for field in ["reasoning_content", "reasoning"] {
            if !rest.get(field).is_some_and(Value::is_string) {
                continue;
            }
            if let Some(Value::String(text)) = rest.shift_remove(field) {
                shown = shown.or_else(|| Some(text).filter(|text| !text.is_empty()));
            }
        }
        let is_shown = shown.is_some();
        if let Some(text) = shown {
            self.think(text, out);
        }
        let Some(blocks) = rest.get("thinking_blocks").and_then(read_blocks) else {
            return;
        };
        rest.shift_remove("thinking_blocks");
        for block in blocks {
            let PartKind::Reasoning(reasoning) = block.kind else {
                continue;
            };
            if reasoning.sealed.is_some() {
                self.thoughts.clear();
                out.push(ChatEvent::ReasoningSealed { choice, reasoning });
                continue;
            }
            let Reasoning { text, .. } = reasoning;
            // A proof may come with the whole text that it is of.
            let is_known = is_shown || block.signature.is_some() && self.thoughts.ends_with(&text);
            if !is_known && !text.is_empty() {
                self.think(text, out);
            }
            if let Some(signature) = block.signature {
                self.thoughts.clear();
                out.push(ChatEvent::ReasoningSignature { choice, signature });
            }
        }
    }

    fn think(&mut self, text: String, out: &mut Vec<ChatEvent>) {
        self.thoughts.push_str(&text);
        let choice = self.index;
        out.push(ChatEvent::ReasoningDelta { choice, text });
    }
}

impl Call {
    fn start(&mut self, choice: u32, told: &mut u32, name: &str) -> ChatEvent {
        self.number = *told;
        *told += 1;
        ChatEvent::ToolCallStart {
            choice,
            tool: self.number,
            kind: self.kind,
            id: self.id.clone(),
            name: name.to_owned(),
            signature: self.signature.take(),
        }
    }
}

/// Reads a piece of a content that is a list, as Mistral sends it while it thinks.
fn read_piece(choice: u32, part: wire::ContentPart, out: &mut Vec<ChatEvent>) {
    let whole = json!({"content": [&part]});
    match read_part(part).map(|part| part.kind) {
        Ok(PartKind::Text(text)) => push_text(choice, text, out),
        Ok(PartKind::Reasoning(Reasoning { text, .. })) => {
            if !text.is_empty() {
                out.push(ChatEvent::ReasoningDelta { choice, text });
            }
        }
        _ => {
            let fields = Map::from_iter([("delta".to_owned(), whole)]);
            out.push(ChatEvent::Other {
                choice: Some(choice),
                extra: Extra::with_fields(ID, fields),
            });
        }
    }
}

fn push_text(choice: u32, text: String, out: &mut Vec<ChatEvent>) {
    if !text.is_empty() {
        out.push(ChatEvent::TextDelta { choice, text });
    }
}

fn push_arguments(choice: u32, tool: u32, arguments: String, out: &mut Vec<ChatEvent>) {
    if !arguments.is_empty() {
        out.push(ChatEvent::ToolCallDelta {
            choice,
            tool,
            arguments,
        });
    }
}
