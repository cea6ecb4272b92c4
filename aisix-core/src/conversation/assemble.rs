use super::{ChatEvent, ChatResponse, Choice, Message, Part, PartKind, Reasoning, Start, ToolCall};

/// Puts the events of a stream together to the answer that they spell.
///
/// ```
/// use aisix_core::conversation::{Assembler, ChatEvent, FinishReason, Start, Usage};
///
/// let mut answer = Assembler::new();
/// answer.push(ChatEvent::Start(Start::new("id", "gpt-4o")));
/// answer.push(ChatEvent::text(0, "Hel"));
/// answer.push(ChatEvent::text(0, "lo"));
/// answer.push(ChatEvent::finish(0, FinishReason::Stop));
/// answer.push(ChatEvent::usage(Usage::new(3, 2)));
///
/// let answer = answer.into_response();
/// assert_eq!(answer.text(), "Hello");
/// assert_eq!(answer.usage().total(), 5);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    response: ChatResponse,
    /// For each choice the places of its calls among its parts.
    calls: Vec<Vec<usize>>,
}

impl Assembler {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next event.
    pub fn push(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Start(start) => self.start(start),
            ChatEvent::TextDelta { choice, text } => append_text(self.parts(choice), text),
            ChatEvent::TextSignature { choice, signature } => {
                sign_text(self.parts(choice), signature);
            }
            ChatEvent::ReasoningDelta { choice, text } => {
                append_reasoning(self.parts(choice), text);
            }
            ChatEvent::ReasoningSignature { choice, signature } => {
                sign_reasoning(self.parts(choice), signature);
            }
            ChatEvent::ReasoningSealed { choice, reasoning } => {
                self.parts(choice)
                    .push(PartKind::Reasoning(reasoning).into());
            }
            ChatEvent::RefusalDelta { choice, text } => append_refusal(self.parts(choice), text),
            ChatEvent::ToolCallStart {
                choice,
                kind,
                id,
                name,
                signature,
                ..
            } => {
                let call = ToolCall::new(id, name, "").with_kind(kind);
                let mut part = Part::new(PartKind::ToolCall(call));
                part.signature = signature;
                self.push_call(choice, part);
            }
            ChatEvent::ToolCallDelta {
                choice,
                tool,
                arguments,
            } => self.extend_call(choice, tool, &arguments),
            ChatEvent::Logprobs { choice, logprobs } => self
                .choice(choice)
                .logprobs
                .get_or_insert_default()
                .extend(logprobs),
            ChatEvent::Finish {
                choice,
                reason,
                stop_sequence,
            } => {
                let choice = self.choice(choice);
                choice.finish = Some(reason);
                choice.stop_sequence = stop_sequence;
            }
            ChatEvent::Usage { usage, .. } => self.response.usage = Some(usage),
            // What one wire format says in pieces cannot be joined without knowing it.
            ChatEvent::Other { .. } => {}
        }
    }

    /// The answer as far as it has come.
    #[must_use]
    pub fn response(&self) -> &ChatResponse {
        &self.response
    }

    /// The answer.
    #[must_use]
    pub fn into_response(mut self) -> ChatResponse {
        self.response.choices.sort_by_key(|choice| choice.index);
        self.response
    }

    fn start(&mut self, start: Start) {
        let Start {
            id,
            created,
            model,
            service_tier,
            usage,
            extra,
        } = start;
        self.response.id = id;
        self.response.created = created;
        self.response.model = model;
        self.response.service_tier = service_tier;
        self.response.usage = usage;
        self.response.extra = extra;
    }

    fn place(&mut self, index: u32) -> usize {
        let choices = &mut self.response.choices;
        let known = choices.iter().position(|choice| choice.index == index);
        known.unwrap_or_else(|| {
            choices.push(Choice::empty(index));
            self.calls.push(Vec::new());
            choices.len() - 1
        })
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let place = self.place(index);
        &mut self.response.choices[place]
    }

    fn parts(&mut self, index: u32) -> &mut Vec<Part> {
        let Message { parts, .. } = &mut self.choice(index).message;
        parts
    }

    fn push_call(&mut self, index: u32, part: Part) {
        let place = self.place(index);
        let parts = &mut self.response.choices[place].message.parts;
        self.calls[place].push(parts.len());
        parts.push(part);
    }

    fn extend_call(&mut self, index: u32, tool: u32, arguments: &str) {
        let place = self.place(index);
        let part = usize::try_from(tool)
            .ok()
            .and_then(|tool| self.calls[place].get(tool))
            .and_then(|&at| self.response.choices[place].message.parts.get_mut(at));
        if let Some(PartKind::ToolCall(call)) = part.map(|part| &mut part.kind) {
            call.arguments.push_str(arguments);
        }
    }
}

