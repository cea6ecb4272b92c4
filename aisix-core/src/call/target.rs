/// Names the target of a try: the provider, and the model as the provider knows it.
///
/// What else belongs to a target (its address, its credential) stays with `provider`, which is
/// built on calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetName {
    provider: Box<str>,
    model: Box<str>,
}

impl TargetName {
    /// Names `model` of `provider`.
    #[must_use]
    pub fn new(provider: impl Into<Box<str>>, model: impl Into<Box<str>>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
        }
    }

    /// The provider's name, as the configuration writes it.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The name that the provider knows the model by.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }
}
