//! Listeners: how a port is bound, how its connections are served, and how they end.
//!
//! [`Listener::bind`] takes the port, [`serve`] accepts on one socket of it and runs a service for
//! each connection, [`PerCore`] does so once for each core. All of them watch one [`Drain`], which
//! the process tells when it is to end.

mod activity;
mod balance;
mod bind;
mod connection;
mod drain;
mod head_timer;
mod io;
mod options;
mod per_core;
mod real_ip;
mod serve;
mod service;
mod tls;

pub use bind::{BindError, Listener};
pub use drain::{Drain, Hold, Phase, Reached};
pub use options::HttpOptions;
pub use per_core::PerCore;
pub use real_ip::RealIp;
pub use serve::serve;
pub use service::{CallFuture, CountedBody, HttpService, MakeService};
pub use tls::{TlsError, server_config};

#[cfg(test)]
mod tests;