/// A signature ends a piece of text, so that what follows one is a new piece.
fn append_text(parts: &mut Vec<Part>, text: String) {
    match parts.last_mut() {
        Some(Part {
            kind: PartKind::Text(last),
            signature: None,
            ..
        }) => last.push_str(&text),
        _ => parts.push(Part::text(text)),
    }
}

fn sign_text(parts: &mut Vec<Part>, signature: String) {
    match parts.last_mut() {
        Some(part) if part.as_text().is_some() && part.signature.is_none() => {
            part.signature = Some(signature);
        }
        // A proof may come alone, behind everything that it stands for.
        _ => parts.push(Part::text("").with_signature(signature)),
    }
}

fn append_refusal(parts: &mut Vec<Part>, text: String) {
    match parts.last_mut().map(|part| &mut part.kind) {
        Some(PartKind::Refusal(last)) => last.push_str(&text),
        _ => parts.push(PartKind::Refusal(text).into()),
    }
}

/// A signature ends a piece of reasoning, so that what follows one is a new piece.
fn append_reasoning(parts: &mut Vec<Part>, text: String) {
    match parts.last_mut() {
        Some(Part {
            kind: PartKind::Reasoning(Reasoning { text: last, .. }),
            signature: None,
            ..
        }) => last.push_str(&text),
        _ => parts.push(Part::reasoning(text)),
    }
}

fn sign_reasoning(parts: &mut Vec<Part>, signature: String) {
    match parts.last_mut() {
        Some(part) if matches!(part.kind, PartKind::Reasoning(_)) => {
            part.signature = Some(signature);
        }
        // A vendor that shows no thoughts may still send the proof of them.
        _ => parts.push(Part::reasoning("").with_signature(signature)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{FinishReason, ToolCallKind};

    fn call(tool: u32, id: &str) -> ChatEvent {
        ChatEvent::ToolCallStart {
            choice: 0,
            tool,
            kind: ToolCallKind::Function,
            id: id.to_owned(),
            name: "f".to_owned(),
            signature: None,
        }
    }

    fn arguments(tool: u32, arguments: &str) -> ChatEvent {
        ChatEvent::ToolCallDelta {
            choice: 0,
            tool,
            arguments: arguments.to_owned(),
        }
    }

    #[test]
    fn arguments_of_interleaved_calls_find_their_call() {
        let mut answer = Assembler::new();
        answer.push(call(0, "a"));
        answer.push(call(1, "b"));
        answer.push(arguments(0, "{\"x\""));
        answer.push(arguments(1, "{}"));
        answer.push(arguments(0, ":1}"));
        let answer = answer.into_response();
        let calls: Vec<_> = answer.choices[0].message.tool_calls().collect();
        assert_eq!(calls[0].arguments, "{\"x\":1}");
        assert_eq!(calls[1].arguments, "{}");
    }

    #[test]
    fn choices_come_in_order_whoever_spoke_first() {
        let mut answer = Assembler::new();
        answer.push(ChatEvent::text(1, "b"));
        answer.push(ChatEvent::text(0, "a"));
        answer.push(ChatEvent::finish(1, FinishReason::Length));
        let answer = answer.into_response();
        assert_eq!(answer.text(), "a");
        assert_eq!(answer.choices[1].finish, Some(FinishReason::Length));
    }

    #[test]
    fn a_signature_ends_a_piece_of_text() {
        let sign = |signature: &str| ChatEvent::TextSignature {
            choice: 0,
            signature: signature.to_owned(),
        };
        let mut answer = Assembler::new();
        for event in [
            ChatEvent::text(0, "a"),
            sign("1"),
            ChatEvent::text(0, "b"),
            sign("2"),
        ] {
            answer.push(event);
        }
        let answer = answer.into_response();
        let parts = &answer.choices[0].message.parts;
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0], Part::text("a").with_signature("1"));
        assert_eq!(parts[1], Part::text("b").with_signature("2"));
    }

    #[test]
    fn a_signature_ends_a_piece_of_reasoning() {
        let mut answer = Assembler::new();
        for (text, signature) in [("a", "1"), ("b", "2")] {
            answer.push(ChatEvent::ReasoningDelta {
                choice: 0,
                text: text.to_owned(),
            });
            answer.push(ChatEvent::ReasoningSignature {
                choice: 0,
                signature: signature.to_owned(),
            });
        }
        let parts = answer.into_response().choices.remove(0).message.parts;
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].signature.as_deref(), Some("2"));
    }
}
