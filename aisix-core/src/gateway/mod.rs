//! The two HTTP ends of the stack, and the door without HTTP.
//!
//! A [`Gateway`] is a `tower_service::Service` over `http::Request` with any body, for
//! `fallback_service`, `nest_service` or plain hyper; [`AisixLayer`] puts it in front of another
//! service, which gets every request that is not for the gateway. In-process callers use
//! [`Gateway::chat`] and its siblings, which go through the same hooks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::call::{Call, CallContext, Caller};
use crate::config::Status;
use crate::dialect::Dialects;
use crate::error::Result;
use crate::hook::BoxCallService;
use crate::reply::Reply;
use crate::snapshot::{Snapshot, SnapshotHandle};

mod body;
mod builder;
mod client;
mod future;
mod inbound;
mod layer;
mod outbound;
mod route;
mod service;

pub use body::Body;
pub use builder::GatewayBuilder;
pub use client::{ChatCall, ChatEvents};
pub use future::{LayerBody, LayerFuture, ResponseFuture};
pub use layer::{Aisix, AisixLayer};

/// The assembled gateway: hooks, providers, and the configuration that they run under.
///
/// Cloning is cheap. Give each connection its own with [`Gateway::with_peer`], which also keeps
/// connections from contending on one reference count.
#[derive(Clone)]
pub struct Gateway {
    local: Arc<Local>,
}

/// What one connection, or one caller in this process, has of the gateway.
#[derive(Clone)]
struct Local {
    shared: Arc<Shared>,
    peer: Option<IpAddr>,
    caller: Option<Caller>,
}

/// The address that a request comes from, where a service in front of the gateway knows better
/// than the connection: put it into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is one address, and never anything else"
)]
pub struct Peer(pub IpAddr);

struct Shared {
    snapshots: SnapshotHandle,
    config: Status,
    dialects: Dialects,
    stack: BoxCallService,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    /// The largest body that is taken, in bytes.
    body: usize,
    /// The longest that a caller may pause within the body.
    body_gap: Duration,
    /// After how long a silence a stream gets a comment.
    keep_alive: Option<Duration>,
}

impl Gateway {
    /// Begins to assemble a gateway.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::new()
    }

    /// The gateway as it serves the connection from `peer`.
    #[must_use]
    pub fn with_peer(&self, peer: SocketAddr) -> Self {
        Self {
            local: Arc::new(Local {
                peer: Some(peer.ip()),
                ..Local::clone(&self.local)
            }),
        }
    }

    /// The gateway as `caller` uses it, without a key.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self {
            local: Arc::new(Local {
                caller: Some(caller),
                ..Local::clone(&self.local)
            }),
        }
    }

    /// The configuration that a call would run under now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.local.shared.snapshots.load()
    }

    /// How the configuration's source is doing.
    #[must_use]
    pub fn config_status(&self) -> &Status {
        &self.local.shared.config
    }

    /// The circumstances of a call that begins now, under the current configuration.
    #[must_use]
    pub fn context(&self) -> CallContext {
        let context = CallContext::new(self.snapshot()).with_peer(self.local.peer);
        match &self.local.caller {
            Some(caller) => context.with_caller(caller.clone()),
            None => context,
        }
    }

    /// Answers a ready-made call.
    ///
    /// # Errors
    ///
    /// What a hook or the provider says.
    pub async fn execute(&self, call: Call) -> Result<Reply> {
        self.local.shared.stack.run(call).await
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("revision", &self.snapshot().revision())
            .field("limits", &self.local.shared.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
