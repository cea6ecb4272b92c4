//! Limits requests, tokens and concurrent calls, for API keys and for models.
//!
//! The limits of the key and of the model must both hold. A request is counted when it is
//! admitted, before any upstream is asked; its tokens are counted when they are known, at the end
//! of the answer, also when the caller has left by then. A refusal by one limit gives back what
//! the others had counted. Counting is exact: of any number of concurrent calls, as many are
//! admitted as the limit says, and not one more.
//!
//! ```
//! use aisix_core::gateway::Gateway;
//! use aisix_hooks::rate_limit::RateLimitLayer;
//!
//! let builder = Gateway::builder().hook(RateLimitLayer::new());
//! # drop(builder);
//! ```
//!
//! Windows are aligned to the wall clock: a minute's limit starts anew with each minute. Counters
//! live in the cells of the snapshot's entries: they survive a change of configuration, and are
//! gone with the process.
//!
//! # Headers
//!
//! Metered answers, refusals among them, carry `x-ratelimit-{limit,remaining,reset}-requests`,
//! `-tokens` and `x-ratelimit-{limit,remaining}-concurrent`, each from the limit that has the
//! least left. A refusal says with `Retry-After` when nothing will be used up any more. Resets are written as OpenAI writes them: `1s`, `6m0s`.
//!
//! # Order
//!
//! Behind [`access`](crate::access), which says which model is meant; outside of
//! [`retry`](crate::retry), so that a request counts once, however often an upstream is asked.
//!
//! # Cancellation
//!
//! A call that is dropped gives back its concurrency, keeps its place in the count of requests,
//! and is charged for its input and for what was delivered, as far as that is known.

mod counter;
mod future;
mod headers;
mod layer;
mod meter;
mod reservation;
mod service;
mod window;

pub use future::ResponseFuture;
pub use layer::RateLimitLayer;
pub use meter::{used_by_key, used_by_model};
pub use service::RateLimit;

#[cfg(test)]
mod tests;
