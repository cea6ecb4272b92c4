use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Provider;
use super::boxed::BoxUpstream;
use super::upstream::UpstreamClient;
use crate::hook::{BoxCallService, CallService};

/// The providers that a gateway knows by name, and the client that reaches those on a network.
#[derive(Clone, Default)]
#[must_use]
pub struct Registry {
    backends: HashMap<Box<str>, Backend>,
    client: Option<BoxUpstream>,
    timeouts: Timeouts,
}

/// How long an upstream may take where the model's resource does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// A whole answer, from sending the request to the last byte of the body.
    pub total: Option<Duration>,
    /// The longest gap between two pieces of a stream, the first one included.
    pub stream_gap: Option<Duration>,
}

#[derive(Clone)]
pub(super) enum Backend {
    Http(Arc<dyn Provider>),
    Service(BoxCallService),
}

impl Registry {
    /// No provider, and no client.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `provider`, replacing one of the same name.
    pub fn with(mut self, provider: impl Provider) -> Self {
        let name = provider.name().into();
        self.backends
            .insert(name, Backend::Http(Arc::new(provider)));
        self
    }

    /// Adds a model in this process, replacing a provider of the same name.
    pub fn with_service(mut self, name: impl Into<Box<str>>, service: impl CallService) -> Self {
        self.backends
            .insert(name.into(), Backend::Service(BoxCallService::new(service)));
        self
    }

    /// Reaches providers through `client`.
    pub fn with_client(mut self, client: impl UpstreamClient) -> Self {
        self.client = Some(BoxUpstream::new(client));
        self
    }

    /// Bounds the time of upstreams where a model's resource does not.
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    pub(super) fn backend(&self, name: &str) -> Option<&Backend> {
        self.backends.get(name)
    }

    pub(super) fn client(&self) -> Option<&BoxUpstream> {
        self.client.as_ref()
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.backends.keys().collect();
        names.sort_unstable();
        f.debug_struct("Registry")
            .field("providers", &names)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

// === impl Timeouts ===

impl Timeouts {
    /// No bound.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Bounds a whole answer.
    #[must_use]
    pub fn with_total(mut self, total: Option<Duration>) -> Self {
        self.total = total;
        self
    }

    /// Bounds the gaps of a stream.
    #[must_use]
    pub fn with_stream_gap(mut self, gap: Option<Duration>) -> Self {
        self.stream_gap = gap;
        self
    }
}
