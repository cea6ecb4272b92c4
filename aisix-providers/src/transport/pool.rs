//! All connections of a client.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;

use aisix_core::error::Error;
use aisix_core::error::Result;
use http::HeaderValue;
use http::Uri;
use http::uri::Authority;
use http::uri::Scheme;
use rustls::pki_types::ServerName;

use crate::transport::host::Host;
use crate::transport::host::Origin;
use crate::transport::host::PoolLimits;
use crate::transport::tls::Trust;

#[derive(Debug)]
pub(super) struct Pool {
    trust: Arc<Trust>,
    limits: PoolLimits,
    hosts: Mutex<Hosts>,
}

#[derive(Debug, Default)]
struct Hosts {
    by_origin: HashMap<Origin, Arc<Host>>,
    is_swept: bool,
}

/// Ends the sweeping, also when its runtime stops.
struct Sweeping(Weak<Pool>);

// === impl Pool ===

impl Pool {
    pub(super) fn new(trust: Arc<Trust>, limits: PoolLimits) -> Self {
        Self {
            trust,
            limits,
            hosts: Mutex::default(),
        }
    }

    /// An empty pool that trusts and keeps as this one does.
    pub(super) fn empty_like(&self) -> Self {
        Self::new(Arc::clone(&self.trust), self.limits)
    }

    pub(super) fn host(&self, origin: Origin) -> Result<Arc<Host>> {
        if let Some(host) = self.lock().by_origin.get(&origin) {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(self.make_host(&origin)?);
        Ok(Arc::clone(
            self.lock().by_origin.entry(origin).or_insert(host),
        ))
    }

    /// The task that closes idle connections, unless it runs already.
    pub(super) fn sweeper(
        self: &Arc<Self>,
    ) -> Option<impl Future<Output = ()> + Send + 'static + use<>> {
        let mut hosts = self.lock();
        if hosts.is_swept || self.limits.idle == Duration::MAX {
            return None;
        }
        hosts.is_swept = true;
        drop(hosts);
        let sweeping = Sweeping(Arc::downgrade(self));
        let period = (self.limits.idle / 2).max(Duration::from_millis(10));
        Some(async move {
            loop {
                tokio::time::sleep(period).await;
                match sweeping.0.upgrade() {
                    Some(pool) if pool.sweep() => {}
                    _ => break,
                }
            }
        })
    }

    /// Closes idle connections; says whether there may be more of them one day.
    fn sweep(&self) -> bool {
        let all: Vec<_> = self.lock().by_origin.values().map(Arc::clone).collect();
        for host in &all {
            host.sweep();
        }
        drop(all);
        let mut hosts = self.lock();
        hosts
            .by_origin
            // The map's own count is the one left when no request holds the host.
            .retain(|_, host| Arc::strong_count(host) > 1 || host.is_used());
        // Said under the lock: a connection opened later starts the next one.
        hosts.is_swept = !hosts.by_origin.is_empty();
        hosts.is_swept
    }

    fn make_host(&self, origin: &Origin) -> Result<Host> {
        let authority = &origin.authority;
        let name = authority.host().trim_matches(['[', ']']);
        let tls = if origin.https {
            let config = self.trust.config(origin.tls.as_deref())?;
            let name = ServerName::try_from(name.to_owned())
                .map_err(|error| invalid_url().with_source(error))?;
            Some((config, name))
        } else {
            None
        };
        let (uri, header) = uri_and_header(origin.https, authority)?;
        Ok(Host::new(origin.clone(), uri, header, tls, self.limits))
    }

    fn lock(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Sweeping ===

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.lock().is_swept = false;
        }
    }
}

/// What the connector is to reach, and the `host` header of requests to it.
fn uri_and_header(https: bool, authority: &Authority) -> Result<(Uri, HeaderValue)> {
    let (scheme, default_port) = if https {
        (Scheme::HTTPS, 443)
    } else {
        (Scheme::HTTP, 80)
    };
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority.clone())
        .path_and_query("/")
        .build()
        .map_err(|error| invalid_url().with_source(error))?;
    let header = match authority.port_u16() {
        Some(port) if port != default_port => format!("{}:{port}", authority.host()),
        _ => authority.host().to_owned(),
    };
    let header = HeaderValue::try_from(header).map_err(|error| invalid_url().with_source(error))?;
    Ok((uri, header))
}

pub(super) fn invalid_url() -> Error {
    Error::config("the URL of the upstream is invalid")
}
