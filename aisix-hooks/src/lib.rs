#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "a test is its own host")
)]

#[cfg(feature = "access")]
pub mod access;
#[cfg(feature = "access-log")]
pub mod access_log;
#[cfg(feature = "auth")]
pub mod auth;
#[cfg(all(
    feature = "auth",
    feature = "access",
    feature = "rate-limit",
    feature = "retry"
))]
mod defaults;
#[cfg(feature = "rate-limit")]
pub mod rate_limit;
#[cfg(feature = "retry")]
pub mod retry;

#[cfg(all(
    feature = "auth",
    feature = "access",
    feature = "rate-limit",
    feature = "retry"
))]
pub use defaults::{Defaults, defaults};
