use std::fmt;

use super::{Dialect, DialectId, anthropic, gemini, openai};

/// The dialects that a gateway speaks.
///
/// A dialect is code without state, so that a set holds references to it and requests share no
/// count of them. Yours is a `static`, or a constant that the compiler promotes to one:
///
/// ```
/// use aisix_core::dialect::{self, Dialects, openai};
///
/// let dialects = Dialects::none().with(&openai::Chat);
/// assert!(dialects.get(dialect::OPENAI_CHAT).is_some());
/// ```
#[derive(Clone)]
pub struct Dialects {
    known: Vec<&'static dyn Dialect>,
}

impl Dialects {
    /// A set of none.
    #[must_use]
    pub const fn none() -> Self {
        Self { known: Vec::new() }
    }

    /// Adds `dialect`, in place of another one of its id.
    #[must_use]
    pub fn with(mut self, dialect: &'static dyn Dialect) -> Self {
        self.known.retain(|known| known.id() != dialect.id());
        self.known.push(dialect);
        self
    }

    /// The dialect called `id`, if it is in the set.
    #[must_use]
    pub fn get(&self, id: DialectId) -> Option<&'static dyn Dialect> {
        self.known.iter().copied().find(|known| known.id() == id)
    }

    /// The ids of the dialects in the set.
    pub fn ids(&self) -> impl Iterator<Item = DialectId> {
        self.known.iter().map(|known| known.id())
    }
}

impl Default for Dialects {
    /// The dialects of this crate.
    fn default() -> Self {
        Self::none()
            .with(&openai::Chat)
            .with(&openai::Embeddings)
            .with(&anthropic::Messages)
            .with(&anthropic::CountTokens)
            .with(&gemini::Generate)
            .with(&gemini::Embed)
            .with(&gemini::CountTokens)
            .with(&openai::Responses)
            .with(&openai::Completions)
    }
}

impl fmt::Debug for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ids()).finish()
    }
}
