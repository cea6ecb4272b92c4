use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use serde_json::{Map, Value, json};

use super::super::super::ID;
use super::super::super::error::write_stream_error;
use super::super::super::usage::usage_map;
use super::super::block::EXTRA_CONTENT;
use super::super::response::{STOP_DETAILS, STOP_REASON, message_id, refused, write_stop};
use super::super::wire::{Block, block};
use super::super::words::{IMAGES, shown_pictures};
use super::{CONTENT_BLOCK, DELTA, EVENT, MESSAGE_DELTA, TOOL_USE};
use crate::conversation::{ChatEvent, Extra, FinishReason, Start, ToolCallKind, Usage};
use crate::dialect::{EncodeOptions, OPENAI_CHAT, StreamEncoder};
use crate::error::{Error, Result};
use crate::json::write_string;
use crate::sse;

/// Writes a stream of events that the official SDKs and their helpers accept: one block after the
/// other, each event with its name.
///
/// Where calls come interleaved, what does not belong to the open one waits until that is complete.
#[derive(Debug)]
pub(in super::super) struct Encoder {
    options: EncodeOptions,
    has_begun: bool,
    /// The place of the next block.
    next: u32,
    open: Option<Open>,
    /// What waits for the open call, but for the arguments of other calls.
    held: VecDeque<ChatEvent>,
    /// The arguments of the calls that wait.
    held_arguments: BTreeMap<u32, String>,
    /// What the next call says beyond the model.
    beside_call: Block,
    /// What stands beside the reason of the end.
    beside_end: Block,
    refusal: String,
    has_calls: bool,
    finish: Option<(FinishReason, Option<String>)>,
    usage: Option<(Usage, Extra)>,
}

#[derive(Debug)]
enum Open {
    Text,
    Thinking,
    Call(Call),
    Opaque,
}

#[derive(Debug)]
struct Call {
    tool: u32,
    kind: ToolCallKind,
    /// The text for a tool that takes text, which only its whole is.
    text: String,
    progress: Progress,
}

/// How far the JSON of a call has come.
#[derive(Debug, Default)]
struct Progress {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    is_closed: bool,
}

