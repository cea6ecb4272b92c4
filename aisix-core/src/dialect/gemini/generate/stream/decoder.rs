use serde_json::{Value, json};

use super::super::ID;
use super::super::finish::{UNSPECIFIED, read_finish};
use super::super::grounding::{Said, annotations};
use super::super::logprobs::read_logprobs;
use super::super::media::read_blob;
use super::super::response::{FEEDBACK, keep_reason, made_id, read_body, read_created, read_tier};
use super::super::shown::{ANNOTATIONS, IMAGES, picture, shown_delta};
use super::super::wire::{self, Candidate, FunctionCall, Rest};
use super::super::words::CustomTools;
use super::counted::Counted;
use super::partial::Partial;
use super::plain::{Plain, read_plain};
use crate::conversation::{ChatEvent, Extra, FinishReason, PartKind, Start};
use crate::dialect::gemini::usage::take_usage;
use crate::dialect::{Carry, StreamDecoder};
use crate::error::{Error, Result};
use crate::sse;

/// Reads a stream of answers, each of which says only what is new.
///
/// Finishes are told at the end, since the vendor may still sign behind one; so is the usage, which
/// every event counts anew, with fields missing now and then: of each field the last one counts.
#[derive(Debug)]
pub(in crate::dialect::gemini::generate) struct Decoder {
    carry: Carry,
    start: Option<Start>,
    choices: Vec<Choice>,
    usage: Counted,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    said: Said,
    /// What the answer rests on; the last word counts.
    sources: Rest,
    has_parts: bool,
    calls: u32,
    pictures: usize,
    open: Option<Call>,
    finish: Option<FinishReason>,
}

/// A call whose arguments are still coming.
#[derive(Debug)]
struct Call {
    name: String,
    args: Partial,
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: &sse::Event, out: &mut Vec<ChatEvent>) -> Result<()> {
        let Some(data) = event.data() else {
            return Ok(());
        };
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        if self.start.is_some()
            && let Some(plain) = read_plain(&data)
        {
            self.plain(plain, &data, out);
            return Ok(());
        }
        let mut wire = read_body(&data)?;
        let candidates = wire.candidates.take().unwrap_or_default();
        let usage = wire.usage_metadata.take().unwrap_or_default();
        let is_blocked = candidates.is_empty() && wire.rest.contains_key(FEEDBACK);
        self.head(wire, read_tier(&usage), out);
        self.usage.push(usage);
        if is_blocked {
            let at = self.place(0);
            self.choices[at].finish = Some(FinishReason::ContentFilter);
        }
        for candidate in candidates {
            self.candidate(candidate, out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<()> {
        let is_whole =
            !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some());
        for choice in std::mem::take(&mut self.choices) {
            choice.end(&self.carry, out);
        }
        if let Some(mut counts) = self.usage.take()
            && let Some(usage) = take_usage(&mut counts)
        {
            let extra = Extra::with_fields(ID, counts);
            out.push(ChatEvent::Usage { usage, extra });
        }
        if is_whole {
            Ok(())
        } else {
            Err(Error::transport("The upstream ended the stream half-way."))
        }
    }
}

impl Decoder {
    pub(in crate::dialect::gemini::generate) fn new(carry: Carry) -> Self {
        Self {
            carry,
            start: None,
            choices: Vec::new(),
            usage: Counted::default(),
        }
    }

    fn plain(&mut self, plain: Plain<'_>, data: &[u8], out: &mut Vec<ChatEvent>) {
        if let Some(counts) = plain.usage.and_then(|span| data.get(span)) {
            self.usage.push_raw(counts);
        }
        let at = self.place(plain.index);
        self.choices[at].text(plain.text.into_owned(), out);
    }

    /// What an event says of the whole answer; nearly all of it comes with each event again.
    fn head(&mut self, wire: wire::Response, tier: Option<String>, out: &mut Vec<ChatEvent>) {
        let mut rest = wire.rest;
        if let Some(start) = &self.start {
            let known = start.extra.fields(ID);
            rest.retain(|name, _| !known.is_some_and(|known| known.contains_key(name)));
            if !rest.is_empty() {
                out.push(ChatEvent::Other {
                    choice: None,
                    extra: Extra::with_fields(ID, rest),
                });
            }
            return;
        }
        let mut start = Start::new(
            wire.response_id.unwrap_or_default(),
            wire.model_version.unwrap_or_default(),
        );
        start.created = read_created(&rest);
        start.service_tier = tier;
        start.extra = Extra::from_rest(ID, rest);
        out.push(ChatEvent::Start(start.clone()));
        self.start = Some(start);
    }

    fn place(&mut self, index: u32) -> usize {
        let known = self.choices.iter().position(|choice| choice.index == index);
        known.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                ..Choice::default()
            });
            self.choices.len() - 1
        })
    }

    fn candidate(&mut self, wire: Candidate, out: &mut Vec<ChatEvent>) -> Result<()> {
        let at = self.place(wire.index.unwrap_or(0));
        let id = self.start.as_ref().map_or("", |start| start.id.as_str());
        let choice = &mut self.choices[at];
        if let Some(logprobs) = wire.logprobs_result.as_ref().and_then(read_logprobs) {
            out.push(ChatEvent::Logprobs {
                choice: choice.index,
                logprobs,
            });
        }
        let parts = wire.content.and_then(|content| content.parts);
        for part in parts.into_iter().flatten() {
            choice.part(part, id, &self.carry, out)?;
        }
        let mut rest = wire.rest;
        rest.retain(|_, value| !says_nothing(value));
        for name in ["groundingMetadata", "citationMetadata"] {
            if let Some(sources) = rest.get(name) {
                choice.sources.insert(name.to_owned(), sources.clone());
            }
        }
        let is_known = |reason: &String| reason != UNSPECIFIED || !choice.has_parts;
        if let Some(reason) = wire.finish_reason.filter(is_known) {
            let finish = read_finish(&reason, choice.calls > 0, choice.has_parts)?;
            keep_reason(&reason, &finish, &mut rest);
            choice.finish = Some(finish);
        }
        if !rest.is_empty() {
            out.push(ChatEvent::Other {
                choice: Some(choice.index),
                extra: Extra::with_fields(ID, rest),
            });
        }
        Ok(())
    }
}

