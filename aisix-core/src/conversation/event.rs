use super::{Extra, FinishReason, Logprobs, Reasoning, ToolCallKind, Usage};

/// One step of a streamed answer.
///
/// A stream is one [`Start`](ChatEvent::Start), then the pieces of each choice and its
/// [`Finish`](ChatEvent::Finish), then at most one [`Usage`](ChatEvent::Usage). Pieces of different
/// choices may interleave; those of one choice are in order, and `tool` counts its calls from 0
/// without gaps, whatever the wire did.
///
/// ```
/// use aisix_core::conversation::ChatEvent;
///
/// let event = ChatEvent::text(0, "Hel");
/// assert_eq!(event.text_delta(), Some("Hel"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChatEvent {
    /// The answer has begun.
    Start(Start),
    /// More text.
    TextDelta {
        /// The choice.
        choice: u32,
        /// What comes next, never empty.
        text: String,
    },
    /// A piece of text is complete, and this is the vendor's proof of it.
    TextSignature {
        /// The choice.
        choice: u32,
        /// The proof, whole.
        signature: String,
    },
    /// More thoughts.
    ReasoningDelta {
        /// The choice.
        choice: u32,
        /// What comes next.
        text: String,
    },
    /// A piece of reasoning is complete, and this is the vendor's proof of it.
    ReasoningSignature {
        /// The choice.
        choice: u32,
        /// The proof, whole.
        signature: String,
    },
    /// A whole piece of reasoning that nobody but the vendor can read.
    ReasoningSealed {
        /// The choice.
        choice: u32,
        /// The piece.
        reasoning: Reasoning,
    },
    /// More of the reason for not answering.
    RefusalDelta {
        /// The choice.
        choice: u32,
        /// What comes next.
        text: String,
    },
    /// A call begins.
    ToolCallStart {
        /// The choice.
        choice: u32,
        /// Its place among the calls of the choice.
        tool: u32,
        /// Whether the tool takes JSON or text.
        kind: ToolCallKind,
        /// The id that the result has to name.
        id: String,
        /// The name of the tool.
        name: String,
        /// The vendor's proof of the call.
        signature: Option<String>,
    },
    /// More arguments of a call.
    ToolCallDelta {
        /// The choice.
        choice: u32,
        /// The place of the call.
        tool: u32,
        /// What comes next of the arguments.
        arguments: String,
    },
    /// How likely the tokens of the next piece are.
    Logprobs {
        /// The choice.
        choice: u32,
        /// The tokens.
        logprobs: Logprobs,
    },
    /// A choice has ended.
    Finish {
        /// The choice.
        choice: u32,
        /// Why.
        reason: FinishReason,
        /// The text at which it ended, if the wire format names it.
        stop_sequence: Option<String>,
    },
    /// What the answer cost, in all.
    Usage {
        /// The counts.
        usage: Usage,
        /// What only one wire format counts.
        extra: Extra,
    },
    /// Something that only one wire format says.
    Other {
        /// The choice, or the whole answer.
        choice: Option<u32>,
        /// What it says.
        extra: Extra,
    },
}

/// How an answer begins.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Start {
    /// The vendor's id of the answer.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// The model that answers.
    pub model: String,
    /// The class of service that is used.
    pub service_tier: Option<String>,
    /// What is known of the cost so far, such as that of the input.
    pub usage: Option<Usage>,
    /// What only one wire format says.
    pub extra: Extra,
}

impl ChatEvent {
    /// More text of `choice`.
    #[must_use]
    pub fn text(choice: u32, text: impl Into<String>) -> Self {
        Self::TextDelta {
            choice,
            text: text.into(),
        }
    }

    /// The end of `choice`.
    #[must_use]
    pub fn finish(choice: u32, reason: FinishReason) -> Self {
        Self::Finish {
            choice,
            reason,
            stop_sequence: None,
        }
    }

    /// What the answer cost.
    #[must_use]
    pub fn usage(usage: Usage) -> Self {
        Self::Usage {
            usage,
            extra: Extra::default(),
        }
    }

    /// The text that it adds to the answer.
    #[must_use]
    pub fn text_delta(&self) -> Option<&str> {
        match self {
            Self::TextDelta { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What it tells of the cost so far.
    #[must_use]
    pub fn usage_so_far(&self) -> Option<&Usage> {
        match self {
            Self::Start(start) => start.usage.as_ref(),
            Self::Usage { usage, .. } => Some(usage),
            _ => None,
        }
    }

    /// The choice that it belongs to; `None` for what concerns the whole answer.
    #[must_use]
    pub fn choice(&self) -> Option<u32> {
        match self {
            Self::Start(_) | Self::Usage { .. } => None,
            Self::TextDelta { choice, .. }
            | Self::TextSignature { choice, .. }
            | Self::ReasoningDelta { choice, .. }
            | Self::ReasoningSignature { choice, .. }
            | Self::ReasoningSealed { choice, .. }
            | Self::RefusalDelta { choice, .. }
            | Self::ToolCallStart { choice, .. }
            | Self::ToolCallDelta { choice, .. }
            | Self::Logprobs { choice, .. }
            | Self::Finish { choice, .. } => Some(*choice),
            Self::Other { choice, .. } => *choice,
        }
    }

    /// Whether it brings something that the person waits for: text, a call, a refusal, thoughts.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.content_bytes() > 0
    }

    /// How many bytes of content it brings: what tokens are guessed from.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        match self {
            Self::TextDelta { text, .. }
            | Self::ReasoningDelta { text, .. }
            | Self::RefusalDelta { text, .. } => text.len(),
            Self::ToolCallDelta { arguments, .. } => arguments.len(),
            Self::ToolCallStart { name, .. } => name.len().max(1),
            _ => 0,
        }
    }
}

impl Start {
    /// An answer of `model` begins.
    #[must_use]
    pub fn new(id: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            model: model.into(),
            ..Self::default()
        }
    }

    /// Says when it was made.
    #[must_use]
    pub fn with_created(mut self, created: u64) -> Self {
        self.created = Some(created);
        self
    }
}
