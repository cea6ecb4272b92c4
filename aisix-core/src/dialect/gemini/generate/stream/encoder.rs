use bytes::{BufMut, BytesMut};
use serde_json::{Map, Value, json};

use super::super::ID;
use super::super::finish::write_finish;
use super::super::logprobs::write_logprobs;
use super::super::response::{LOGPROBS, REASON, write_called};
use super::super::wire::Rest;
use crate::conversation::{ChatEvent, Extra, Start, ToolCall, Usage};
use crate::dialect::gemini::error::write_stream_error;
use crate::dialect::gemini::usage::usage_map;
use crate::dialect::{EncodeOptions, StreamEncoder};
use crate::error::{Error, Result};
use crate::json::write_string;

/// Writes a stream of answers as the vendor does: lines end with CRLF, calls come whole, and the last
/// event says why each candidate ended and what it cost.
#[derive(Debug)]
pub(in crate::dialect::gemini::generate) struct Encoder {
    options: EncodeOptions,
    /// What every event ends with, from behind its candidates.
    tail: BytesMut,
    /// Members of the answer that the next event carries.
    once: Rest,
    choices: Vec<Choice>,
    usage: Option<(Usage, Extra)>,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    /// Calls whose arguments may still come.
    calls: Vec<(ToolCall, Option<String>)>,
    /// Members of the candidate that its next event carries.
    once: Rest,
    reason: Option<String>,
    own_reason: Option<String>,
}

