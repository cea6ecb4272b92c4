use super::{ChatEvent, ChatResponse, Choice, FinishReason, Part, PartKind, Start};

impl ChatResponse {
    /// The events of a stream that spells this answer: what [`Assembler`](super::Assembler) puts
    /// together again.
    ///
    /// ```
    /// use aisix_core::conversation::{Assembler, ChatResponse};
    ///
    /// let answer = ChatResponse::text_only("gpt-4o", "Hello");
    /// let mut assembler = Assembler::new();
    /// for event in answer.clone().into_events() {
    ///     assembler.push(event);
    /// }
    /// assert_eq!(assembler.into_response().text(), answer.text());
    /// ```
    #[must_use]
    pub fn into_events(self) -> Vec<ChatEvent> {
        let Self {
            id,
            created,
            model,
            choices,
            usage,
            service_tier,
            extra,
        } = self;
        let mut start = Start::new(id, model);
        start.created = created;
        start.service_tier = service_tier;
        start.extra = extra;
        let mut events = vec![ChatEvent::Start(start)];
        for choice in choices {
            replay_choice(choice, &mut events);
        }
        if let Some(usage) = usage {
            events.push(ChatEvent::usage(usage));
        }
        events
    }
}

fn replay_choice(choice: Choice, events: &mut Vec<ChatEvent>) {
    let Choice {
        index,
        message,
        finish,
        stop_sequence,
        logprobs,
        extra,
    } = choice;
    if let Some(logprobs) = logprobs {
        events.push(ChatEvent::Logprobs {
            choice: index,
            logprobs,
        });
    }
    let mut tools = 0;
    for part in message.parts {
        replay_part(index, part, &mut tools, events);
    }
    if !extra.is_empty() {
        events.push(ChatEvent::Other {
            choice: Some(index),
            extra,
        });
    }
    let reason = finish.unwrap_or(FinishReason::Stop);
    events.push(ChatEvent::Finish {
        choice: index,
        reason,
        stop_sequence,
    });
}

fn replay_part(choice: u32, part: Part, tools: &mut u32, events: &mut Vec<ChatEvent>) {
    match part.kind {
        PartKind::Text(text) => {
            if !text.is_empty() {
                events.push(ChatEvent::TextDelta { choice, text });
            }
            if let Some(signature) = part.signature {
                events.push(ChatEvent::TextSignature { choice, signature });
            }
        }
        PartKind::Refusal(text) => events.push(ChatEvent::RefusalDelta { choice, text }),
        PartKind::ToolCall(call) => {
            let tool = *tools;
            *tools += 1;
            events.push(ChatEvent::ToolCallStart {
                choice,
                tool,
                kind: call.kind,
                id: call.id,
                name: call.name,
                signature: part.signature,
            });
            events.push(ChatEvent::ToolCallDelta {
                choice,
                tool,
                arguments: call.arguments,
            });
        }
        PartKind::Reasoning(reasoning) if reasoning.sealed.is_some() => {
            events.push(ChatEvent::ReasoningSealed { choice, reasoning });
        }
        PartKind::Reasoning(reasoning) => {
            events.push(ChatEvent::ReasoningDelta {
                choice,
                text: reasoning.text,
            });
            if let Some(signature) = part.signature {
                events.push(ChatEvent::ReasoningSignature { choice, signature });
            }
        }
        // An answer holds no other kinds that a stream could spell.
        _ => {}
    }
}
