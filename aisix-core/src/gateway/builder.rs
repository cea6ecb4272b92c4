use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::{Identity, Layer, Stack};

use super::{Gateway, Limits, Local, Shared};
use crate::config::{ConfigSource, Driver, MemoryStore};
use crate::dialect::Dialects;
use crate::error::Result;
use crate::hook::{BoxCallService, CallService, Slots};
use crate::provider::{Dispatch, Registry};
use crate::resource::Environment;
use crate::snapshot::{Snapshot, SnapshotHandle};

/// Assembles a [`Gateway`].
///
/// # Defaults
///
/// No resources, no providers, no hooks; bodies of at most 10 MiB, which may pause for 30 seconds;
/// a comment after 15 seconds of silence within a stream.
#[must_use]
pub struct GatewayBuilder<E = Identity, P = Identity, R = Identity, A = Identity> {
    source: Arc<dyn ConfigSource>,
    environment: Environment,
    registry: Registry,
    dialects: Dialects,
    slots: Slots<E, P, R, A>,
    limits: Limits,
}

impl GatewayBuilder {
    pub(super) fn new() -> Self {
        Self {
            source: Arc::new(MemoryStore::new()),
            environment: Environment::default(),
            registry: Registry::new(),
            dialects: Dialects::default(),
            slots: Slots::new(),
            limits: Limits {
                body: 10 << 20,
                body_gap: Duration::from_secs(30),
                keep_alive: Some(Duration::from_secs(15)),
            },
        }
    }
}

impl<E, P, R, A> GatewayBuilder<E, P, R, A> {
    /// Takes the resources from `source`.
    pub fn config(mut self, source: impl ConfigSource) -> Self {
        self.source = Arc::new(source);
        self
    }

    /// Resolves the `${VAR}` references of resources in `environment`; without one, none resolve.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Reaches the providers of `registry`.
    pub fn providers(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Speaks `dialects`.
    pub fn dialects(mut self, dialects: Dialects) -> Self {
        self.dialects = dialects;
        self
    }

    /// Takes bodies of at most `limit` bytes.
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.limits.body = limit;
        self
    }

    /// Gives up on a body that pauses for longer than `gap`, or that, beyond one such pause, comes
    /// more slowly than 1 KiB a second.
    pub fn body_gap(mut self, gap: Duration) -> Self {
        self.limits.body_gap = gap;
        self
    }

    /// Sends a comment after so long a silence within a stream; `None` never does.
    pub fn keep_alive(mut self, interval: Option<Duration>) -> Self {
        self.limits.keep_alive = interval.filter(|interval| !interval.is_zero());
        self
    }

    /// Puts the hooks of `inner`, each in its slot, inside those that are there.
    pub fn hooks<E2, P2, R2, A2>(
        self,
        inner: Slots<E2, P2, R2, A2>,
    ) -> GatewayBuilder<Stack<E2, E>, Stack<P2, P>, Stack<R2, R>, Stack<A2, A>> {
        self.map_slots(|slots| slots.with(inner))
    }

    /// Adds a hook that decides on calls, inside those that are there: behind the defaults, it
    /// knows the caller and the model.
    pub fn hook<L>(self, hook: L) -> GatewayBuilder<E, Stack<L, P>, R, A> {
        self.map_slots(|slots| slots.policy(hook))
    }

    /// Adds a hook that sees every call, refused ones too.
    pub fn edge_hook<L>(self, hook: L) -> GatewayBuilder<Stack<L, E>, P, R, A> {
        self.map_slots(|slots| slots.edge(hook))
    }

    /// Adds a hook that chooses among targets or tries again.
    pub fn routing_hook<L>(self, hook: L) -> GatewayBuilder<E, P, Stack<L, R>, A> {
        self.map_slots(|slots| slots.routing(hook))
    }

    /// Adds a hook that sees each try at an upstream.
    pub fn attempt_hook<L>(self, hook: L) -> GatewayBuilder<E, P, R, Stack<L, A>> {
        self.map_slots(|slots| slots.attempt(hook))
    }

    /// Assembles the gateway and waits for its first configuration.
    ///
    /// The [`Driver`] applies what changes later; it is yours to run, and to stop by dropping it.
    ///
    /// # Errors
    ///
    /// The source has no first configuration to give.
    pub async fn build(self) -> Result<(Gateway, Driver)>
    where
        A: Layer<Dispatch, Service: CallService>,
        R: Layer<A::Service, Service: CallService>,
        P: Layer<R::Service, Service: CallService>,
        E: Layer<P::Service, Service: CallService>,
    {
        let (gateway, mut driver) = self.build_unready();
        driver.applied().await?;
        Ok((gateway, driver))
    }

    /// Assembles the gateway without waiting: until the driver has applied a first configuration,
    /// there are no keys and no models.
    pub fn build_unready(self) -> (Gateway, Driver)
    where
        A: Layer<Dispatch, Service: CallService>,
        R: Layer<A::Service, Service: CallService>,
        P: Layer<R::Service, Service: CallService>,
        E: Layer<P::Service, Service: CallService>,
    {
        let Self {
            source,
            environment,
            registry,
            dialects,
            slots,
            limits,
        } = self;
        let snapshots = SnapshotHandle::new(Snapshot::empty().with_environment(environment));
        let driver = Driver::new(Arc::clone(&source), snapshots.clone());

        let stack = Dispatch::new(registry, dialects.clone());
        // Each try at an upstream passes these.
        let stack = slots.attempt.layer(stack);
        // What tries again stands outside of what is tried.
        let stack = slots.routing.layer(stack);
        // Who may do what is settled before anything goes out.
        let stack = slots.policy.layer(stack);
        // What watches stands outside, so that it sees refusals too.
        let stack = slots.edge.layer(stack);

        let shared = Shared {
            snapshots,
            config: driver.status(),
            dialects,
            stack: BoxCallService::new(stack),
            limits,
        };
        let local = Local {
            shared: Arc::new(shared),
            peer: None,
            caller: None,
        };
        (
            Gateway {
                local: Arc::new(local),
            },
            driver,
        )
    }

    fn map_slots<E2, P2, R2, A2>(
        self,
        change: impl FnOnce(Slots<E, P, R, A>) -> Slots<E2, P2, R2, A2>,
    ) -> GatewayBuilder<E2, P2, R2, A2> {
        let Self {
            source,
            environment,
            registry,
            dialects,
            slots,
            limits,
        } = self;
        GatewayBuilder {
            source,
            environment,
            registry,
            dialects,
            slots: change(slots),
            limits,
        }
    }
}

impl<E, P, R, A> fmt::Debug for GatewayBuilder<E, P, R, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayBuilder")
            .field("registry", &self.registry)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
