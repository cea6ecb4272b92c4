use tower_layer::Layer;

use super::RateLimit;

/// Holds calls to the limits of their keys and models.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct RateLimitLayer;

impl RateLimitLayer {
    /// Takes the limits from the resources.
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit::new(inner)
    }
}
