//! The connections to one origin.

use std::hash::Hash;
use std::hash::Hasher;
use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aisix_core::provider::upstream::RequestBody;
use aisix_core::provider::upstream::UpstreamTls;
use http::HeaderValue;
use http::Uri;
use http::uri::Authority;
use hyper::client::conn::http2;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::transport::http1::Http1;

/// What two requests must have in common to share a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) https: bool,
    pub(super) authority: Authority,
    pub(super) tls: Option<Arc<UpstreamTls>>,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) origin: Origin,
    pub(super) uri: Uri,
    pub(super) header: HeaderValue,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) limits: PoolLimits,
    /// Told when a request that waits may find a connection, or has to open one.
    pub(super) changed: Notify,
    connections: Mutex<Connections>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PoolLimits {
    pub(super) idle: Duration,
    pub(super) max_idle: usize,
    pub(super) max_streams: usize,
}

/// The right to send one request on a connection.
///
/// Dropped before [`Lease::finish`], it closes one of HTTP/1.1.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) host: Arc<Host>,
    pub(super) reused: bool,
    pub(super) held: Held,
}

#[derive(Debug)]
pub(super) enum Held {
    Http1(Http1),
    Http2 {
        sender: http2::SendRequest<RequestBody>,
        id: u64,
    },
    Nothing,
}

/// What a request without a connection is to do.
#[derive(Debug)]
pub(super) enum Admission {
    Ready(Lease),
    Open(Opening),
    Wait(Waiting),
}

/// Counts a connection that is being opened.
#[derive(Debug)]
pub(super) struct Opening(Arc<Host>);

/// Counts an HTTP/2 connection whose upstream has not yet said how many streams it allows.
///
/// Held by the connection's task, which must not keep the pool alive.
#[derive(Debug)]
pub(super) struct Settling {
    host: Weak<Host>,
    max_streams: Arc<AtomicUsize>,
}

/// Counts a request that waits for a connection which others open.
#[derive(Debug)]
pub(super) struct Waiting(Arc<Host>);

#[derive(Debug)]
struct Connections {
    // The longest idle first.
    http1: Vec<Idle>,
    http2: Vec<Shared>,
    next_id: u64,
    // What the latest connection spoke.
    is_http2: Option<bool>,
    // How many requests the next connection is expected to take.
    streams: usize,
    opening: usize,
    waiting: usize,
}

#[derive(Debug)]
struct Idle {
    connection: Http1,
    since: Instant,
}

#[derive(Debug)]
struct Shared {
    id: u64,
    sender: http2::SendRequest<RequestBody>,
    max_streams: Arc<AtomicUsize>,
    active: usize,
    since: Instant,
}

// === impl Origin ===

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // `tls` may hold a long certificate, and seldom tells two origins apart.
        self.https.hash(state);
        self.authority.hash(state);
    }
}

// === impl Host ===

impl Host {
    pub(super) fn new(
        origin: Origin,
        uri: Uri,
        header: HeaderValue,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        limits: PoolLimits,
    ) -> Self {
        Self {
            origin,
            uri,
            header,
            tls,
            limits,
            changed: Notify::new(),
            connections: Mutex::new(Connections {
                http1: Vec::new(),
                http2: Vec::new(),
                next_id: 0,
                is_http2: None,
                streams: limits.max_streams,
                opening: 0,
                waiting: 0,
            }),
        }
    }

    /// Takes a connection that can be used right away: the latest to become idle, so that surplus
    /// ones grow old.
    pub(super) fn lease(self: &Arc<Self>) -> Option<Lease> {
        // Looking at one reads its socket, and closing it wakes tasks: not under the lock.
        while let Some(mut idle) = self.pop_idle() {
            if idle.since.elapsed() < self.limits.idle && idle.connection.is_usable() {
                return Some(self.reuse(Held::Http1(idle.connection)));
            }
        }
        let held = self.lock().lease_http2(self.limits.max_streams)?;
        Some(self.reuse(held))
    }

    fn pop_idle(&self) -> Option<Idle> {
        self.lock().http1.pop()
    }

    fn reuse(self: &Arc<Self>, held: Held) -> Lease {
        Lease {
            host: Arc::clone(self),
            reused: true,
            held,
        }
    }

    /// Takes a connection, or says how to get at one.
    pub(super) fn admit(self: &Arc<Self>) -> Admission {
        if let Some(lease) = self.lease() {
            return Admission::Ready(lease);
        }
        let mut connections = self.lock();
        let enough = match connections.is_http2 {
            _ if self.tls.is_none() => false,
            Some(false) => false,
            None => connections.opening > 0,
            Some(true) => {
                let room = connections.opening.saturating_mul(connections.streams);
                connections.opening + connections.waiting < room
            }
        };
        if enough {
            connections.waiting += 1;
            Admission::Wait(Waiting(Arc::clone(self)))
        } else {
            connections.opening += 1;
            Admission::Open(Opening(Arc::clone(self)))
        }
    }

