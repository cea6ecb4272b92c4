use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::boxed::BoxUpstream;
use super::registry::Backend;
use super::upstream::UpstreamTls;
use super::{Endpoint, EndpointSpec, Provider, Registry, Timeouts};
use crate::call::{Operation, TargetName};
use crate::dialect::DialectId;
use crate::error::{Error, ErrorKind, Result};
use crate::hook::BoxCallService;
use crate::resource::{ProviderKey, Secret};
use crate::snapshot::ModelEntry;

/// A model together with the provider key that reaches it: resolved once for each version of
/// their resources, and everything that a request needs of them made ready.
pub struct Target {
    name: Arc<TargetName>,
    timeouts: Timeouts,
    route: Route,
}

/// What a [`Provider`] may know when it describes an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct TargetSpec<'a> {
    key: Option<&'a ProviderKey>,
    model: &'a str,
}

pub(super) enum Route {
    Service(BoxCallService),
    Http(HttpRoute),
}

pub(super) struct HttpRoute {
    pub(super) provider: Arc<dyn Provider>,
    /// Whether the provider is asked in place of a vendor of another name.
    stands_in: bool,
    pub(super) client: BoxUpstream,
    pub(super) options: crate::resource::RequestOptions,
    endpoints: Vec<(EndpointSpec, Result<Endpoint>)>,
}

/// What [`Target::resolve`] leaves in the model's cell.
struct Resolved(Result<Arc<Target>>);

// === impl Target ===

impl Target {
    /// The target of `model`, made ready at the first request for it.
    ///
    /// # Errors
    ///
    /// The model's provider or its key is unknown or unusable.
    pub fn resolve(registry: &Registry, model: &ModelEntry) -> Result<Arc<Self>> {
        let resolved = model
            .bound()
            .get_or_init(|| Resolved(Self::compile(registry, model).map(Arc::new)));
        resolved.0.clone()
    }

    fn compile(registry: &Registry, entry: &ModelEntry) -> Result<Self> {
        let resource = entry.resource();
        let name = entry.name();
        let key = entry.provider_key().map(|entry| entry.resource());
        if let (Some(id), None) = (resource.provider_key_id.as_deref(), key) {
            return Err(misconfigured(format!(
                "The model `{name}` refers to the provider key `{id}`, which does not exist."
            )));
        }
        let provider = resource
            .provider
            .as_deref()
            .or_else(|| key.and_then(|key| key.provider.as_deref()))
            .ok_or_else(|| misconfigured(format!("The model `{name}` names no provider.")))?;
        let backend = Self::backend(registry, provider, key)?;
        let spec = TargetSpec {
            key,
            model: resource.model_name.as_deref().unwrap_or(name),
        };
        let route = match backend {
            Backend::Service(service) => Route::Service(service.clone()),
            Backend::Http(vendor) => {
                let client = registry.client().ok_or_else(|| {
                    Error::internal("providers are reached over HTTP, and there is no client")
                })?;
                let stands_in = vendor.name() != provider;
                Route::Http(HttpRoute::compile(vendor, stands_in, client, &spec))
            }
        };
        let defaults = registry.timeouts();
        let millis = |value: Option<u64>| value.filter(|ms| *ms > 0).map(Duration::from_millis);
        Ok(Self {
            name: Arc::new(TargetName::new(provider, spec.model)),
            timeouts: Timeouts {
                total: millis(resource.timeout).or(defaults.total),
                stream_gap: millis(resource.stream_timeout).or(defaults.stream_gap),
            },
            route,
        })
    }

