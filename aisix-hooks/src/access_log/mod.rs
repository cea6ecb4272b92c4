//! Tells once about each call how it ended: refused, answered, broken off.
//!
//! What becomes of a [`Record`] is up to a [`Sink`]; a closure is one.
//!
//! ```
//! use aisix_core::gateway::Gateway;
//! use aisix_hooks::access_log::{AccessLogLayer, Record};
//!
//! let log = AccessLogLayer::new(|record: &Record<'_>| {
//!     println!("{} {}", record.request_id(), record.outcome().status());
//! });
//! let builder = Gateway::builder().edge_hook(log);
//! # drop(builder);
//! ```
//!
//! # Order
//!
//! In the `edge` slot, where refused calls are seen too.
//!
//! # Cancellation
//!
//! A call that is dropped is told about as one whose caller has gone.

mod future;
mod layer;
mod record;
mod service;

pub use future::ResponseFuture;
pub use layer::{AccessLogLayer, Sink};
pub use record::Record;
pub use service::AccessLog;

#[cfg(test)]
mod tests;
