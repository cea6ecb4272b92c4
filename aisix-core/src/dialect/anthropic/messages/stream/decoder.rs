use serde_json::{Map, Value};

use super::super::super::ID;
use super::super::super::error::read_reported;
use super::super::super::usage::{merge, usage_of};
use super::super::block::custom_input;
use super::super::response::{
    STOP_DETAILS, STOP_REASON, explanation, is_lossy, read_stop, service_tier,
};
use super::super::wire::{self, Block, Delta, text_of};
use super::super::words::CustomTools;
use super::{CONTENT_BLOCK, DELTA, EVENT, MESSAGE_DELTA, TOOL_USE};
use crate::conversation::{ChatEvent, Extra, Reasoning, Start, ToolCallKind};
use crate::dialect::openai::{decode, undecodable};
use crate::dialect::{Carry, StreamDecoder};
use crate::error::{Error, Result};
use crate::sse;

/// Reads a stream of events.
///
/// The usage is told once, at the end: its counts are cumulative, and some come only in the first
/// event.
#[derive(Debug)]
pub(in super::super) struct Decoder {
    carry: Carry,
    id: Option<String>,
    usage: Option<Block>,
    open: Option<Open>,
    calls: u32,
    /// Whether the block before was a text, so that another text needs a boundary.
    after_text: bool,
    is_finished: bool,
    is_done: bool,
}

