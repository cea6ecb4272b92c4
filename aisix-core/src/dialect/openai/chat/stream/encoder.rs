use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use serde_json::{Map, Value, json};

use super::super::ID;
use super::super::call::write_google_signature;
use super::super::citation::Citations;
use super::super::response::{write_finish, write_logprobs};
use crate::conversation::{ChatEvent, Extra, FinishReason, Logprobs, Start, ToolCallKind, Usage};
use crate::dialect::openai::error::write_stream_error;
use crate::dialect::openai::usage::{TOKENS_OF_CHAT, usage_map};
use crate::dialect::{EncodeOptions, StreamEncoder};
use crate::error::{Error, Result};
use crate::json::write_string;
use crate::sse;

/// Writes a stream of chunks that the official SDKs and their helpers accept: a role and a finish
/// for each choice, tools counted from 0, no names and no ids of events.
#[derive(Debug)]
pub(in crate::dialect::openai::chat) struct Encoder {
    options: EncodeOptions,
    /// What every chunk begins with, up to its choices.
    head: BytesMut,
    choices: Vec<Choice>,
    usage: Option<(Usage, Extra)>,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    is_finished: bool,
    calls: Vec<ToolCallKind>,
    blocks: u32,
    /// What has been thought and not been signed yet.
    thoughts: String,
    logprobs: Option<Logprobs>,
    citations: Citations,
}

