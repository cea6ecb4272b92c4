use tower_layer::Layer;

use super::RateLimit;
use super::window::Clock;

/// Holds calls to the limits of their keys and models.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RateLimitLayer {
    clock: Clock,
}

impl RateLimitLayer {
    /// Takes the limits from the resources.
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(test)]
    pub(super) fn with_clock(clock: Clock) -> Self {
        Self { clock }
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit::new(self.clock.clone(), inner)
    }
}
