use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::AnyCell;
use crate::resource::{ApiKey, CachePolicy, Guardrail, Id, Model, ProviderKey, Resource, Revision};

/// One resource in a [`Snapshot`](super::Snapshot), and what hangs on it.
pub struct Entry<R> {
    id: Id,
    revision: Revision,
    resource: R,
    provider_key: Option<Arc<ProviderKeyEntry>>,
    state: Arc<AnyCell>,
    bound: Arc<AnyCell>,
}

/// A caller's key.
pub type ApiKeyEntry = Entry<ApiKey>;
/// A model.
pub type ModelEntry = Entry<Model>;
/// An account at a provider.
pub type ProviderKeyEntry = Entry<ProviderKey>;
/// A guardrail.
pub type GuardrailEntry = Entry<Guardrail>;
/// A cache policy.
pub type CachePolicyEntry = Entry<CachePolicy>;

// === impl Entry ===

impl<R> Entry<R> {
    /// The identity of the row.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// When the row was last written.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The row's content.
    #[must_use]
    pub fn resource(&self) -> &R {
        &self.resource
    }

    /// What lives as long as the id does, through every change of the row: counters, health.
    #[must_use]
    pub fn state(&self) -> &AnyCell {
        &self.state
    }

    /// What is derived from the content of the row (of a model: also from that of its provider
    /// key), and made anew when that changes: prepared headers, connections.
    #[must_use]
    pub fn bound(&self) -> &AnyCell {
        &self.bound
    }
}

impl<R: Resource> Entry<R> {
    /// Makes the entry that follows `old`, or the first one of its id; `None` if nothing changed.
    pub(super) fn succeed(
        old: Option<&Arc<Self>>,
        id: &Id,
        revision: Revision,
        resource: R,
        provider_key: Option<&Arc<ProviderKeyEntry>>,
    ) -> Option<Self> {
        let provider_key = provider_key.map(Arc::clone);
        let Some(old) = old else {
            return Some(Self {
                id: id.clone(),
                revision,
                resource,
                provider_key,
                state: Arc::default(),
                bound: Arc::default(),
            });
        };
        let same = old.resource == resource;
        if same && old.revision == revision && same_entry(&old.provider_key, &provider_key) {
            return None;
        }
        let keeps_bound = same && same_bound(&old.provider_key, &provider_key);
        Some(Self {
            id: old.id.clone(),
            revision,
            resource,
            provider_key,
            state: Arc::clone(&old.state),
            bound: if keeps_bound {
                Arc::clone(&old.bound)
            } else {
                Arc::default()
            },
        })
    }

    /// Makes the same entry with another provider key; `None` if it is the one that it has.
    pub(super) fn relinked(
        self: &Arc<Self>,
        provider_key: Option<&Arc<ProviderKeyEntry>>,
    ) -> Option<Self> {
        Self::succeed(
            Some(self),
            &self.id,
            self.revision,
            self.resource.clone(),
            provider_key,
        )
    }
}

impl Entry<ApiKey> {
    /// Whether the key may use the model of that name.
    #[must_use]
    pub fn allows(&self, model: &str) -> bool {
        self.resource.allows(model)
    }

    /// From when on the key is refused.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.resource.expires_at
    }
}

impl Entry<Model> {
    /// The name that callers send; of a wildcard, the pattern.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.resource.display_name
    }

    /// The provider key that the model names; `None` if it names none, or one that is not there
    /// (yet).
    #[must_use]
    pub fn provider_key(&self) -> Option<&Arc<ProviderKeyEntry>> {
        self.provider_key.as_ref()
    }

    /// What the provider calls the model when a caller asks for `requested`.
    ///
    /// The name in the row; where that has a `*`, or a wildcard has no name, with what the
    /// wildcard's `*` stands for.
    #[must_use]
    pub fn upstream_name<'a>(&'a self, requested: &'a str) -> Cow<'a, str> {
        let covered = self
            .resource
            .wildcard_prefix()
            .and_then(|prefix| requested.strip_prefix(prefix));
        match (self.resource.model_name.as_deref(), covered) {
            (Some(name), Some(covered)) if name.contains('*') => name.replace('*', covered).into(),
            (Some(name), _) => name.into(),
            (None, Some(covered)) => covered.into(),
            (None, None) => requested.into(),
        }
    }
}

impl<R> fmt::Debug for Entry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

type Link = Option<Arc<ProviderKeyEntry>>;

fn same_entry(a: &Link, b: &Link) -> bool {
    same(a, b, |entry| entry)
}

fn same_bound(a: &Link, b: &Link) -> bool {
    same(a, b, |entry| &entry.bound)
}

fn same<'a, T>(
    a: &'a Link,
    b: &'a Link,
    part: fn(&'a Arc<ProviderKeyEntry>) -> &'a Arc<T>,
) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(part(a), part(b)),
        (None, None) => true,
        _ => false,
    }
}
