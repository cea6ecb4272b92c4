//! Tries again when an upstream fails before the first byte of its answer.
//!
//! What is worth another try says so itself ([`Error::retry`](aisix_core::error::Error::retry)): an
//! upstream's 5xx, a connection that failed, a phase that took too long. A 4xx never is, nor is an
//! answer that arrived but cannot be read: it would be paid for twice. Nothing is tried again once an answer has begun, since the stack's inner services return a reply only
//! with the first event in hand.
//!
//! ```
//! use aisix_core::gateway::Gateway;
//! use aisix_hooks::retry::RetryLayer;
//!
//! let builder = Gateway::builder().routing_hook(RetryLayer::new().with_retries(1));
//! # drop(builder);
//! ```
//!
//! # Defaults
//!
//! Two more tries, or as many as the model's `retries` says, after 250 ms and then twice as long
//! each time up to 2 s, of which a random part is waited (full jitter). A `Retry-After` of the
//! upstream is waited for exactly, when it is at most 5 s; otherwise the caller gets the error.
//!
//! # Order
//!
//! In the `routing` slot: inside everything that counts calls, outside of everything that is done
//! for each attempt.
//!
//! # Cancellation
//!
//! Dropping the future ends the attempt, or the wait, that is under way.

mod future;
mod layer;
mod policy;
mod service;

pub use future::ResponseFuture;
pub use layer::RetryLayer;
pub use service::Retry;

#[cfg(test)]
mod tests;
