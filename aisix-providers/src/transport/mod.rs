//! The upstream client: HTTP/1.1 and HTTP/2 over hyper, with or without TLS.
//!
//! [`HyperClient`] is a Tower service over [`http::Request`], and so an
//! [`UpstreamClient`](aisix_core::provider::upstream::UpstreamClient). It is always ready; all
//! waiting happens in the future of a call.
//!
//! ```no_run
//! # async fn run() -> aisix_core::error::Result<()> {
//! use std::time::Duration;
//!
//! use aisix_core::provider::upstream::RequestBody;
//! use aisix_providers::transport::HyperClient;
//! use bytes::Bytes;
//! use tower_service::Service;
//!
//! let mut client = HyperClient::builder()
//!     .connect_timeout(Duration::from_secs(2))
//!     .build()?;
//! let mut request = http::Request::new(RequestBody::from(Bytes::from_static(b"{}")));
//! *request.method_mut() = http::Method::POST;
//! *request.uri_mut() = http::Uri::from_static("https://api.example.com/v1/chat/completions");
//! let response = client.call(request).await?;
//! # drop(response);
//! # Ok(())
//! # }
//! ```
//!
//! # Connections
//!
//! Connections are kept for each origin (scheme, host, port, and whom to trust). One of HTTP/1.1
//! serves one request at a time and returns to the pool when the answer's body has ended; the
//! latest to return is the first to go out again. Over TLS the protocol is agreed on by ALPN; one of
//! HTTP/2 is shared by as many requests as the upstream allows at once, 100 at most unless
//! [set otherwise](Builder::http2_max_streams). When all are full, further ones are opened, as many as the
//! waiting requests need; while it is not known what an origin speaks, one is opened and the others
//! wait for what it tells. Idle ones are closed after [a while](Builder::pool_idle_timeout).
//!
//! `hyper-util` has no such pool: its `client::legacy` keeps one HTTP/2 connection to a host, on
//! which requests queue up when it is full, and spawns a task for each HTTP/1.1 answer to see its
//! end; its `client::pool` has the same single one for HTTP/2 (`singleton`), and no timeouts.
//! What is used of it is the connector, with its name resolution and happy eyeballs.
//!
//! # Trying again
//!
//! A request that meets a pooled connection which just died is sent again on another one, as long as
//! it is certain that the upstream has not seen it: nothing of it was written, or HTTP/2 says that it
//! was not processed (`REFUSED_STREAM`, a graceful `GOAWAY`). Everything else is an error that advises
//! to retry, and left to the retry policy above. Redirects are not followed.
//!
//! # Timeouts
//!
//! | phase | default | error |
//! |---|---|---|
//! | connect, name resolution included | 5 s | timeout, 504 |
//! | TLS handshake | 5 s | timeout, 504 |
//! | response headers, once the request is on its connection | 10 min | timeout, 504 |
//! | gap between two frames of the body | 10 min | timeout, 504 |
//!
//! A request changes them with an
//! [`UpstreamOptions`](aisix_core::provider::upstream::UpstreamOptions) in its extensions. There is no
//! total one, so none that would cut a stream which moves. Failures to resolve, connect, agree on TLS,
//! or a broken connection are transport errors (502); addresses stand in the source only.
//!
//! # Cancellation
//!
//! Dropping the future of a call, or the body of its answer before its end, closes the connection
//! (HTTP/1.1) or resets the stream (HTTP/2) at once.
//!
//! # Tasks
//!
//! A connection of HTTP/1.1 is driven by the request that uses it; one of HTTP/2 needs a task, and so
//! does the closing of idle ones. This module is the only one that spawns, on the Tokio runtime that the first request of a connection runs on, or through the
//! [executor](Builder::executor) given.
//!
//! # Cost
//!
//! A request on a pooled HTTP/1.1 connection costs two allocations here: hyper's own future has no
//! name and is boxed with the state of the call, and the body is erased. Timers belong to the
//! connection: they are moved on when they fire too early, not for each frame.

mod body;
mod builder;
mod client;
mod connect;
mod error;
mod exchange;
mod executor;
mod host;
mod http1;
mod pool;
mod timer;
mod tls;

#[cfg(test)]
mod tests;

pub use self::builder::Builder;
pub use self::client::HyperClient;
pub use self::client::ResponseFuture;
pub use self::executor::BoxTask;
