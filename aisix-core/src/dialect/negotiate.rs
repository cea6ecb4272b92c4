use super::{Dialect, DialectId, Dialects};

/// How a caller's dialect reaches a provider.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Way {
    /// The provider speaks it: bytes pass.
    PassThrough,
    /// By way of the neutral conversation, in this dialect of the provider's.
    Translate(&'static dyn Dialect),
}

impl Dialects {
    /// How a caller who speaks `caller` reaches a provider that speaks `spoken`, its native dialect
    /// first; `None` when there is no way.
    ///
    /// ```
    /// use aisix_core::dialect::{self, Dialects, Way, openai};
    ///
    /// let dialects = Dialects::default();
    /// let to = |spoken: &[_]| dialects.negotiate(&openai::Chat, spoken);
    /// assert!(matches!(to(&[dialect::OPENAI_CHAT]), Some(Way::PassThrough)));
    /// assert!(to(&[dialect::OPENAI_EMBEDDINGS]).is_none());
    /// ```
    #[must_use]
    pub fn negotiate(&self, caller: &dyn Dialect, spoken: &[DialectId]) -> Option<Way> {
        if spoken.contains(&caller.id()) {
            return Some(Way::PassThrough);
        }
        spoken
            .iter()
            .filter_map(|id| self.get(*id))
            .find(|target| are_of_one_kind(caller, *target))
            .map(Way::Translate)
    }
}

/// Whether both are formats of the same thing.
fn are_of_one_kind(a: &dyn Dialect, b: &dyn Dialect) -> bool {
    (a.chat().is_some() && b.chat().is_some())
        || (a.embeddings().is_some() && b.embeddings().is_some())
        || (a.token_count().is_some() && b.token_count().is_some())
}
