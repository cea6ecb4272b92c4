use std::fmt;

/// The name of a wire format. The set is open: a format of your own has a name of your own.
///
/// ```
/// use aisix_core::dialect::{DialectId, OPENAI_CHAT};
///
/// const ACME_TALK: DialectId = DialectId::new("acme.talk");
/// assert_ne!(ACME_TALK, OPENAI_CHAT);
/// assert_eq!(ACME_TALK.as_str(), "acme.talk");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialectId(&'static str);

/// OpenAI's chat completions.
pub const OPENAI_CHAT: DialectId = DialectId::new("openai.chat");
/// OpenAI's embeddings.
pub const OPENAI_EMBEDDINGS: DialectId = DialectId::new("openai.embeddings");
/// OpenAI's responses.
pub const OPENAI_RESPONSES: DialectId = DialectId::new("openai.responses");
/// OpenAI's legacy completions.
pub const OPENAI_COMPLETIONS: DialectId = DialectId::new("openai.completions");
/// Anthropic's messages.
pub const ANTHROPIC_MESSAGES: DialectId = DialectId::new("anthropic.messages");
/// Anthropic's count of the tokens that messages would have.
pub const ANTHROPIC_COUNT_TOKENS: DialectId = DialectId::new("anthropic.count_tokens");
/// Gemini's `generateContent`.
pub const GEMINI_GENERATE: DialectId = DialectId::new("gemini.generate");
/// Gemini's `countTokens`.
pub const GEMINI_COUNT_TOKENS: DialectId = DialectId::new("gemini.count_tokens");
/// Gemini's `embedContent` and `batchEmbedContents`.
pub const GEMINI_EMBED: DialectId = DialectId::new("gemini.embed");

impl DialectId {
    /// Names a format `vendor.format`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name, as in metrics and in the origin of an
    /// [`Extra`](crate::conversation::Extra).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for DialectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for DialectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DialectId").field(&self.0).finish()
    }
}