    /// The backend called `provider`, or the one whose dialects the key says that it speaks.
    fn backend<'r>(
        registry: &'r Registry,
        provider: &str,
        key: Option<&ProviderKey>,
    ) -> Result<&'r Backend> {
        if let Some(backend) = registry.backend(provider) {
            return Ok(backend);
        }
        let adapter = key.and_then(|key| key.adapter.as_deref());
        let has_base = key.is_some_and(|key| key.api_base.is_some());
        if !has_base {
            return Err(Error::invalid_request(format!(
                "The provider `{provider}` has no known address: its provider key needs an api_base."
            )));
        }
        registry
            .backend(adapter.unwrap_or("openai"))
            .ok_or_else(|| {
                misconfigured(format!(
                    "No adapter for the provider `{provider}` is compiled in."
                ))
            })
    }

    /// What logs and hooks call it.
    #[must_use]
    pub fn name(&self) -> &Arc<TargetName> {
        &self.name
    }

    /// How long the upstream may take.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Whether the provider says how many tokens a conversation has.
    pub(super) fn counts_tokens(&self) -> bool {
        match &self.route {
            Route::Http(route) => !route.dialects(Operation::CountTokens).is_empty(),
            Route::Service(_) => false,
        }
    }

    pub(super) fn route(&self) -> &Route {
        &self.route
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

// === impl HttpRoute ===

impl HttpRoute {
    fn compile(
        vendor: &Arc<dyn Provider>,
        stands_in: bool,
        client: &BoxUpstream,
        spec: &TargetSpec<'_>,
    ) -> Self {
        let tls = spec.key.and_then(upstream_tls);
        let mut endpoints = Vec::new();
        for operation in Operation::ALL {
            for dialect in vendor.dialects(operation) {
                for is_stream in [false, true] {
                    let of = EndpointSpec::new(operation, *dialect).with_stream(is_stream);
                    let endpoint = vendor.endpoint(&of, spec);
                    endpoints.push((of, endpoint.map(|known| known.with_tls(tls.clone()))));
                }
            }
        }
        Self {
            provider: Arc::clone(vendor),
            stands_in,
            client: client.clone(),
            options: spec.key.map(|key| key.request.clone()).unwrap_or_default(),
            endpoints,
        }
    }

    /// What the upstream speaks, its native dialect first. Who speaks as a well-known vendor does
    /// can be trusted with what everybody has copied of it, and with no more.
    pub(super) fn dialects(&self, operation: Operation) -> &[DialectId] {
        let spoken = self.provider.dialects(operation);
        let known = if self.stands_in { 1 } else { spoken.len() };
        &spoken[..known.min(spoken.len())]
    }

    pub(super) fn endpoint(&self, spec: &EndpointSpec) -> Result<&Endpoint> {
        match self.endpoints.iter().find(|(known, _)| known == spec) {
            Some((_, endpoint)) => endpoint.as_ref().map_err(Clone::clone),
            None => Err(Error::invalid_request(format!(
                "The provider `{}` does not offer {}.",
                self.provider.name(),
                spec.operation
            ))
            .with_code("unsupported_operation")
            .with_param("model")),
        }
    }
}

// === impl TargetSpec ===

impl<'a> TargetSpec<'a> {
    /// Describes `model` reached with `key`.
    #[must_use]
    pub fn new(model: &'a str, key: Option<&'a ProviderKey>) -> Self {
        Self { key, model }
    }

    /// The name that the provider knows the model by.
    #[must_use]
    pub fn model(&self) -> &'a str {
        self.model
    }

    /// The provider key, if the model has one.
    #[must_use]
    pub fn provider_key(&self) -> Option<&'a ProviderKey> {
        self.key
    }

    /// The address that the provider key gives, if it gives one.
    #[must_use]
    pub fn api_base(&self) -> Option<&'a str> {
        self.key.and_then(|key| key.api_base.as_deref())
    }

    /// The address that the provider key gives, or else `default`.
    #[must_use]
    pub fn api_base_or(&self, default: &'a str) -> &'a str {
        self.api_base().unwrap_or(default)
    }

    /// The provider key's secret.
    ///
    /// # Errors
    ///
    /// The model has no provider key, or the key has no secret.
    pub fn secret(&self) -> Result<&'a Secret> {
        self.key
            .and_then(|key| key.api_key.as_ref())
            .ok_or_else(|| {
                misconfigured(format!(
                    "The model `{}` has no provider credential.",
                    self.model
                ))
            })
    }
}

fn upstream_tls(key: &ProviderKey) -> Option<Arc<UpstreamTls>> {
    let tls = key.tls.as_ref()?;
    let mut upstream = UpstreamTls::new().with_verify(tls.verify);
    upstream.ca_cert_pem.clone_from(&tls.ca_cert);
    Some(Arc::new(upstream))
}

fn misconfigured(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}