impl Choice {
    fn part(
        &mut self,
        mut wire: wire::Part,
        answer: &str,
        carry: &Carry,
        out: &mut Vec<ChatEvent>,
    ) -> Result<()> {
        let choice = self.index;
        if let Some(call) = wire.function_call.take() {
            self.has_parts = true;
            return self.call(call, wire.thought_signature, answer, carry, out);
        }
        let Some(text) = wire.text.take() else {
            self.has_parts = true;
            self.other(wire, out);
            return Ok(());
        };
        let signature = wire.thought_signature;
        self.has_parts |= !text.is_empty();
        if wire.thought == Some(true) {
            if !text.is_empty() {
                out.push(ChatEvent::ReasoningDelta { choice, text });
            }
            if let Some(signature) = signature {
                out.push(ChatEvent::ReasoningSignature { choice, signature });
            }
            return Ok(());
        }
        if !text.is_empty() {
            self.text(text, out);
        }
        if let Some(signature) = signature {
            out.push(ChatEvent::TextSignature { choice, signature });
        }
        Ok(())
    }

    fn text(&mut self, text: String, out: &mut Vec<ChatEvent>) {
        self.has_parts = true;
        self.said.push(&text);
        out.push(ChatEvent::TextDelta {
            choice: self.index,
            text,
        });
    }

    /// What a stream of the neutral model has no word for, such as code that was run.
    fn other(&mut self, wire: wire::Part, out: &mut Vec<ChatEvent>) {
        let choice = Some(self.index);
        let fields = Rest::from_iter([("parts".to_owned(), json!([&wire]))]);
        out.push(ChatEvent::Other {
            choice,
            extra: Extra::with_fields(ID, fields),
        });
        if let Some(PartKind::Image(media)) = wire.inline_data.map(read_blob)
            && let Some(picture) = picture(self.pictures, &media)
        {
            self.pictures += 1;
            out.push(ChatEvent::Other {
                choice,
                extra: shown_delta(IMAGES, json!([picture])),
            });
        }
    }

    /// Reads a call, which comes whole, or begins here and goes on in later events.
    fn call(
        &mut self,
        wire: FunctionCall,
        signature: Option<String>,
        answer: &str,
        carry: &Carry,
        out: &mut Vec<ChatEvent>,
    ) -> Result<()> {
        let choice = self.index;
        let goes_on = wire.will_continue == Some(true);
        if let Some(sent) = &wire.name {
            self.close(carry, out);
            let tool = self.calls;
            let id = match &wire.id {
                Some(id) => id.clone(),
                None => made_id(answer, choice, tool, &wire),
            };
            let name = carry.tool_name(sent).to_owned();
            out.push(ChatEvent::ToolCallStart {
                choice,
                tool,
                kind: CustomTools::kind(carry, &name),
                id,
                name: name.clone(),
                signature,
            });
            self.calls += 1;
            let args = Partial::new(wire.args);
            self.open = Some(Call { name, args });
        }
        if let Some(open) = &mut self.open {
            for piece in wire.partial_args.iter().flatten() {
                open.args.apply(piece)?;
            }
        }
        if !goes_on {
            self.close(carry, out);
        }
        Ok(())
    }

    /// Tells the arguments of the call that is open, if one is.
    fn close(&mut self, carry: &Carry, out: &mut Vec<ChatEvent>) {
        if let (Some(call), Some(tool)) = (self.open.take(), self.calls.checked_sub(1)) {
            let args = call.args.into_args();
            out.push(ChatEvent::ToolCallDelta {
                choice: self.index,
                tool,
                arguments: CustomTools::input(carry, &call.name, &args)
                    .unwrap_or_else(|| args.to_string()),
            });
        }
    }

    fn end(mut self, carry: &Carry, out: &mut Vec<ChatEvent>) {
        self.close(carry, out);
        let choice = self.index;
        if let Some(annotations) = annotations(&self.sources, &self.said) {
            out.push(ChatEvent::Other {
                choice: Some(choice),
                extra: shown_delta(ANNOTATIONS, annotations),
            });
        }
        if let Some(reason) = self.finish {
            out.push(ChatEvent::finish(choice, reason));
        }
    }
}

/// The vendor repeats empty members in each event.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}
