//! Lets callers use the models that their keys allow, and no others.
//!
//! A key's `allowed_models` holds exact names, `*`, or `vendor/*`; an empty list allows nothing. A
//! model that the key allows but that nobody serves is unknown: 404; one that the key does not
//! allow is forbidden, whether it exists or not: 403, so that names cannot be probed. A model's
//! `allowed_cidrs` hold for every call that comes over a network, and for keys also where nobody
//! has said from which address they come.
//!
//! ```
//! use aisix_core::gateway::Gateway;
//! use aisix_hooks::access::AccessLayer;
//! use aisix_hooks::auth::AuthLayer;
//!
//! let builder = Gateway::builder().hook(AuthLayer::new()).hook(AccessLayer::new());
//! # drop(builder);
//! ```
//!
//! # Order
//!
//! Behind [`auth`](crate::auth), which says who calls; before everything that needs the model.
//!
//! # Cancellation
//!
//! Holds nothing.

use std::sync::Arc;

use aisix_core::call::Call;
use aisix_core::error::{Error, ErrorKind, Result};
use aisix_core::hook::{Check, Checked};
use tower_layer::Layer;

/// Refuses calls for models that the caller may not use.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct AccessLayer {
    access: Access,
}

/// The check that an [`AccessLayer`] makes: the model is found, and noted in the call's context.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Access;

impl AccessLayer {
    /// Holds every call to its key's list.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Checked<Access, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Checked::new(self.access, inner)
    }
}

impl Check for Access {
    fn check(&self, call: &Call) -> Result<()> {
        if !call.operation().has_body() {
            return Ok(());
        }
        call.head()?;
        let model = call.model();
        let caller = call.require_caller()?;
        if !caller.may_use(model) {
            return Err(forbidden(model));
        }
        let entry = call
            .snapshot()
            .model(model)
            .ok_or_else(|| Error::model_not_found(model))?;
        let from = call.context().peer();
        // The host's own code comes from no address.
        let is_local = from.is_none() && caller.api_key().is_none();
        if !is_local && !entry.resource().allows_address(from) {
            return Err(forbidden(model));
        }
        call.context().resolve_model(Arc::clone(entry));
        Ok(())
    }
}

fn forbidden(model: &str) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        format!("This API key may not use the model `{model}`."),
    )
    .with_param("model")
}

#[cfg(test)]
mod tests;
