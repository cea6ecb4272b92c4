//! How a client is made.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aisix_core::error::Error;
use aisix_core::error::Result;
use rustls::RootCertStore;

use crate::transport::client::HyperClient;
use crate::transport::client::Inner;
use crate::transport::connect::Connector;
use crate::transport::exchange::Limits;
use crate::transport::executor::BoxTask;
use crate::transport::executor::Executor;
use crate::transport::host::PoolLimits;
use crate::transport::pool::Pool;
use crate::transport::tls;
use crate::transport::tls::Trust;

/// Makes a [`HyperClient`].
///
/// A limit of `Duration::MAX` is none.
#[must_use]
pub struct Builder {
    limits: Limits,
    pool: PoolLimits,
    native_roots: bool,
    ca_pem: Vec<String>,
    ca_files: Vec<PathBuf>,
    verify: bool,
    http2: bool,
    executor: Executor,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            limits: Limits {
                connect: Duration::from_secs(5),
                tls: Duration::from_secs(5),
                // As long as the vendors' own libraries wait: reasoning models take their time.
                headers: Duration::from_secs(600),
                read_gap: Duration::from_secs(600),
            },
            pool: PoolLimits {
                idle: Duration::from_secs(30),
                max_idle: usize::MAX,
                max_streams: 100,
            },
            native_roots: true,
            ca_pem: Vec::new(),
            ca_files: Vec::new(),
            verify: true,
            http2: true,
            executor: Executor::Tokio,
        }
    }

    /// Limits the time for a TCP connection, name resolution included; 5 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// Limits the time for a TLS handshake; 5 s by default.
    pub fn tls_handshake_timeout(mut self, limit: Duration) -> Self {
        self.limits.tls = limit;
        self
    }

    /// Limits the wait for the head of an answer; 10 min by default.
    pub fn response_headers_timeout(mut self, limit: Duration) -> Self {
        self.limits.headers = limit;
        self
    }

    /// Limits the gap between two frames of a body; 10 min by default.
    pub fn read_gap_timeout(mut self, limit: Duration) -> Self {
        self.limits.read_gap = limit;
        self
    }

    /// Closes a connection that was idle for so long; 30 s by default.
    pub fn pool_idle_timeout(mut self, limit: Duration) -> Self {
        self.pool.idle = limit;
        self
    }

    /// Keeps at most so many idle HTTP/1.1 connections to an origin; no limit by default.
    pub fn pool_max_idle_per_host(mut self, max: usize) -> Self {
        self.pool.max_idle = max;
        self
    }

    /// Sends at most so many requests at once on an HTTP/2 connection, or fewer if the upstream says so;
    /// 100 by default.
    pub fn http2_max_streams(mut self, max: usize) -> Self {
        self.pool.max_streams = max.max(1);
        self
    }

    /// Says whether HTTP/2 is offered to upstreams with TLS; it is by default.
    pub fn http2(mut self, offered: bool) -> Self {
        self.http2 = offered;
        self
    }

    /// Says whether the certificates that the system trusts are trusted; they are by default.
    ///
    /// They are looked for where OpenSSL looks, `SSL_CERT_FILE` and `SSL_CERT_DIR` included.
    pub fn native_roots(mut self, trusted: bool) -> Self {
        self.native_roots = trusted;
        self
    }

    /// Trusts the certificates in `pem` too.
    pub fn ca_cert_pem(mut self, pem: impl Into<String>) -> Self {
        self.ca_pem.push(pem.into());
        self
    }

    /// Trusts the certificates in the PEM file at `path` too, which [`Builder::build`] reads.
    pub fn ca_cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_files.push(path.into());
        self
    }

    /// Says whether the certificates of upstreams are verified at all; they are by default.
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Has the tasks of connections spawned by `spawn`, one box more for each, instead of on the
    /// Tokio runtime that a request runs on.
    ///
    /// They use Tokio's sockets and timers, so they need a Tokio runtime there too.
    pub fn executor(mut self, spawn: impl Fn(BoxTask) + Send + Sync + 'static) -> Self {
        self.executor = Executor::Host(Arc::new(spawn));
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// A CA certificate cannot be read.
    pub fn build(self) -> Result<HyperClient> {
        let mut roots = RootCertStore::empty();
        if self.native_roots {
            tls::add_native(&mut roots);
        }
        for pem in &self.ca_pem {
            tls::add_pem(&mut roots, pem.as_bytes())?;
        }
        for path in &self.ca_files {
            let pem = std::fs::read(path).map_err(|error| {
                Error::config(format!("cannot read {}: {error}", path.display()))
            })?;
            tls::add_pem(&mut roots, &pem)?;
        }
        let trust = Trust::new(roots, self.verify, self.http2)?;
        Ok(HyperClient::from_inner(Inner {
            pool: Arc::new(Pool::new(Arc::new(trust), self.pool)),
            connector: Connector::new(self.executor),
            limits: self.limits,
        }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("limits", &self.limits)
            .field("pool", &self.pool)
            .field("verify", &self.verify)
            .field("http2", &self.http2)
            .finish_non_exhaustive()
    }
}
