/// How the next token is chosen. What is `None` is the model's default.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Sampling {
    /// Randomness; 0 is the least.
    pub temperature: Option<f64>,
    /// The mass of probability to choose from.
    pub top_p: Option<f64>,
    /// The number of tokens to choose from.
    pub top_k: Option<u64>,
    /// Makes answers repeatable where the vendor can.
    pub seed: Option<i64>,
    /// Lowers the chance of tokens that have appeared at all.
    pub presence_penalty: Option<f64>,
    /// Lowers the chance of tokens by how often they have appeared.
    pub frequency_penalty: Option<f64>,
}

/// How much the model thinks before it answers, and what the caller sees of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReasoningOptions {
    /// Whether it thinks at all, and who decides how long.
    pub mode: Option<ReasoningMode>,
    /// How hard it thinks.
    pub effort: Option<Effort>,
    /// The most tokens that it may think.
    pub budget_tokens: Option<u64>,
    /// What is shown of the thoughts, in the vendor's word: `summarized`, `omitted`, `detailed`.
    pub display: Option<String>,
}

/// Whether the model thinks, and who decides how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasoningMode {
    /// It thinks, within the budget.
    Enabled,
    /// It decides by itself.
    Adaptive,
    /// It thinks only between tool calls.
    BetweenTools,
    /// It does not think.
    Disabled,
}

/// How hard the model thinks, from not at all to as hard as it can.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effort {
    /// Not at all.
    None,
    /// Barely.
    Minimal,
    /// Little.
    Low,
    /// As usual.
    Medium,
    /// Hard.
    High,
    /// Very hard.
    XHigh,
    /// As hard as it can.
    Max,
    /// A level that this version does not know.
    Other(String),
}

impl Effort {
    /// The level that `name` spells; one that is not known is kept as it is.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::XHigh,
            "max" => Self::Max,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name on the wire, which vendors share.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
            Self::Other(name) => name,
        }
    }
}

impl ReasoningOptions {
    /// At most so many tokens.
    #[must_use]
    pub fn budget(tokens: u64) -> Self {
        Self {
            mode: Some(ReasoningMode::Enabled),
            budget_tokens: Some(tokens),
            ..Self::default()
        }
    }

    /// Only an effort.
    #[must_use]
    pub fn effort(effort: Effort) -> Self {
        Self {
            effort: Some(effort),
            ..Self::default()
        }
    }
}