impl StreamEncoder for Encoder {
    fn event(&mut self, event: &ChatEvent, out: &mut BytesMut) -> Result<()> {
        match event {
            ChatEvent::Start(start) => self.start(start, out),
            ChatEvent::Usage { usage, extra } => self.usage = Some((*usage, extra.clone())),
            // A message is one answer; who asks in this format cannot ask for more.
            other if other.choice() == Some(0) => {
                self.begin(out);
                self.offer(other, out);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<()> {
        self.begin(out);
        self.release(out);
        self.close(out);
        self.write_end(out);
        sse::write_event(out, Some("message_stop"), br#"{"type":"message_stop"}"#);
        Ok(())
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        write_stream_error(error, out);
    }
}

impl Encoder {
    pub(in super::super) fn new(options: EncodeOptions) -> Self {
        Self {
            options,
            has_begun: false,
            next: 0,
            open: None,
            held: VecDeque::new(),
            held_arguments: BTreeMap::new(),
            beside_call: Map::new(),
            beside_end: Map::new(),
            refusal: String::new(),
            has_calls: false,
            finish: None,
            usage: None,
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if !self.has_begun {
            self.start(&Start::default(), out);
        }
    }

    /// The cost of the input is told here if it is known by now, and in any case at the end.
    fn start(&mut self, start: &Start, out: &mut BytesMut) {
        self.has_begun = true;
        let mut rest = start.extra.fields(ID).cloned().unwrap_or_default();
        let kept = rest.shift_remove("usage");
        let kept = kept.as_ref().and_then(Value::as_object);
        let usage = start.usage.unwrap_or_default();
        self.usage = start.usage.map(|usage| {
            let kept = kept.cloned().unwrap_or_default();
            (usage, Extra::with_fields(ID, kept))
        });
        let own_id = Some(&*start.id).filter(|id| !id.is_empty());
        let id = own_id.or(self.options.id.as_deref()).unwrap_or("unknown");
        let model = self.options.model.as_deref().unwrap_or(&start.model);
        let mut message = json!({
            "id": message_id(id),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": usage_map(&usage, kept),
        });
        for (name, value) in rest {
            message[name] = value;
        }
        write(
            out,
            "message_start",
            &json!({"type": "message_start", "message": message}),
        );
    }

    /// Writes the event, or holds it while another call is open and not complete.
    fn offer(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        if matches!(event, ChatEvent::Finish { .. }) {
            self.release(out);
            self.piece(event, out);
            return;
        }
        if !self.is_for_the_open_call(event) {
            self.replay(out);
            // The call that it is for may be the open one by now.
            if self.is_busy() && !self.is_for_the_open_call(event) {
                self.hold(event);
                return;
            }
        }
        self.piece(event, out);
    }

    fn is_for_the_open_call(&self, event: &ChatEvent) -> bool {
        matches!(
            (event, &self.open),
            (ChatEvent::ToolCallDelta { tool, .. }, Some(Open::Call(call))) if *tool == call.tool
        )
    }

    /// Whether more can come for the open call.
    fn is_busy(&self) -> bool {
        matches!(&self.open, Some(Open::Call(call)) if !call.is_complete())
    }

    fn hold(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::ToolCallDelta {
                tool, arguments, ..
            } => {
                if let Some(held) = self.held_arguments.get_mut(tool) {
                    held.push_str(arguments);
                }
            }
            ChatEvent::ToolCallStart { tool, .. } => {
                self.held_arguments.entry(*tool).or_default();
                self.held.push_back(event.clone());
            }
            _ => self.held.push_back(event.clone()),
        }
    }

    /// Writes what was held: nothing more will come for any call.
    fn release(&mut self, out: &mut BytesMut) {
        while let Some(event) = self.held.pop_front() {
            self.let_go(&event, out);
        }
    }

    /// Writes what was held, up to a call that is not complete.
    fn replay(&mut self, out: &mut BytesMut) {
        while !self.is_busy()
            && let Some(event) = self.held.pop_front()
        {
            self.let_go(&event, out);
        }
    }

    /// A call that waited takes with it what has come of its arguments.
    fn let_go(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        self.piece(event, out);
        if let ChatEvent::ToolCallStart { tool, .. } = event
            && let Some(arguments) = self.held_arguments.remove(tool)
        {
            self.arguments(*tool, &arguments, out);
        }
    }

    fn piece(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        match event {
            ChatEvent::TextDelta { text, .. } => self.text(text, out),
            // What Anthropic itself says of a refusal stands in the details.
            ChatEvent::RefusalDelta { .. } if self.beside_end.contains_key(STOP_DETAILS) => {}
            ChatEvent::RefusalDelta { text, .. } => {
                self.refusal.push_str(text);
                self.text(text, out);
            }
            ChatEvent::ReasoningDelta { text, .. } => {
                self.open_thinking(out);
                self.delta("thinking_delta", "thinking", text, out);
            }
            ChatEvent::ReasoningSignature { signature, .. } => {
                self.open_thinking(out);
                self.delta("signature_delta", "signature", signature, out);
                self.close(out);
            }
            ChatEvent::ReasoningSealed { reasoning, .. } => {
                let mut sealed = block("redacted_thinking");
                let data = reasoning.sealed.as_deref().unwrap_or_default();
                sealed.insert("data".to_owned(), data.into());
                self.open(Open::Opaque, &sealed, out);
                self.close(out);
            }
            ChatEvent::ToolCallStart {
                tool,
                kind,
                id,
                name,
                signature,
                ..
            } => {
                let call = Call {
                    tool: *tool,
                    kind: *kind,
                    text: String::new(),
                    progress: Progress::default(),
                };
                self.call(call, id, name, signature.as_deref(), out);
            }
            ChatEvent::ToolCallDelta {
                tool, arguments, ..
            } => self.arguments(*tool, arguments, out),
            ChatEvent::Finish {
                reason,
                stop_sequence,
                ..
            } => {
                self.close(out);
                self.finish = Some((reason.clone(), stop_sequence.clone()));
            }
            ChatEvent::Other { extra, .. } => self.other(extra, out),
            // A signature of a text has no place: its block has begun, and clients take the last
            // block for the answer, so that an empty one after it would hide it.
            _ => {}
        }
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        if !matches!(self.open, Some(Open::Text)) {
            let mut opened = block("text");
            opened.insert("text".to_owned(), "".into());
            self.open(Open::Text, &opened, out);
        }
        self.delta("text_delta", "text", text, out);
    }

    fn open_thinking(&mut self, out: &mut BytesMut) {
        if !matches!(self.open, Some(Open::Thinking)) {
            let mut opened = block("thinking");
            opened.insert("thinking".to_owned(), "".into());
            opened.insert("signature".to_owned(), "".into());
            self.open(Open::Thinking, &opened, out);
        }
    }

    fn call(
        &mut self,
        call: Call,
        id: &str,
        name: &str,
        signature: Option<&str>,
        out: &mut BytesMut,
    ) {
        self.has_calls = true;
        let mut opened = block("tool_use");
        opened.insert("id".to_owned(), id.into());
        opened.insert("name".to_owned(), name.into());
        opened.insert("input".to_owned(), json!({}));
        if let Some(signature) = signature {
            let google = json!({"google": {"thought_signature": signature}});
            opened.insert(EXTRA_CONTENT.to_owned(), google);
        }
        opened.append(&mut self.beside_call);
        self.open(Open::Call(call), &opened, out);
    }

    fn arguments(&mut self, tool: u32, arguments: &str, out: &mut BytesMut) {
        let Some(Open::Call(call)) = &mut self.open else {
            return;
        };
        if call.tool != tool {
            return;
        }
        if call.kind == ToolCallKind::Custom {
            call.text.push_str(arguments);
        } else if !arguments.is_empty() {
            call.progress.push(arguments);
            self.delta("input_json_delta", "partial_json", arguments, out);
        }
    }

    fn other(&mut self, extra: &Extra, out: &mut BytesMut) {
        let delta = extra.get(OPENAI_CHAT.as_str(), "delta");
        for picture in shown_pictures(delta.and_then(|delta| delta.get(IMAGES))) {
            self.open(Open::Opaque, &picture, out);
            self.close(out);
        }
        for (name, value) in extra.fields(ID).into_iter().flatten() {
            match (name.as_str(), value) {
                (CONTENT_BLOCK, Value::Object(opened)) => {
                    let is_text = opened.get("type").is_some_and(|kind| kind == "text");
                    let open = if is_text { Open::Text } else { Open::Opaque };
                    self.open(open, opened, out);
                }
                (DELTA, delta) => self.opaque_delta(delta, out),
                (TOOL_USE, Value::Object(fields)) => self.beside_call.clone_from(fields),
                (MESSAGE_DELTA, Value::Object(fields)) => self.beside_end.clone_from(fields),
                // A replayed answer says it in the words of a whole one.
                (STOP_REASON | STOP_DETAILS, value) => {
                    self.beside_end.insert(name.clone(), value.clone());
                }
                _ => {}
            }
        }
    }

    /// What only this format says of the open block.
    fn opaque_delta(&self, delta: &Value, out: &mut BytesMut) {
        if self.open.is_some() {
            let index = self.next - 1;
            let event = json!({"type": "content_block_delta", "index": index, "delta": delta});
            write(out, "content_block_delta", &event);
        }
    }

    fn open(&mut self, open: Open, opened: &Block, out: &mut BytesMut) {
        self.close(out);
        let event = json!({
            "type": "content_block_start",
            "index": self.next,
            "content_block": opened,
        });
        write(out, "content_block_start", &event);
        self.next += 1;
        self.open = Some(open);
    }

    fn close(&mut self, out: &mut BytesMut) {
        let Some(open) = &self.open else { return };
        if let Open::Call(call) = open
            && call.kind == ToolCallKind::Custom
        {
            // A tool that takes text has one member here.
            let input = json!({"input": call.text}).to_string();
            self.delta("input_json_delta", "partial_json", &input, out);
        }
        self.open = None;
        let index = self.next - 1;
        let event = json!({"type": "content_block_stop", "index": index});
        write(out, "content_block_stop", &event);
    }

    /// The events that a stream is made of, written without a tree.
    fn delta(&self, kind: &str, member: &str, text: &str, out: &mut BytesMut) {
        out.reserve(text.len() + 128);
        out.put_slice(b"event: content_block_delta\ndata: ");
        // Writing to memory does not fail.
        let _ = write!(
            out,
            r#"{{"type":"content_block_delta","index":{},"delta":{{"type":"{kind}","{member}":"#,
            self.next - 1
        );
        write_string(out, text);
        out.put_slice(b"}}\n\n");
    }

    fn write_end(&mut self, out: &mut BytesMut) {
        let (reason, sequence) = match self.finish.take() {
            Some((reason, sequence)) => (write_stop(&reason, sequence.is_some()), sequence),
            // The upstream said that the answer is complete, but not why.
            None if self.has_calls => ("tool_use", None),
            None => ("end_turn", None),
        };
        let mut beside = std::mem::take(&mut self.beside_end);
        let mut event = json!({"type": "message_delta"});
        if let Some(Value::Object(fields)) = beside.shift_remove(EVENT) {
            for (name, value) in fields {
                event[name] = value;
            }
        }
        let mut delta = json!({"stop_reason": reason, "stop_sequence": sequence});
        if !self.refusal.is_empty() {
            delta[STOP_REASON] = "refusal".into();
            delta[STOP_DETAILS] = refused(&self.refusal);
        }
        for (name, value) in beside {
            delta[name] = value;
        }
        let (usage, extra) = self.usage.take().unwrap_or_default();
        event[DELTA] = delta;
        event["usage"] = usage_map(&usage, extra.fields(ID)).into();
        write(out, "message_delta", &event);
    }
}

impl Call {
    /// Whether nothing more can come. Of text nobody knows.
    fn is_complete(&self) -> bool {
        self.kind != ToolCallKind::Custom && self.progress.is_closed
    }
}

impl Progress {
    /// Takes note of what comes next. Only brackets are counted: whether it is JSON at all is for
    /// the caller to see.
    fn push(&mut self, json: &str) {
        for byte in json.bytes() {
            if self.in_string {
                self.in_string = self.is_escaped || byte != b'"';
                self.is_escaped = byte == b'\\' && !self.is_escaped;
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                _ => {}
            }
            self.is_closed = self.depth == 0 && matches!(byte, b'}' | b']');
        }
    }
}

fn write(out: &mut BytesMut, name: &str, event: &Value) {
    sse::write_event(out, Some(name), event.to_string().as_bytes());
}
