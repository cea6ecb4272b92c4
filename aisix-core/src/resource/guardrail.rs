use serde::Deserialize;

use super::{Invalid, Kind, Resource, text};

/// What callers may not ask, or models not answer.
///
/// One flat document, whatever its `kind`: the fields of the other kinds are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Guardrail {
    /// What people call the guardrail, and what a refused caller reads; unique.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub name: String,
    /// How content is judged.
    pub kind: GuardrailKind,
    /// Whether it is judged at all.
    #[serde(default = "text::yes")]
    pub enabled: bool,
    /// What is judged.
    #[serde(default)]
    pub hook_point: HookPoint,
    /// What follows from the judgement.
    #[serde(default)]
    pub enforcement_mode: EnforcementMode,
    /// Whether content passes that could not be judged.
    #[serde(default)]
    pub fail_open: bool,
    /// `keyword`: the words to look for.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
    /// `pii`: what to look for.
    #[serde(default)]
    pub detectors: Vec<Detector>,
    /// `pii`: what to look for besides.
    #[serde(default)]
    pub custom_patterns: Vec<CustomPattern>,
    /// `pii`: what to do with what a detector finds that has no `action` of its own.
    #[serde(default)]
    pub default_action: PiiAction,
    /// `webhook`: where to ask.
    #[serde(default, deserialize_with = "text::optional")]
    pub url: Option<String>,
    /// `webhook`, `openai_moderation`: how long an answer may take, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// `openai_moderation`: the account to ask with.
    #[serde(default, deserialize_with = "text::optional")]
    pub provider_key_id: Option<String>,
    /// `openai_moderation`: the model to ask.
    #[serde(default, deserialize_with = "text::optional")]
    pub model: Option<String>,
}

/// How a [`Guardrail`] judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GuardrailKind {
    /// By words and regular expressions.
    Keyword,
    /// By what looks like personal data.
    Pii,
    /// By asking OpenAI's moderation endpoint.
    OpenaiModeration,
    /// By asking a service of the operator's.
    Webhook,
}

/// What a [`Guardrail`] judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookPoint {
    /// What the caller sends.
    Input,
    /// What the model answers.
    Output,
    /// Both.
    #[default]
    Both,
}

/// What follows when a [`Guardrail`] objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EnforcementMode {
    /// The call is refused.
    #[default]
    Block,
    /// It is only counted.
    Monitor,
}

/// Something to look for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Pattern {
    /// How `value` is meant.
    #[serde(default)]
    pub kind: PatternKind,
    /// The text or the regular expression.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub value: String,
}

/// How a [`Pattern`] is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PatternKind {
    /// As it stands.
    #[default]
    Literal,
    /// As a regular expression.
    Regex,
}

/// A detector of personal data.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Detector {
    /// What it detects: `email`, `us_ssn`, `bank_card`, `ip_address`, `api_key`, `jwt`,
    /// `private_key` and so on.
    #[serde(rename = "type")]
    pub detects: String,
    /// What to do with what it finds.
    #[serde(default)]
    pub action: Option<PiiAction>,
}

/// A detector of the operator's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CustomPattern {
    /// What masked text is replaced with, and what metrics call it.
    pub name: String,
    /// The regular expression.
    #[serde(alias = "regex", alias = "value")]
    pub pattern: String,
    /// What to do with what it finds.
    #[serde(default)]
    pub action: Option<PiiAction>,
}

/// What to do with personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PiiAction {
    /// Replace it and go on.
    #[default]
    Mask,
    /// Refuse the call.
    Block,
}

impl Resource for Guardrail {
    const KIND: Kind = Kind::Guardrails;

    fn validate(&self) -> Result<(), Invalid> {
        super::read::required("/name", &self.name)?;
        match self.kind {
            GuardrailKind::Keyword if self.patterns.is_empty() => {
                Err(Invalid::new("/patterns", "must not be empty"))
            }
            GuardrailKind::Pii if self.detectors.is_empty() && self.custom_patterns.is_empty() => {
                Err(Invalid::new("/detectors", "must not be empty"))
            }
            GuardrailKind::Webhook if self.url.is_none() => {
                Err(Invalid::new("", "missing field `url`"))
            }
            _ => self.validate_patterns(),
        }
    }
}

impl Guardrail {
    fn validate_patterns(&self) -> Result<(), Invalid> {
        for (index, pattern) in self.patterns.iter().enumerate() {
            super::read::required(&format!("/patterns/{index}/value"), &pattern.value)?;
        }
        Ok(())
    }
}
