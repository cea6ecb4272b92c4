use serde_json::{Map, Value, json};

use super::super::error::{read_event, read_failure};
use super::super::item::SUMMARY_BREAK;
use super::super::response::{head, read_reason};
use super::super::seal::{Seal, own_signature};
use super::super::wire::{self, Rest, kind_of};
use super::super::{ID, is_preamble};
use crate::conversation::{ChatEvent, Extra, FinishReason, Reasoning, Start, ToolCallKind};
use crate::dialect::openai::chat::read_logprobs;
use crate::dialect::openai::citation::ANNOTATION;
use crate::dialect::openai::error::decode;
use crate::dialect::{Carry, StreamDecoder};
use crate::error::{Error, Result};
use crate::sse;

/// Reads a stream of events. There is one choice, the 0.
#[derive(Debug)]
pub(in crate::dialect::openai::responses) struct Decoder {
    carry: Carry,
    /// What the upstream said when it began, until the answer itself comes.
    preamble: Option<wire::Response>,
    has_started: bool,
    items: Vec<Item>,
    calls: u32,
    /// The proof of the call that comes next.
    call_signature: Option<String>,
    is_done: bool,
}

/// An item that has begun.
#[derive(Debug)]
struct Item {
    index: u64,
    kind: Kind,
    /// Whether a piece of it has been told, so that its whole is no news.
    has_spoken: bool,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Message,
    Reasoning,
    /// Its place among the calls.
    Call(ToolCallKind, u32),
    Other,
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: &sse::Event, out: &mut Vec<ChatEvent>) -> Result<()> {
        let Some(data) = event.data() else {
            return Ok(());
        };
        if self.is_done || data.trim_ascii().is_empty() || data.starts_with(b"[DONE]") {
            return Ok(());
        }
        let event: wire::Event = decode(&data)?;
        match &*event.kind {
            "error" => return Err(read_event(event)),
            "" if event.error.is_some() => return Err(read_event(event)),
            "response.failed" => {
                let error = event.response.and_then(|response| response.error);
                return Err(read_failure(error.unwrap_or_default()));
            }
            kind if is_preamble(kind) => {
                self.preamble = self.preamble.take().or(event.response);
            }
            "response.completed" | "response.incomplete" => self.finish(event.response, out),
            _ => self.piece(event, out),
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn end(&mut self, _: &mut Vec<ChatEvent>) -> Result<()> {
        if self.is_done {
            Ok(())
        } else {
            Err(Error::transport("The upstream ended the stream half-way."))
        }
    }
}

impl Decoder {
    pub(in crate::dialect::openai::responses) fn new(carry: Carry) -> Self {
        Self {
            carry,
            preamble: None,
            has_started: false,
            items: Vec::new(),
            calls: 0,
            call_signature: None,
            is_done: false,
        }
    }

    /// Tells that the answer begins, with its first piece: it may still have failed before.
    fn start(&mut self, out: &mut Vec<ChatEvent>) {
        if self.has_started {
            return;
        }
        self.has_started = true;
        let response = head(self.preamble.take().unwrap_or_default());
        let mut start = Start::new(response.id, response.model);
        start.created = response.created;
        start.service_tier = response.service_tier;
        start.usage = response.usage;
        start.extra = response.extra;
        out.push(ChatEvent::Start(start));
    }

    fn piece(&mut self, event: wire::Event, out: &mut Vec<ChatEvent>) {
        // Anything else, such as `keepalive`, is none of the answer.
        if event.kind.starts_with("response.") {
            self.start(out);
        }
        let text = || match &event.delta {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        match &*event.kind {
            "response.output_item.added" => {
                let at = self.place(event.output_index, event.item, out);
                self.items[at].has_spoken = false;
            }
            "response.output_item.done" => {
                let item = event.item.unwrap_or_default();
                self.item_done(event.output_index, item, out);
            }
            "response.output_text.delta" => {
                let at = self.place(event.output_index, None, out);
                self.items[at].has_spoken = true;
                let logprobs = event.logprobs.as_ref();
                push_logprobs(logprobs, out);
                if let Some(text) = text() {
                    out.push(ChatEvent::TextDelta { choice: 0, text });
                }
            }
            "response.refusal.delta" => {
                let at = self.place(event.output_index, None, out);
                self.items[at].has_spoken = true;
                if let Some(text) = text() {
                    out.push(ChatEvent::RefusalDelta { choice: 0, text });
                }
            }
            "response.reasoning_summary_part.added"
                if event.summary_index.is_some_and(|index| index > 0) =>
            {
                push_reasoning(SUMMARY_BREAK.to_owned(), out);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                let at = self.place(event.output_index, None, out);
                self.items[at].has_spoken = true;
                if let Some(text) = text() {
                    push_reasoning(text, out);
                }
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let at = self.place(event.output_index, None, out);
                self.items[at].has_spoken = true;
                if let (Kind::Call(_, tool), Some(text)) = (self.items[at].kind, text()) {
                    push_arguments(tool, text, out);
                }
            }
            "response.output_text.annotation.added" => {
                if let Some(annotation) = event.annotation {
                    push_other(ANNOTATION, annotation, out);
                }
            }
            // What is told once more at the end of an item, and how the vendor's own tools go on.
            _ => {}
        }
    }

    /// The place of an item, which is told to begin if it is new.
    fn place(&mut self, index: Option<u64>, item: Option<Rest>, out: &mut Vec<ChatEvent>) -> usize {
        let known = match index {
            Some(index) => self.items.iter().rposition(|item| item.index == index),
            None => self.items.len().checked_sub(1),
        };
        if let Some(at) = known {
            return at;
        }
        let item = item.unwrap_or_else(|| Rest::from_iter([("type".to_owned(), "message".into())]));
        let kind = self.open(item, out);
        self.items.push(Item {
            index: index.unwrap_or_default(),
            kind,
            has_spoken: false,
            is_over: false,
        });
        self.items.len() - 1
    }

    fn open(&mut self, mut item: Rest, out: &mut Vec<ChatEvent>) -> Kind {
        let text = |item: &Rest, name: &str| {
            let text = item.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let call = match kind_of(&item) {
            "message" => None,
            "reasoning" => return Kind::Reasoning,
            "function_call" => Some(ToolCallKind::Function),
            "custom_tool_call" => Some(ToolCallKind::Custom),
            _ => return Kind::Other,
        };
        let (id, name) = (text(&item, "call_id"), text(&item, "name"));
        // What the pieces will say, and what every item says.
        for name in [
            "type",
            "role",
            "content",
            "status",
            "call_id",
            "name",
            "arguments",
            "input",
        ] {
            item.shift_remove(name);
        }
        if !item.is_empty() {
            push_other(OPENED, item.into(), out);
        }
        let Some(kind) = call else {
            return Kind::Message;
        };
        let tool = self.calls;
        self.calls += 1;
        out.push(ChatEvent::ToolCallStart {
            choice: 0,
            tool,
            kind,
            id,
            name: self.carry.tool_name(&name).to_owned(),
            signature: self.call_signature.take(),
        });
        Kind::Call(kind, tool)
    }

    /// Tells of a whole item what its pieces did not.
    fn item_done(&mut self, index: Option<u64>, mut item: Rest, out: &mut Vec<ChatEvent>) {
        let at = self.place(index, Some(item.clone()), out);
        let Item {
            kind,
            has_spoken,
            is_over,
            ..
        } = self.items[at];
        if std::mem::replace(&mut self.items[at].is_over, true) || is_over {
            return;
        }
        match kind {
            Kind::Message if !has_spoken => push_content(&item, out),
            Kind::Message => {}
            Kind::Call(kind, tool) if !has_spoken => {
                let name = super::super::item::arguments_of(kind);
                if let Some(Value::String(text)) = item.shift_remove(name) {
                    push_arguments(tool, text, out);
                }
            }
            Kind::Call(..) => {}
            Kind::Reasoning => {
                if !has_spoken {
                    push_reasoning(thoughts(&item), out);
                }
                self.proof(item, out);
            }
            Kind::Other => push_other(WHOLE, item.into(), out),
        }
    }

    fn proof(&mut self, mut item: Rest, out: &mut Vec<ChatEvent>) {
        let Some(Value::String(sealed)) = item.shift_remove("encrypted_content") else {
            return;
        };
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
        let signature = match Seal::read(sealed) {
            Seal::Own(content) => own_signature(id, &content),
            Seal::Thoughts(signature) => signature,
            Seal::Call(signature) => {
                self.call_signature = Some(signature);
                return;
            }
            Seal::Text(signature) => {
                out.push(ChatEvent::TextSignature {
                    choice: 0,
                    signature,
                });
                return;
            }
            Seal::Sealed(data) => {
                out.push(ChatEvent::ReasoningSealed {
                    choice: 0,
                    reasoning: Reasoning::sealed(data),
                });
                return;
            }
        };
        out.push(ChatEvent::ReasoningSignature {
            choice: 0,
            signature,
        });
    }

    fn finish(&mut self, response: Option<wire::Response>, out: &mut Vec<ChatEvent>) {
        self.start(out);
        let mut response = response.unwrap_or_default();
        // Some vendors tell items only at the end.
        for (index, item) in (0..).zip(response.output.take().unwrap_or_default()) {
            self.item_done(Some(index), item, out);
        }
        let reason = match response.status.as_deref() {
            Some("incomplete") => {
                let details = response.incomplete_details.as_ref();
                read_reason(details.and_then(|details| details.get("reason")?.as_str()))
            }
            _ if self.calls > 0 => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        out.push(ChatEvent::finish(0, reason));
        let mut response = head(response);
        if let Some(usage) = response.usage {
            let rest = match response.extra.remove(ID, "usage") {
                Some(Value::Object(rest)) => rest,
                _ => Rest::new(),
            };
            let extra = Extra::with_fields(ID, rest);
            out.push(ChatEvent::Usage { usage, extra });
        }
        self.is_done = true;
    }
}

fn push_content(item: &Rest, out: &mut Vec<ChatEvent>) {
    let parts = item.get("content").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        push_logprobs(part.get("logprobs"), out);
        if let Some(text) = filled(part.get("text")) {
            out.push(ChatEvent::TextDelta { choice: 0, text });
        }
        if let Some(text) = filled(part.get("refusal")) {
            out.push(ChatEvent::RefusalDelta { choice: 0, text });
        }
        let annotations = part.get("annotations").and_then(Value::as_array);
        for annotation in annotations.into_iter().flatten() {
            push_other(ANNOTATION, annotation.clone(), out);
        }
    }
}

fn push_logprobs(tokens: Option<&Value>, out: &mut Vec<ChatEvent>) {
    let Some(Value::Array(tokens)) = tokens.filter(|tokens| **tokens != json!([])) else {
        return;
    };
    if let Some(logprobs) = read_logprobs(&json!({"content": tokens})) {
        out.push(ChatEvent::Logprobs {
            choice: 0,
            logprobs,
        });
    }
}

fn thoughts(item: &Rest) -> String {
    let list = |name: &str| -> Vec<&str> {
        let parts = item.get(name).and_then(Value::as_array);
        parts
            .into_iter()
            .flatten()
            .filter_map(|part| part.get("text")?.as_str())
            .collect()
    };
    match &list("summary")[..] {
        [] => list("content").concat(),
        summary => summary.join(SUMMARY_BREAK),
    }
}

fn push_reasoning(text: String, out: &mut Vec<ChatEvent>) {
    if !text.is_empty() {
        out.push(ChatEvent::ReasoningDelta { choice: 0, text });
    }
}

fn push_arguments(tool: u32, arguments: String, out: &mut Vec<ChatEvent>) {
    if !arguments.is_empty() {
        out.push(ChatEvent::ToolCallDelta {
            choice: 0,
            tool,
            arguments,
        });
    }
}

fn push_other(name: &str, value: Value, out: &mut Vec<ChatEvent>) {
    let fields = Map::from_iter([(name.to_owned(), value)]);
    out.push(ChatEvent::Other {
        choice: Some(0),
        extra: Extra::with_fields(ID, fields),
    });
}

fn filled(text: Option<&Value>) -> Option<String> {
    let text = text?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

// What an event of this format alone tells.

/// What the item that begins next says beside its content.
pub(super) const OPENED: &str = "opened";

/// A whole item of a kind that the neutral model does not name.
pub(super) const WHOLE: &str = "item";