impl StreamEncoder for Encoder {
    fn event(&mut self, event: &ChatEvent, out: &mut BytesMut) -> Result<()> {
        match event {
            ChatEvent::Start(start) => self.start(start),
            ChatEvent::Usage { usage, extra } => self.usage = Some((*usage, extra.clone())),
            ChatEvent::Other {
                choice: None,
                extra,
            } => self
                .once
                .extend(extra.fields(ID).cloned().unwrap_or_default()),
            other => {
                if let Some(choice) = other.choice() {
                    let at = self.place(choice);
                    self.piece(at, other, out)?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<()> {
        for at in 0..self.choices.len() {
            self.flush_calls(at, out)?;
        }
        let candidates: Vec<_> = self.choices.iter_mut().map(Choice::end).collect();
        if self.tail.is_empty() {
            self.start(&Start::default());
        }
        if let Some((usage, extra)) = self.usage.take() {
            let usage = usage_map(&usage, extra.fields(ID));
            self.once.insert("usageMetadata".to_owned(), usage.into());
        }
        self.write(&Value::from(candidates), out);
        Ok(())
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        write_stream_error(error, out);
    }
}

impl Encoder {
    pub(in crate::dialect::gemini::generate) fn new(options: EncodeOptions) -> Self {
        Self {
            options,
            tail: BytesMut::new(),
            once: Map::new(),
            choices: Vec::new(),
            usage: None,
        }
    }

    fn start(&mut self, start: &Start) {
        let EncodeOptions { model, id, .. } = &self.options;
        let own_id = Some(&*start.id).filter(|id| !id.is_empty());
        self.usage = start.usage.map(|usage| (usage, Extra::default()));
        self.tail.clear();
        self.tail.put_slice(br#","modelVersion":"#);
        write_string(&mut self.tail, model.as_deref().unwrap_or(&start.model));
        if let Some(id) = own_id.or(id.as_deref()) {
            self.tail.put_slice(br#","responseId":"#);
            write_string(&mut self.tail, id);
        }
        for (name, value) in start.extra.fields(ID).into_iter().flatten() {
            if let Some(text) = value.as_str() {
                self.tail.put_u8(b',');
                write_string(&mut self.tail, name);
                self.tail.put_u8(b':');
                write_string(&mut self.tail, text);
            } else {
                self.once.insert(name.clone(), value.clone());
            }
        }
        self.tail.put_slice(b"}\r\n\r\n");
    }

    fn place(&mut self, index: u32) -> usize {
        if self.tail.is_empty() {
            self.start(&Start::default());
        }
        let known = self.choices.iter().position(|choice| choice.index == index);
        known.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                ..Choice::default()
            });
            self.choices.len() - 1
        })
    }

    fn piece(&mut self, at: usize, event: &ChatEvent, out: &mut BytesMut) -> Result<()> {
        match event {
            ChatEvent::TextDelta { text, .. } | ChatEvent::RefusalDelta { text, .. } => {
                self.text(at, text, out);
            }
            ChatEvent::TextSignature { signature, .. } => {
                self.parts(
                    at,
                    &json!([{"text": "", "thoughtSignature": signature}]),
                    out,
                );
            }
            ChatEvent::ReasoningDelta { text, .. } => {
                self.parts(at, &json!([{"text": text, "thought": true}]), out);
            }
            ChatEvent::ReasoningSignature { signature, .. } => {
                let part = json!({"text": "", "thought": true, "thoughtSignature": signature});
                self.parts(at, &json!([part]), out);
            }
            ChatEvent::ToolCallStart {
                kind,
                id,
                name,
                signature,
                ..
            } => {
                let call = ToolCall::new(id, name, "").with_kind(*kind);
                self.choices[at].calls.push((call, signature.clone()));
            }
            ChatEvent::ToolCallDelta {
                tool, arguments, ..
            } => {
                let place = usize::try_from(*tool).unwrap_or(usize::MAX);
                if let Some((call, _)) = self.choices[at].calls.get_mut(place) {
                    call.arguments.push_str(arguments);
                }
            }
            ChatEvent::Logprobs { logprobs, .. } => {
                let logprobs = write_logprobs(logprobs);
                self.flush(at, out);
                self.choices[at].once.insert(LOGPROBS.to_owned(), logprobs);
            }
            ChatEvent::Finish { reason, .. } => {
                self.flush_calls(at, out)?;
                self.choices[at].reason = Some(write_finish(reason).to_owned());
            }
            ChatEvent::Other { extra, .. } => self.other(at, extra, out),
            // Only the vendor that sealed thoughts can read them.
            ChatEvent::ReasoningSealed { .. } | ChatEvent::Start(_) | ChatEvent::Usage { .. } => {}
        }
        Ok(())
    }

    /// What only this format says of a candidate.
    fn other(&mut self, at: usize, extra: &Extra, out: &mut BytesMut) {
        let mut fields = extra.fields(ID).cloned().unwrap_or_default();
        if let Some(parts) = fields.shift_remove("parts") {
            self.parts(at, &parts, out);
        }
        let choice = &mut self.choices[at];
        if let Some(Value::String(reason)) = fields.shift_remove(REASON) {
            choice.own_reason = Some(reason);
        }
        choice.once.extend(fields);
    }

    /// Writes the calls, whose arguments are all here.
    fn flush_calls(&mut self, at: usize, out: &mut BytesMut) -> Result<()> {
        let calls = std::mem::take(&mut self.choices[at].calls);
        if calls.is_empty() {
            return Ok(());
        }
        let mut parts = Vec::with_capacity(calls.len());
        for (call, signature) in &calls {
            let mut part = json!({"functionCall": write_called(call)?});
            if let Some(signature) = signature {
                part["thoughtSignature"] = signature.as_str().into();
            }
            parts.push(part);
        }
        self.parts(at, &parts.into(), out);
        Ok(())
    }

    /// Writes what waits for an event, if nothing has taken it along.
    fn flush(&mut self, at: usize, out: &mut BytesMut) {
        if self.choices[at].once.contains_key(LOGPROBS) {
            self.parts(at, &json!([]), out);
        }
    }

    /// Nearly every event is one text, and is written without a tree.
    fn text(&mut self, at: usize, text: &str, out: &mut BytesMut) {
        if !self.once.is_empty() || !self.choices[at].once.is_empty() {
            self.parts(at, &json!([{"text": text}]), out);
            return;
        }
        out.put_slice(br#"data: {"candidates":[{"content":{"parts":[{"text":"#);
        write_string(out, text);
        out.put_slice(br#"}],"role":"model"},"index":"#);
        out.put_slice(self.choices[at].index.to_string().as_bytes());
        out.put_slice(b"}]");
        out.put_slice(&self.tail);
    }

    fn parts(&mut self, at: usize, parts: &Value, out: &mut BytesMut) {
        let choice = &mut self.choices[at];
        let mut candidate = json!({
            "content": {"parts": parts, "role": "model"},
            "index": choice.index,
        });
        for (name, value) in std::mem::take(&mut choice.once) {
            candidate[&name] = value;
        }
        self.write(&json!([candidate]), out);
    }

    fn write(&mut self, candidates: &Value, out: &mut BytesMut) {
        out.put_slice(br#"data: {"candidates":"#);
        out.put_slice(candidates.to_string().as_bytes());
        for (name, value) in std::mem::take(&mut self.once) {
            out.put_u8(b',');
            write_string(out, &name);
            out.put_u8(b':');
            out.put_slice(value.to_string().as_bytes());
        }
        out.put_slice(&self.tail);
    }
}

impl Choice {
    /// The last word on the candidate.
    fn end(&mut self) -> Value {
        let reason = self.own_reason.take().or_else(|| self.reason.take());
        let mut candidate = json!({
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": reason.as_deref().unwrap_or("STOP"),
            "index": self.index,
        });
        for (name, value) in std::mem::take(&mut self.once) {
            candidate[&name] = value;
        }
        candidate
    }
}
