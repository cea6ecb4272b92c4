//! Streams of chunks, both ways.

use bytes::{BufMut, BytesMut};
use serde_json::{Value, json};

use super::ID;
use super::response::{OBJECT, answer_id, read_logprobs, write_finish, write_logprobs};
use super::wire;
use crate::conversation::{ChatEvent, Extra, FinishReason, Logprobs, Start, Usage};
use crate::dialect::openai::chat::{read_created, read_finish};
use crate::dialect::openai::error::{decode, read_reported, write_stream_error};
use crate::dialect::openai::usage::{TOKENS_OF_CHAT, take_usage, usage_map};
use crate::dialect::{EncodeOptions, StreamDecoder, StreamEncoder};
use crate::error::{Error, Result};
use crate::sse;

/// Reads a stream of chunks.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    has_started: bool,
    /// The choices, and whether they have ended.
    choices: Vec<(u32, bool)>,
    usage: Option<(Usage, wire::Rest)>,
    is_done: bool,
}

/// Writes a stream of chunks.
#[derive(Debug)]
pub(super) struct Encoder {
    options: EncodeOptions,
    head: Option<Head>,
    choices: Vec<Choice>,
    usage: Option<(Usage, Extra)>,
}

/// What every chunk repeats.
#[derive(Clone, Debug)]
struct Head {
    id: String,
    created: u64,
    model: String,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    is_finished: bool,
    /// Where the next token stands in the text.
    offset: u64,
    logprobs: Option<Logprobs>,
}

// === impl Decoder ===

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
        let mut chunk: wire::Response = decode(&data)?;
        if let Some(error) = chunk.error.take() {
            return Err(read_reported(error));
        }
        if let Some(mut usage) = chunk.usage.take() {
            self.usage = Some((take_usage(&mut usage, &TOKENS_OF_CHAT), usage));
        }
        let choices = chunk.choices.take().unwrap_or_default();
        if !std::mem::replace(&mut self.has_started, true) {
            let mut start = Start::new(chunk.id, chunk.model);
            start.created = chunk.created.as_ref().and_then(read_created);
            chunk.rest.retain(|_, value| !value.is_null());
            start.extra = Extra::with_fields(ID, chunk.rest);
            out.push(ChatEvent::Start(start));
        }
        for choice in choices {
            self.choice(choice, out);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<()> {
        if let Some((usage, rest)) = self.usage.take() {
            let extra = Extra::with_fields(ID, rest);
            out.push(ChatEvent::Usage { usage, extra });
        }
        let all_finished = self.choices.iter().all(|(_, is_finished)| *is_finished);
        if self.is_done || !self.choices.is_empty() && all_finished {
            self.is_done = true;
            Ok(())
        } else {
            Err(Error::transport("The upstream ended the stream half-way."))
        }
    }
}

impl Decoder {
    fn choice(&mut self, wire: wire::Choice, out: &mut Vec<ChatEvent>) {
        let choice = wire.index;
        let known = self.choices.iter().position(|(index, _)| *index == choice);
        let at = known.unwrap_or_else(|| {
            self.choices.push((choice, false));
            self.choices.len() - 1
        });
        if let Some(logprobs) = wire.logprobs {
            let logprobs = read_logprobs(logprobs);
            out.push(ChatEvent::Logprobs { choice, logprobs });
        }
        if let Some(text) = wire.text.filter(|text| !text.is_empty()) {
            out.push(ChatEvent::TextDelta { choice, text });
        }
        let reason = wire.finish_reason.filter(|reason| !reason.is_empty());
        if let Some(reason) = reason.filter(|_| !self.choices[at].1) {
            self.choices[at].1 = true;
            out.push(ChatEvent::finish(choice, read_finish(&reason)));
        }
    }
}

// === impl Encoder ===

impl StreamEncoder for Encoder {
    fn event(&mut self, event: &ChatEvent, out: &mut BytesMut) -> Result<()> {
        match event {
            ChatEvent::Start(start) => {
                self.usage = start.usage.map(|usage| (usage, Extra::default()));
                self.head = Some(self.head_of(start));
            }
            ChatEvent::TextDelta { choice, text } | ChatEvent::RefusalDelta { choice, text } => {
                let at = self.place(*choice);
                self.chunk(at, text, None, out);
            }
            ChatEvent::Logprobs { choice, logprobs } => {
                let at = self.place(*choice);
                let known = &mut self.choices[at].logprobs;
                known.get_or_insert_default().extend(logprobs.clone());
            }
            ChatEvent::Finish { choice, reason, .. } => {
                let at = self.place(*choice);
                self.finish(at, Some(reason), out);
            }
            ChatEvent::Usage { usage, extra } => self.usage = Some((*usage, extra.clone())),
            // There is no place for thoughts, calls and what other formats say.
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<()> {
        if self.choices.is_empty() {
            self.place(0);
        }
        for at in 0..self.choices.len() {
            if !self.choices[at].is_finished {
                self.finish(at, None, out);
            }
        }
        if let Some((usage, extra)) = self.usage.take().filter(|_| self.options.include_usage) {
            let usage = usage_map(&usage, extra.fields(ID), &TOKENS_OF_CHAT);
            self.write(&json!([]), Some(usage.into()), out);
        }
        out.put_slice(sse::DONE);
        Ok(())
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        write_stream_error(error, out);
    }
}

impl Encoder {
    pub(super) fn new(options: EncodeOptions) -> Self {
        Self {
            options,
            head: None,
            choices: Vec::new(),
            usage: None,
        }
    }

    fn head_of(&self, start: &Start) -> Head {
        let EncodeOptions {
            model, id, created, ..
        } = &self.options;
        let own_id = Some(&*start.id).filter(|id| !id.is_empty());
        let id = own_id.or(id.as_deref()).unwrap_or("cmpl-unknown");
        Head {
            id: answer_id(id, own_id.is_some() && start.extra.origin() == Some(ID)),
            created: start.created.or(*created).unwrap_or(0),
            model: model.as_ref().unwrap_or(&start.model).clone(),
        }
    }

    fn place(&mut self, index: u32) -> usize {
        let known = self.choices.iter().position(|choice| choice.index == index);
        known.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                is_finished: false,
                offset: 0,
                logprobs: None,
            });
            self.choices.len() - 1
        })
    }

    fn finish(&mut self, at: usize, reason: Option<&FinishReason>, out: &mut BytesMut) {
        self.choices[at].is_finished = true;
        self.chunk(at, "", Some(write_finish(reason)), out);
    }

    fn chunk(&mut self, at: usize, text: &str, finish: Option<&str>, out: &mut BytesMut) {
        let choice = &mut self.choices[at];
        let logprobs = choice.logprobs.take();
        let logprobs = logprobs.map(|it| write_logprobs(&it, &mut choice.offset));
        let choice = json!({
            "text": text,
            "index": choice.index,
            "logprobs": logprobs,
            "finish_reason": finish,
        });
        let usage = self.options.include_usage.then_some(Value::Null);
        self.write(&json!([choice]), usage, out);
    }

    fn write(&mut self, choices: &Value, usage: Option<Value>, out: &mut BytesMut) {
        if self.head.is_none() {
            self.head = Some(self.head_of(&Start::default()));
        }
        let Some(head) = &self.head else { return };
        let mut chunk = json!({
            "id": head.id,
            "object": OBJECT,
            "created": head.created,
            "model": head.model,
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        sse::write_event(out, None, chunk.to_string().as_bytes());
    }
}
