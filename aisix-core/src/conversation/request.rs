use serde_json::{Map, Value};

use super::{
    Extra, Message, Part, ReasoningOptions, ResponseFormat, Role, Sampling, Tool, ToolChoice,
};

/// What a caller asks of a model.
///
/// ```
/// use aisix_core::conversation::ChatRequest;
///
/// let request = ChatRequest::new("gpt-4o").system("Be brief.").user("Hi");
/// assert_eq!(request.model, "gpt-4o");
/// assert!(!request.stream);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ChatRequest {
    /// The model, in the caller's name for it.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must, may or may not call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may make several calls in one turn.
    pub parallel_tool_calls: Option<bool>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Texts at which the answer ends.
    pub stop: Vec<String>,
    /// The most tokens that the answer may have, reasoning included.
    pub max_tokens: Option<u64>,
    /// How many answers.
    pub n: Option<u32>,
    /// The form of the answer.
    pub format: Option<ResponseFormat>,
    /// How much the model thinks.
    pub reasoning: Option<ReasoningOptions>,
    /// How much the model says: `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// Whether to say how likely each token was.
    pub logprobs: Option<bool>,
    /// For how many of the likeliest tokens to say it.
    pub top_logprobs: Option<u32>,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// Whether a stream ends with its usage; `None` where the caller did not say.
    pub include_usage: Option<bool>,
    /// The end user, as the caller names them.
    pub user: Option<String>,
    /// Labels for the vendor to keep.
    pub metadata: Option<Map<String, Value>>,
    /// The class of service, in the vendor's word.
    pub service_tier: Option<String>,
    /// What only one wire format says.
    pub extra: Extra,
}

impl ChatRequest {
    /// A conversation with `model` in which nothing has been said yet.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            ..Self::default()
        }
    }

    /// The system says `text`.
    #[must_use]
    pub fn system(self, text: impl Into<String>) -> Self {
        self.message(Message::system(text))
    }

    /// The developer says `text`.
    #[must_use]
    pub fn developer(self, text: impl Into<String>) -> Self {
        self.message(Message::developer(text))
    }

    /// The person says `text`.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.message(Message::user(text))
    }

    /// The model said `text`.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.message(Message::assistant(text))
    }

    /// Adds a turn.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Lets the model call `tool`.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<Tool>) -> Self {
        self.tools.push(tool.into());
        self
    }

    /// Says whether the model must call a tool.
    #[must_use]
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Bounds the answer.
    #[must_use]
    pub fn with_max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the randomness.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.sampling.temperature = Some(temperature);
        self
    }

    /// Ends the answer at `text`.
    #[must_use]
    pub fn with_stop(mut self, text: impl Into<String>) -> Self {
        self.stop.push(text.into());
        self
    }

    /// Sets the form of the answer.
    #[must_use]
    pub fn with_format(mut self, format: ResponseFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Says how much the model thinks.
    #[must_use]
    pub fn with_reasoning(mut self, reasoning: ReasoningOptions) -> Self {
        self.reasoning = Some(reasoning);
        self
    }

    /// Asks for a stream.
    #[must_use]
    pub fn with_stream(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }

    /// Every text of the conversation that the caller wrote: what a guardrail looks at.
    ///
    /// Texts inside tool results are among them, in order.
    pub fn texts(&self) -> impl Iterator<Item = (Role, &str)> {
        self.messages.iter().flat_map(|message| {
            message
                .parts
                .iter()
                .flat_map(Part::texts)
                .map(move |text| (message.role, text))
        })
    }

    /// The same, to change them in place.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = (Role, &mut String)> {
        self.messages.iter_mut().flat_map(|message| {
            let role = message.role;
            message
                .parts
                .iter_mut()
                .flat_map(Part::texts_mut)
                .map(move |text| (role, text))
        })
    }
}
