use tower_layer::Layer;

use super::Retry;
use super::policy::Policy;

/// Tries again what an upstream failed to answer.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct RetryLayer {
    policy: Policy,
}

impl RetryLayer {
    /// Tries twice more.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tries `retries` times more, where the model does not say otherwise.
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.policy.retries = retries;
        self
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry::new(self.policy, inner)
    }
}