/// The block that is being told; they come one after the other.
#[derive(Debug)]
struct Open {
    index: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking {
        signature: String,
    },
    Call {
        tool: u32,
        /// Arguments that came with the opening, for a call without deltas.
        input: Value,
        has_delta: bool,
        /// The pieces of a call that takes text, which only their whole is.
        custom: Option<String>,
    },
    Opaque,
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: &sse::Event, out: &mut Vec<ChatEvent>) -> Result<()> {
        let Some(data) = event.data() else {
            return Ok(());
        };
        // Some proxies add the `[DONE]` of another format.
        if self.is_done || data.trim_ascii().is_empty() || data.starts_with(b"[DONE]") {
            return Ok(());
        }
        match serde_json::from_slice::<wire::Event<'_>>(&data) {
            Ok(event) => self.read(event, &data, out),
            Err(_) => {
                let whole: Value = decode(&data)?;
                let mended = whole.to_string();
                let event = serde_json::from_str(&mended).map_err(undecodable)?;
                self.read(event, mended.as_bytes(), out)
            }
        }
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<()> {
        self.tell_usage(out);
        if self.is_finished {
            self.is_done = true;
        }
        if self.is_done {
            Ok(())
        } else {
            Err(Error::transport("The upstream ended the stream half-way."))
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

impl Decoder {
    pub(in super::super) fn new(carry: Carry) -> Self {
        Self {
            carry,
            id: None,
            usage: None,
            open: None,
            calls: 0,
            after_text: false,
            is_finished: false,
            is_done: false,
        }
    }

    fn read(
        &mut self,
        event: wire::Event<'_>,
        data: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<()> {
        match &*event.kind {
            "content_block_delta" => {
                if let Some(delta) = event.delta {
                    self.delta(event.index, delta, data, out)?;
                }
            }
            "message_start" => self.start(event.message.unwrap_or_default(), out)?,
            "content_block_start" => {
                if let Some(block) = event.content_block {
                    self.open(event.index, block, out);
                }
            }
            "content_block_stop" => self.close(out),
            "message_delta" => {
                if let Some(usage) = event.usage {
                    merge(self.usage.get_or_insert_default(), usage);
                }
                self.finish(event.delta.unwrap_or_default(), data, out)?;
            }
            "message_stop" => {
                self.close(out);
                self.tell_usage(out);
                self.is_done = true;
            }
            "error" => return Err(read_reported(&event.error.unwrap_or_default())),
            _ => {}
        }
        Ok(())
    }

    /// A proxy may send the same opening twice; another message in the open one is a fault of its.
    fn start(&mut self, message: wire::Response, out: &mut Vec<ChatEvent>) -> Result<()> {
        let id = message.id.unwrap_or_default();
        if let Some(known) = &self.id {
            return if *known == id {
                Ok(())
            } else {
                Err(undecodable("a second message begins within the first"))
            };
        }
        self.id = Some(id.clone());
        let mut rest = message.rest;
        rest.retain(|name, value| !value.is_null() && name != "type" && name != "role");
        let mut start = Start::new(id, message.model.unwrap_or_default());
        if let Some(usage) = message.usage {
            start.usage = Some(usage_of(&usage));
            start.service_tier = service_tier(&usage);
            rest.insert("usage".to_owned(), usage.clone().into());
            self.usage = Some(usage);
        }
        start.extra = Extra::from_rest(ID, rest);
        out.push(ChatEvent::Start(start));
        for block in message.content.into_iter().flatten() {
            self.open(u32::MAX, block, out);
            self.close(out);
        }
        Ok(())
    }

    fn open(&mut self, index: u32, block: Block, out: &mut Vec<ChatEvent>) {
        self.close(out);
        let kind = match text_of(&block, "type") {
            "text" => {
                self.open_text(block, out);
                Kind::Text
            }
            "thinking" => {
                push_reasoning(text_of(&block, "thinking"), out);
                let signature = text_of(&block, "signature").to_owned();
                Kind::Thinking { signature }
            }
            "redacted_thinking" => {
                let reasoning = Reasoning::sealed(text_of(&block, "data"));
                out.push(ChatEvent::ReasoningSealed {
                    choice: 0,
                    reasoning,
                });
                Kind::Opaque
            }
            "tool_use" => self.open_call(block, out),
            _ => {
                push_other(CONTENT_BLOCK, block.into(), out);
                Kind::Opaque
            }
        };
        self.after_text = matches!(kind, Kind::Text);
        self.open = Some(Open { index, kind });
    }

    /// A text that follows a text, or that has sources, is told with its boundary.
    fn open_text(&self, mut block: Block, out: &mut Vec<ChatEvent>) {
        let text = wire::take_text(&mut block, "text").unwrap_or_default();
        if self.after_text || block.len() > 1 {
            block.insert("text".to_owned(), "".into());
            push_other(CONTENT_BLOCK, block.into(), out);
        }
        push_text(text, out);
    }

    fn open_call(&mut self, mut block: Block, out: &mut Vec<ChatEvent>) -> Kind {
        let sent = text_of(&block, "name").to_owned();
        let is_custom = self
            .carry
            .state::<CustomTools>()
            .is_some_and(|custom| custom.contains(&sent));
        let tool = self.calls;
        self.calls += 1;
        let id = text_of(&block, "id").to_owned();
        let input = block.shift_remove("input").unwrap_or_default();
        for known in ["type", "id", "name"] {
            block.shift_remove(known);
        }
        if !block.is_empty() {
            push_other(TOOL_USE, block.into(), out);
        }
        out.push(ChatEvent::ToolCallStart {
            choice: 0,
            tool,
            kind: if is_custom {
                ToolCallKind::Custom
            } else {
                ToolCallKind::Function
            },
            id,
            name: self.carry.tool_name(&sent).to_owned(),
            signature: None,
        });
        Kind::Call {
            tool,
            input,
            has_delta: false,
            custom: is_custom.then(String::new),
        }
    }

    fn delta(
        &mut self,
        index: u32,
        delta: Delta<'_>,
        data: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<()> {
        let open = self.open.as_mut().filter(|open| open.index == index);
        match (&*delta.kind, open.map(|open| &mut open.kind)) {
            ("text_delta", Some(Kind::Text) | None) => {
                push_text(delta.text.unwrap_or_default(), out);
            }
            ("thinking_delta", Some(Kind::Thinking { .. }) | None) => {
                push_reasoning(delta.thinking.as_deref().unwrap_or_default(), out);
            }
            ("signature_delta", Some(Kind::Thinking { signature })) => {
                *signature = delta.signature.unwrap_or_default();
            }
            (
                "input_json_delta",
                Some(Kind::Call {
                    tool,
                    has_delta,
                    custom,
                    ..
                }),
            ) => {
                let arguments = delta.partial_json.unwrap_or_default();
                *has_delta |= !arguments.is_empty();
                match custom {
                    Some(pieces) => pieces.push_str(&arguments),
                    None => push_arguments(*tool, arguments, out),
                }
            }
            (_, None) => {}
            _ => {
                let mut whole: Block = decode(data)?;
                if let Some(delta) = whole.shift_remove(DELTA) {
                    push_other(DELTA, delta, out);
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<ChatEvent>) {
        let Some(open) = self.open.take() else {
            return;
        };
        match open.kind {
            Kind::Thinking { signature } if !signature.is_empty() => {
                out.push(ChatEvent::ReasoningSignature {
                    choice: 0,
                    signature,
                });
            }
            Kind::Call {
                tool,
                custom: Some(pieces),
                input,
                ..
            } => {
                let input = serde_json::from_str(&pieces).unwrap_or(input);
                // What is no such object is the text itself, as far as it came.
                let text = custom_input(Some(&input)).unwrap_or(pieces);
                push_arguments(tool, text, out);
            }
            Kind::Call {
                tool,
                input,
                has_delta: false,
                custom: None,
            } => {
                let arguments = match input {
                    Value::Null => "{}".to_owned(),
                    input => input.to_string(),
                };
                push_arguments(tool, arguments, out);
            }
            _ => {}
        }
    }

    fn finish(&mut self, delta: Delta<'_>, data: &[u8], out: &mut Vec<ChatEvent>) -> Result<()> {
        self.close(out);
        let Some(reason) = delta.stop_reason.filter(|_| !self.is_finished) else {
            return Ok(());
        };
        self.is_finished = true;
        let beside = beside_the_end(data, &reason)?;
        let refusal = explanation(&beside);
        if !beside.is_empty() {
            push_other(MESSAGE_DELTA, beside.into(), out);
        }
        if let Some(text) = refusal {
            out.push(ChatEvent::RefusalDelta { choice: 0, text });
        }
        out.push(ChatEvent::Finish {
            choice: 0,
            reason: read_stop(&reason),
            stop_sequence: delta.stop_sequence,
        });
        Ok(())
    }

    fn tell_usage(&mut self, out: &mut Vec<ChatEvent>) {
        if let Some(map) = self.usage.take() {
            out.push(ChatEvent::Usage {
                usage: usage_of(&map),
                extra: Extra::with_fields(ID, map),
            });
        }
    }
}

/// What the last event says beside the reason: members of its delta, and of its own.
fn beside_the_end(data: &[u8], reason: &str) -> Result<Block> {
    let mut whole: Block = decode(data)?;
    let mut beside = match whole.shift_remove(DELTA) {
        Some(Value::Object(delta)) => delta,
        _ => Map::new(),
    };
    for known in ["type", STOP_REASON, "stop_sequence"] {
        beside.shift_remove(known);
    }
    whole.shift_remove("usage");
    whole.shift_remove("type");
    if !whole.is_empty() {
        beside.insert(EVENT.to_owned(), whole.into());
    }
    if is_lossy(reason) {
        beside.insert(STOP_REASON.to_owned(), reason.into());
    }
    // `null` is what is there when there is nothing to say.
    if beside.get(STOP_DETAILS).is_some_and(Value::is_null) {
        beside.shift_remove(STOP_DETAILS);
    }
    Ok(beside)
}

fn push_text(text: String, out: &mut Vec<ChatEvent>) {
    if !text.is_empty() {
        out.push(ChatEvent::TextDelta { choice: 0, text });
    }
}

fn push_reasoning(text: &str, out: &mut Vec<ChatEvent>) {
    if !text.is_empty() {
        out.push(ChatEvent::ReasoningDelta {
            choice: 0,
            text: text.to_owned(),
        });
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