    /// Announces a connection that is made whatever the pool holds.
    pub(super) fn open(self: &Arc<Self>) -> Opening {
        self.lock().opening += 1;
        Opening(Arc::clone(self))
    }

    /// Whether there is a connection.
    pub(super) fn is_used(&self) -> bool {
        let connections = self.lock();
        !connections.http1.is_empty() || !connections.http2.is_empty()
    }

    /// Closes what was idle for too long, and what is known to be dead. Of HTTP/1.1 it is known only to
    /// who looks, which whoever takes the connection does.
    pub(super) fn sweep(&self) {
        let mut connections = self.lock();
        let now = Instant::now();
        let limit = self.limits.idle;
        let is_stale = |since: Instant| now.duration_since(since) >= limit;
        let http1 = connections
            .http1
            .extract_if(.., |idle| is_stale(idle.since))
            .collect::<Vec<_>>();
        let http2 = connections
            .http2
            .extract_if(.., |shared| {
                shared.sender.is_closed() || (shared.active == 0 && is_stale(shared.since))
            })
            .collect::<Vec<_>>();
        // Closing wakes tasks: not under the lock.
        drop(connections);
        drop((http1, http2));
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, mut connection: Http1) {
        if !connection.is_usable() {
            return;
        }
        connection.timer.stop();
        let idle = Idle {
            connection,
            since: Instant::now(),
        };
        let mut connections = self.lock();
        if connections.http1.len() < self.limits.max_idle {
            connections.http1.push(idle);
        }
    }

    fn opened(&self) {
        let mut connections = self.lock();
        connections.opening -= 1;
        let is_awaited = connections.waiting > 0;
        drop(connections);
        if is_awaited {
            self.changed.notify_waiters();
        }
    }

    fn release(&self, id: u64) {
        let mut connections = self.lock();
        let now = Instant::now();
        let found = connections.http2.iter_mut().find(|shared| shared.id == id);
        if let Some(shared) = found {
            shared.active -= 1;
            shared.since = now;
        }
        let is_awaited = connections.waiting > 0;
        drop(connections);
        if is_awaited {
            self.changed.notify_waiters();
        }
    }
}

// === impl Lease ===

impl Lease {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.held, Held::Http2 { .. })
    }

    /// Gives the connection back: the answer has been read to its end.
    pub(super) fn finish(mut self) {
        if let Held::Http1(_) = &self.held
            && let Held::Http1(connection) = mem::replace(&mut self.held, Held::Nothing)
        {
            self.host.put(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Held::Http2 { id, .. } = self.held {
            self.host.release(id);
        }
    }
}

// === impl Opening ===

impl Opening {
    pub(super) fn host(&self) -> &Arc<Host> {
        &self.0
    }

    /// Takes the connection into use.
    pub(super) fn http1(self, connection: Http1) -> Lease {
        self.0.lock().is_http2 = Some(false);
        self.lease(Held::Http1(connection))
    }

    /// Takes the connection into use, for one request until its upstream has said how many it allows.
    pub(super) fn http2(self, sender: http2::SendRequest<RequestBody>) -> (Lease, Settling) {
        let max_streams = Arc::new(AtomicUsize::new(1));
        let mut connections = self.0.lock();
        let id = connections.next_id;
        connections.next_id += 1;
        connections.is_http2 = Some(true);
        connections.http2.push(Shared {
            id,
            sender: sender.clone(),
            max_streams: Arc::clone(&max_streams),
            active: 1,
            since: Instant::now(),
        });
        // Counted until it has settled, so that the waiting go on to wait.
        connections.opening += 1;
        drop(connections);
        let settling = Settling {
            host: Arc::downgrade(&self.0),
            max_streams,
        };
        (self.lease(Held::Http2 { sender, id }), settling)
    }

    fn lease(&self, held: Held) -> Lease {
        Lease {
            host: Arc::clone(&self.0),
            reused: false,
            held,
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.opened();
    }
}

// === impl Settling ===

impl Settling {
    /// Ends the settling, and returns where to note what the upstream allows from now on.
    pub(super) fn settled(self, max_streams: usize) -> Arc<AtomicUsize> {
        self.max_streams.store(max_streams, Ordering::Relaxed);
        if let Some(host) = self.host.upgrade() {
            host.lock().streams = max_streams.clamp(1, host.limits.max_streams);
        }
        Arc::clone(&self.max_streams)
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        if let Some(host) = self.host.upgrade() {
            host.opened();
        }
    }
}

// === impl Waiting ===

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

// === impl Connections ===

impl Connections {
    /// The first with room, so that surplus ones become idle.
    fn lease_http2(&mut self, max: usize) -> Option<Held> {
        self.http2.retain(|shared| !shared.sender.is_closed());
        let shared = self.http2.iter_mut().find(|shared| {
            let allowed = shared.max_streams.load(Ordering::Relaxed);
            shared.active < allowed.min(max).max(1)
        })?;
        shared.active += 1;
        Some(Held::Http2 {
            sender: shared.sender.clone(),
            id: shared.id,
        })
    }
}
