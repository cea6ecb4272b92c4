//! How an upstream is described and called.
//!
//! A [`Provider`] is what a vendor implements: pure and synchronous, it names the dialects that it
//! speaks and says where and with which credentials an operation is asked for. What is no HTTP at
//! all, such as a model in this process, is a [`CallService`](crate::hook::CallService) and needs
//! no `Provider`. The [`Registry`] knows both by name; [`Dispatch`], the innermost service of the
//! stack, sends each call to its [`Target`].
//!
//! ```
//! use aisix_core::call::Operation;
//! use aisix_core::dialect::{self, DialectId};
//! use aisix_core::error::Result;
//! use aisix_core::provider::{Endpoint, EndpointSpec, Provider, TargetSpec};
//!
//! #[derive(Debug)]
//! struct Acme;
//!
//! impl Provider for Acme {
//!     fn name(&self) -> &str {
//!         "acme"
//!     }
//!
//!     fn dialects(&self, operation: Operation) -> &[DialectId] {
//!         match operation {
//!             Operation::Chat => &[dialect::OPENAI_CHAT],
//!             _ => &[],
//!         }
//!     }
//!
//!     fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint> {
//!         Endpoint::post(target.api_base_or("https://api.acme.example/v1"), spec.openai_path())?
//!             .with_secret_header("x-acme-key", target.secret()?, "")
//!     }
//! }
//! ```

use std::fmt;

use bytes::Bytes;
use http::HeaderName;

use crate::call::{Operation, Payload};
use crate::dialect::DialectId;
use crate::error::Result;

mod boxed;
mod dispatch;
mod endpoint;
mod models;
mod outgoing;
mod pass_through;
mod pump;
mod registry;
mod target;
mod translation;
pub mod upstream;

pub use dispatch::Dispatch;
pub use endpoint::{Endpoint, EndpointSpec, model_segment};
pub use registry::{Registry, Timeouts};
pub use target::{Target, TargetSpec};

/// A vendor of models, reached over HTTP.
///
/// Implementations are data and pure functions: no I/O, no waiting, no state. What they return is
/// computed when a configuration is applied, not for each request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no provider",
    note = "implement `Provider` for a vendor reached over HTTP; a model in this process is \
            registered with `Registry::with_service`"
)]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// The vendor's name, as provider keys and models write it.
    fn name(&self) -> &str;

    /// The dialects that the vendor speaks for `operation`, its native one first; none if it does
    /// not offer the operation.
    fn dialects(&self, operation: Operation) -> &[DialectId];

    /// Where what `spec` describes is asked for, and with which credentials.
    ///
    /// # Errors
    ///
    /// The provider key lacks what the vendor needs, or holds what is no URL or no header.
    fn endpoint(&self, spec: &EndpointSpec, target: &TargetSpec<'_>) -> Result<Endpoint>;

    /// Whether the vendor tells a stream's usage only to those who ask with
    /// `stream_options.include_usage`. Then the gateway always asks, and keeps the answer from a
    /// caller who did not.
    fn tells_usage_on_request(&self) -> bool {
        true
    }

    /// Whether a header of the caller's goes to the vendor when both speak the same dialect, in
    /// place of the endpoint's own: what the vendor's SDKs say beside the body.
    fn passes_header(&self, name: &HeaderName) -> bool {
        let _ = name;
        false
    }

    /// Writes the body anew where the vendor's reading of the dialect differs from its author's;
    /// `None` passes the caller's bytes through.
    ///
    /// # Errors
    ///
    /// The vendor cannot express what the caller asks.
    fn adapt(&self, operation: Operation, payload: &Payload) -> Result<Option<Bytes>> {
        let _ = (operation, payload);
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
