use aisix_core::call::Call;
use aisix_core::error::Result;
use aisix_core::hook::{Check, Checked};
use tower_layer::Layer;

use super::key;

/// Refuses calls without a valid API key.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct AuthLayer {
    auth: Auth,
}

/// The check that an [`AuthLayer`] makes: who calls is found out, and noted in the call's context.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Auth;

impl AuthLayer {
    /// Asks every call for a key.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Checked<Auth, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Checked::new(self.auth, inner)
    }
}

impl Check for Auth {
    fn check(&self, call: &Call) -> Result<()> {
        key::identify(call)
    }
}
