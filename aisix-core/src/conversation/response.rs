use std::borrow::Cow;

use super::{Extra, Message, Role, Usage};

/// What a model answered.
///
/// ```
/// use aisix_core::conversation::{ChatResponse, Usage};
///
/// let response = ChatResponse::text_only("gpt-4o", "4").with_usage(Usage::new(9, 1));
/// assert_eq!(response.text(), "4");
/// assert_eq!(response.usage().total(), 10);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ChatResponse {
    /// The vendor's id of the answer.
    pub id: String,
    /// When it was made, in seconds since 1970; `None` where the wire format does not say.
    pub created: Option<u64>,
    /// The model that answered.
    pub model: String,
    /// The answers, one for each that was asked for.
    pub choices: Vec<Choice>,
    /// What it cost, where the vendor says.
    pub usage: Option<Usage>,
    /// The class of service that was used.
    pub service_tier: Option<String>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// Its place among the answers.
    pub index: u32,
    /// What was said.
    pub message: Message,
    /// Why it ended.
    pub finish: Option<FinishReason>,
    /// The text at which it ended, if it did so at one that the wire format names.
    pub stop_sequence: Option<String>,
    /// How likely each token was.
    pub logprobs: Option<Logprobs>,
    /// What only one wire format says.
    pub extra: Extra,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The bound on tokens, or the context, was reached.
    Length,
    /// It waits for the results of tools.
    ToolCalls,
    /// The vendor withheld the answer.
    ContentFilter,
    /// The vendor paused a long turn; the same conversation sent again goes on.
    Pause,
    /// A reason that the neutral model does not name, in the vendor's word.
    Other(String),
}

/// How likely the tokens of an answer were.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Logprobs {
    /// The tokens of the text.
    pub content: Option<Vec<TokenLogprob>>,
    /// The tokens of the refusal.
    pub refusal: Option<Vec<TokenLogprob>>,
}

/// How likely one token was.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TokenLogprob {
    /// The token.
    pub token: String,
    /// The logarithm of its probability.
    pub logprob: f64,
    /// Its UTF-8 bytes, where it is not a character by itself.
    pub bytes: Option<Vec<u8>>,
    /// The likeliest tokens at its place.
    pub top: Vec<Self>,
}

// === impl ChatResponse ===

impl ChatResponse {
    /// An answer of `model` without choices.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            ..Self::default()
        }
    }

    /// An answer that is one text, and complete.
    #[must_use]
    pub fn text_only(model: impl Into<String>, text: impl Into<String>) -> Self {
        let choice = Choice::new(0, Message::assistant(text)).with_finish(FinishReason::Stop);
        Self {
            choices: vec![choice],
            ..Self::new(model)
        }
    }

    /// Adds an answer.
    #[must_use]
    pub fn with_choice(mut self, choice: Choice) -> Self {
        self.choices.push(choice);
        self
    }

    /// Says what it cost.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// The text of the first answer.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        self.message().map_or(Cow::Borrowed(""), Message::text)
    }

    /// What it cost; nothing where the vendor did not say.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage.unwrap_or_default()
    }

    /// The first answer.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.choices.first().map(|choice| &choice.message)
    }

    /// Why the first answer ended.
    #[must_use]
    pub fn finish(&self) -> Option<&FinishReason> {
        self.choices.first()?.finish.as_ref()
    }
}

// === impl Choice ===

impl Choice {
    /// The answer at `index`, not ended yet.
    #[must_use]
    pub fn new(index: u32, message: Message) -> Self {
        Self {
            index,
            message,
            finish: None,
            stop_sequence: None,
            logprobs: None,
            extra: Extra::default(),
        }
    }

    /// Says why it ended.
    #[must_use]
    pub fn with_finish(mut self, finish: FinishReason) -> Self {
        self.finish = Some(finish);
        self
    }

    pub(super) fn empty(index: u32) -> Self {
        Self::new(index, Message::new(Role::Assistant, Vec::new()))
    }
}

// === impl Logprobs, TokenLogprob ===

impl Logprobs {
    /// Appends what a later piece of the same answer says.
    pub fn extend(&mut self, later: Self) {
        extend(&mut self.content, later.content);
        extend(&mut self.refusal, later.refusal);
    }
}

impl TokenLogprob {
    /// A token and the logarithm of its probability.
    #[must_use]
    pub fn new(token: impl Into<String>, logprob: f64) -> Self {
        Self {
            token: token.into(),
            logprob,
            ..Self::default()
        }
    }
}

fn extend(tokens: &mut Option<Vec<TokenLogprob>>, later: Option<Vec<TokenLogprob>>) {
    if let Some(later) = later {
        tokens.get_or_insert_default().extend(later);
    }
}