impl StreamEncoder for Encoder {
    fn event(&mut self, event: &ChatEvent, out: &mut BytesMut) -> Result<()> {
        match event {
            ChatEvent::Start(start) => self.start(start, out),
            ChatEvent::Usage { usage, extra } => self.usage = Some((*usage, extra.clone())),
            ChatEvent::Other {
                choice: None,
                extra,
            } => self.news(extra, out),
            other => {
                if let Some(choice) = other.choice() {
                    let at = self.open(choice, out);
                    self.piece(at, other, out);
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<()> {
        for at in 0..self.choices.len() {
            let choice = &self.choices[at];
            if !choice.is_finished {
                // The upstream said that the answer is complete, but not why.
                let reason = if choice.calls.is_empty() {
                    FinishReason::Stop
                } else {
                    FinishReason::ToolCalls
                };
                self.finish(at, &reason, out);
            }
        }
        if let Some((usage, extra)) = self.usage.take().filter(|_| self.options.include_usage) {
            self.open_head();
            out.put_slice(&self.head);
            out.put_slice(br#""choices":[],"usage":"#);
            let usage = usage_map(&usage, extra.fields(ID), &TOKENS_OF_CHAT);
            write_value(out, &usage.into());
            out.put_slice(b"}\n\n");
        }
        out.put_slice(sse::DONE);
        Ok(())
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        write_stream_error(error, out);
    }
}

impl Encoder {
    pub(in crate::dialect::openai::chat) fn new(options: EncodeOptions) -> Self {
        Self {
            options,
            head: BytesMut::new(),
            choices: Vec::new(),
            usage: None,
        }
    }

    /// Tells the role at once, so that the caller sees the first byte when the upstream speaks.
    fn start(&mut self, start: &Start, out: &mut BytesMut) {
        self.usage = start.usage.map(|usage| (usage, Extra::default()));
        let once = self.write_head(start);
        self.write_role(0, &once, out);
    }

    /// What every chunk repeats is written once; what is said only once is returned.
    fn write_head(&mut self, start: &Start) -> Map<String, Value> {
        let EncodeOptions {
            model, id, created, ..
        } = &self.options;
        let own_id = Some(&*start.id).filter(|id| !id.is_empty());
        let id = own_id.or(id.as_deref()).unwrap_or("chatcmpl-unknown");
        let created = start.created.or(*created).unwrap_or(0);
        let model = model.as_deref().unwrap_or(&start.model);
        self.head.clear();
        self.head.put_slice(br#"data: {"id":"#);
        write_string(&mut self.head, id);
        // Writing to memory does not fail.
        let _ = write!(
            self.head,
            r#","object":"chat.completion.chunk","created":{created},"model":"#
        );
        write_string(&mut self.head, model);
        self.head.put_u8(b',');
        if let Some(tier) = &start.service_tier {
            write_member(&mut self.head, "service_tier", &Value::from(tier.as_str()));
        }
        let mut once = Map::new();
        for (name, value) in start.extra.fields(ID).into_iter().flatten() {
            if value.is_string() {
                write_member(&mut self.head, name, value);
            } else {
                once.insert(name.clone(), value.clone());
            }
        }
        once
    }

    fn open_head(&mut self) {
        if self.head.is_empty() {
            self.write_head(&Start::default());
        }
    }

    /// The place of a choice, whose role is told before anything else of it.
    fn open(&mut self, index: u32, out: &mut BytesMut) -> usize {
        self.open_head();
        let known = self.choices.iter().position(|choice| choice.index == index);
        known.unwrap_or_else(|| self.write_role(index, &Map::new(), out))
    }

    fn write_role(&mut self, index: u32, once: &Map<String, Value>, out: &mut BytesMut) -> usize {
        self.choices.push(Choice {
            index,
            is_finished: false,
            calls: Vec::new(),
            blocks: 0,
            thoughts: String::new(),
            logprobs: None,
            citations: Citations::default(),
        });
        self.chunk(out, once, |out| {
            write_choice(out, index, None, |out| {
                out.put_slice(br#"{"role":"assistant","content":""}"#);
            });
        });
        self.choices.len() - 1
    }

    fn piece(&mut self, at: usize, event: &ChatEvent, out: &mut BytesMut) {
        match event {
            ChatEvent::TextDelta { text, .. } => {
                let choice = &mut self.choices[at];
                choice.citations.say(text);
                // A proof belongs to the thoughts right before it.
                choice.thoughts.clear();
                self.text(at, "content", text, out);
            }
            ChatEvent::TextSignature { signature, .. } => {
                let mut delta = Map::new();
                write_google_signature(&mut delta, signature);
                self.delta(at, None, out, |out| write_value(out, &delta.into()));
            }
            ChatEvent::RefusalDelta { text, .. } => self.text(at, "refusal", text, out),
            ChatEvent::ReasoningDelta { text, .. } => {
                self.choices[at].thoughts.push_str(text);
                self.delta(at, None, out, |out| {
                    write_text_delta(out, "reasoning_content", text);
                });
            }
            ChatEvent::ReasoningSignature { signature, .. } => {
                let thoughts = std::mem::take(&mut self.choices[at].thoughts);
                let block =
                    json!({"type": "thinking", "thinking": thoughts, "signature": signature});
                self.block(at, block, out);
            }
            ChatEvent::ReasoningSealed { reasoning, .. } => {
                self.choices[at].thoughts.clear();
                let block = json!({"type": "redacted_thinking", "data": reasoning.sealed});
                self.block(at, block, out);
            }
            ChatEvent::ToolCallStart {
                kind,
                id,
                name,
                signature,
                ..
            } => self.call(at, *kind, id, name, signature.as_deref(), out),
            ChatEvent::ToolCallDelta {
                tool, arguments, ..
            } => self.arguments(at, *tool, arguments, out),
            ChatEvent::Logprobs { logprobs, .. } => {
                self.flush_logprobs(at, out);
                self.choices[at].logprobs = Some(logprobs.clone());
            }
            ChatEvent::Finish { reason, .. } => self.finish(at, reason, out),
            ChatEvent::Other { extra, .. } => self.other(at, extra, out),
            ChatEvent::Start(_) | ChatEvent::Usage { .. } => {}
        }
    }

    fn text(&mut self, at: usize, field: &str, text: &str, out: &mut BytesMut) {
        let logprobs = self.choices[at].logprobs.take();
        self.delta(at, logprobs.as_ref(), out, |out| {
            write_text_delta(out, field, text);
        });
    }

    /// Signed reasoning, as LiteLLM spells it, with the text that was told already, so that it goes
    /// back beside its proof; helpers of the SDKs join lists by their `index`.
    fn block(&mut self, at: usize, mut block: Value, out: &mut BytesMut) {
        let choice = &mut self.choices[at];
        block["index"] = choice.blocks.into();
        choice.blocks += 1;
        let delta = json!({"thinking_blocks": [block]});
        self.delta(at, None, out, |out| write_value(out, &delta));
    }

    fn call(
        &mut self,
        at: usize,
        kind: ToolCallKind,
        id: &str,
        name: &str,
        signature: Option<&str>,
        out: &mut BytesMut,
    ) {
        let choice = &mut self.choices[at];
        choice.thoughts.clear();
        let calls = &mut choice.calls;
        let (word, input) = words(kind);
        let mut call = Map::new();
        call.insert("index".to_owned(), calls.len().into());
        call.insert("id".to_owned(), id.into());
        call.insert("type".to_owned(), word.into());
        call.insert(word.to_owned(), json!({"name": name, input: ""}));
        if let Some(signature) = signature {
            write_google_signature(&mut call, signature);
        }
        calls.push(kind);
        let delta = json!({"tool_calls": [call]});
        self.delta(at, None, out, |out| write_value(out, &delta));
    }

    fn arguments(&mut self, at: usize, tool: u32, arguments: &str, out: &mut BytesMut) {
        let place = usize::try_from(tool).unwrap_or(usize::MAX);
        let Some(&kind) = self.choices[at].calls.get(place) else {
            return;
        };
        let (word, input) = words(kind);
        self.delta(at, None, out, |out| {
            // Writing to memory does not fail.
            let _ = write!(
                out,
                r#"{{"tool_calls":[{{"index":{tool},"{word}":{{"{input}":"#
            );
            write_string(out, arguments);
            out.put_slice(b"}}]}");
        });
    }

    fn cite(&self, at: usize, annotations: Option<Value>, out: &mut BytesMut) {
        if let Some(delta) = annotations {
            self.delta(at, None, out, |out| write_value(out, &delta));
        }
    }

    fn flush_logprobs(&mut self, at: usize, out: &mut BytesMut) {
        if let Some(logprobs) = self.choices[at].logprobs.take() {
            self.delta(at, Some(&logprobs), out, |out| out.put_slice(b"{}"));
        }
    }

    fn finish(&mut self, at: usize, reason: &FinishReason, out: &mut BytesMut) {
        self.flush_logprobs(at, out);
        let annotations = self.choices[at].citations.tell();
        self.cite(at, annotations, out);
        let choice = &mut self.choices[at];
        choice.is_finished = true;
        let index = choice.index;
        self.chunk(out, &Map::new(), |out| {
            let _ = write!(
                out,
                r#"{{"index":{index},"delta":{{}},"logprobs":null,"finish_reason":"#
            );
            write_string(out, write_finish(reason));
            out.put_u8(b'}');
        });
    }

    /// What only one format says of one choice.
    fn other(&mut self, at: usize, extra: &Extra, out: &mut BytesMut) {
        let annotations = self.choices[at].citations.note(extra);
        self.cite(at, annotations, out);
        let Some(fields) = extra.fields(ID).filter(|fields| !fields.is_empty()) else {
            return;
        };
        let mut choice = json!({
            "index": self.choices[at].index,
            "delta": {},
            "logprobs": null,
            "finish_reason": null,
        });
        for (name, value) in fields {
            choice[name] = value.clone();
        }
        self.chunk(out, &Map::new(), |out| write_value(out, &choice));
    }

    /// What only this format says of the whole answer.
    fn news(&mut self, extra: &Extra, out: &mut BytesMut) {
        if let Some(fields) = extra.fields(ID).filter(|fields| !fields.is_empty()) {
            self.open_head();
            self.chunk(out, fields, |_| {});
        }
    }

    fn delta(
        &self,
        at: usize,
        logprobs: Option<&Logprobs>,
        out: &mut BytesMut,
        write: impl FnOnce(&mut BytesMut),
    ) {
        let index = self.choices[at].index;
        self.chunk(out, &Map::new(), |out| {
            write_choice(out, index, logprobs, write);
        });
    }

    fn chunk(
        &self,
        out: &mut BytesMut,
        fields: &Map<String, Value>,
        write_choice: impl FnOnce(&mut BytesMut),
    ) {
        out.put_slice(&self.head);
        for (name, value) in fields {
            write_member(out, name, value);
        }
        out.put_slice(br#""choices":["#);
        write_choice(out);
        out.put_u8(b']');
        if self.options.include_usage {
            out.put_slice(br#","usage":null"#);
        }
        out.put_slice(b"}\n\n");
    }
}

fn write_choice(
    out: &mut BytesMut,
    index: u32,
    logprobs: Option<&Logprobs>,
    write_delta: impl FnOnce(&mut BytesMut),
) {
    // Writing to memory does not fail.
    let _ = write!(out, r#"{{"index":{index},"delta":"#);
    write_delta(out);
    out.put_slice(br#","logprobs":"#);
    match logprobs {
        Some(logprobs) => write_value(out, &write_logprobs(logprobs)),
        None => out.put_slice(b"null"),
    }
    out.put_slice(br#","finish_reason":null}"#);
}

fn write_text_delta(out: &mut BytesMut, field: &str, text: &str) {
    out.put_slice(b"{");
    write_string(out, field);
    out.put_u8(b':');
    write_string(out, text);
    out.put_u8(b'}');
}

fn write_member(out: &mut BytesMut, name: &str, value: &Value) {
    write_string(out, name);
    out.put_u8(b':');
    write_value(out, value);
    out.put_u8(b',');
}

fn write_value(out: &mut BytesMut, value: &Value) {
    // The display of a value is its JSON; writing to memory does not fail.
    let _ = write!(out, "{value}");
}

const fn words(kind: ToolCallKind) -> (&'static str, &'static str) {
    match kind {
        ToolCallKind::Function => ("function", "arguments"),
        ToolCallKind::Custom => ("custom", "input"),
    }
}
