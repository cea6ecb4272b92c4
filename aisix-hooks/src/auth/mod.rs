//! Knows callers by their API keys.
//!
//! The key comes in `Authorization: Bearer <key>` or in `x-api-key`, which wins where both are
//! there, as it does with vendors that take both. Only its SHA-256 is compared: the configuration
//! holds no plaintext.
//!
//! ```
//! use aisix_core::gateway::Gateway;
//! use aisix_hooks::auth::AuthLayer;
//!
//! let builder = Gateway::builder().hook(AuthLayer::new());
//! # drop(builder);
//! ```
//!
//! # Order
//!
//! First of the policy hooks. A caller that the host has named already, such as
//! [`Caller::service`](aisix_core::call::Caller::service), is taken at its word.
//!
//! # Cancellation
//!
//! Holds nothing.

mod key;
mod layer;

pub use layer::{Auth, AuthLayer};

#[cfg(test)]
mod tests;
