use tower_layer::{Identity, Stack};

/// Hooks by the place where they stand, each place one statically composed stack.
///
/// A crate that brings several hooks returns them so, each in its place:
///
/// ```
/// use aisix_core::hook::{HookFn, Slots, hook_fn};
///
/// let observe = hook_fn(|call, next| next.run(call));
/// let refuse = hook_fn(|call, next| next.run(call));
/// let slots = Slots::new().edge(observe).policy(refuse);
/// # drop(slots);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Slots<E = Identity, P = Identity, R = Identity, A = Identity> {
    pub(crate) edge: E,
    pub(crate) policy: P,
    pub(crate) routing: R,
    pub(crate) attempt: A,
}

impl Slots {
    /// No hook at all.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<E, P, R, A> Slots<E, P, R, A> {
    /// Adds a hook that sees every call, inside those at the edge before it.
    pub fn edge<L>(self, hook: L) -> Slots<Stack<L, E>, P, R, A> {
        Slots {
            edge: Stack::new(hook, self.edge),
            policy: self.policy,
            routing: self.routing,
            attempt: self.attempt,
        }
    }

    /// Adds a hook that decides on calls, inside those before it.
    pub fn policy<L>(self, hook: L) -> Slots<E, Stack<L, P>, R, A> {
        Slots {
            edge: self.edge,
            policy: Stack::new(hook, self.policy),
            routing: self.routing,
            attempt: self.attempt,
        }
    }

    /// Adds a hook that chooses among targets or tries again, inside those before it.
    pub fn routing<L>(self, hook: L) -> Slots<E, P, Stack<L, R>, A> {
        Slots {
            edge: self.edge,
            policy: self.policy,
            routing: Stack::new(hook, self.routing),
            attempt: self.attempt,
        }
    }

    /// Adds a hook that sees each try at an upstream, inside those before it.
    pub fn attempt<L>(self, hook: L) -> Slots<E, P, R, Stack<L, A>> {
        Slots {
            edge: self.edge,
            policy: self.policy,
            routing: self.routing,
            attempt: Stack::new(hook, self.attempt),
        }
    }

    /// Puts the hooks of `inner` inside these, place by place.
    pub fn with<E2, P2, R2, A2>(
        self,
        inner: Slots<E2, P2, R2, A2>,
    ) -> Slots<Stack<E2, E>, Stack<P2, P>, Stack<R2, R>, Stack<A2, A>> {
        Slots {
            edge: Stack::new(inner.edge, self.edge),
            policy: Stack::new(inner.policy, self.policy),
            routing: Stack::new(inner.routing, self.routing),
            attempt: Stack::new(inner.attempt, self.attempt),
        }
    }
}
