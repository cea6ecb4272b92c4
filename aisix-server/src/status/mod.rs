//! What orchestrators and operators ask a running server.

mod health;
mod service;

pub use health::Health;
pub use service::{ProxyFuture, ProxyService};
