use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{
    ApiKeyEntry, CachePolicyEntry, GuardrailEntry, ModelEntry, ProviderKeyEntry, Report, Snapshot,
};
use crate::resource::{KeyHash, Kind, Revision};

impl Snapshot {
    /// The revision of the source that the snapshot shows.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The key with that hash.
    #[must_use]
    pub fn api_key(&self, hash: &KeyHash) -> Option<&Arc<ApiKeyEntry>> {
        self.api_keys.named(hash)
    }

    /// The model that serves that name: the one called so, else the wildcard with the longest
    /// prefix.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Arc<ModelEntry>> {
        self.models.named(name).or_else(|| self.wildcard(name))
    }

    /// Every model, wildcards included, by name.
    #[must_use]
    pub fn models(&self) -> impl ExactSizeIterator<Item = &Arc<ModelEntry>> {
        self.sorted
            .get_or_init(|| {
                let mut models: Vec<_> = self.models.serving().map(Arc::clone).collect();
                models.sort_unstable_by(|a, b| a.name().cmp(b.name()));
                models.into()
            })
            .iter()
    }

    /// The provider key with that id.
    #[must_use]
    pub fn provider_key(&self, id: impl AsRef<str>) -> Option<&Arc<ProviderKeyEntry>> {
        self.provider_keys.serving_row(id.as_ref())
    }

    /// Every key of a caller, in no order.
    pub fn api_keys(&self) -> impl Iterator<Item = &Arc<ApiKeyEntry>> {
        self.api_keys.serving()
    }

    /// Every provider key, in no order.
    pub fn provider_keys(&self) -> impl Iterator<Item = &Arc<ProviderKeyEntry>> {
        self.provider_keys.serving()
    }

    /// Every guardrail, in no order.
    pub fn guardrails(&self) -> impl Iterator<Item = &Arc<GuardrailEntry>> {
        self.guardrails.serving()
    }

    /// Every cache policy, in no order.
    pub fn cache_policies(&self) -> impl Iterator<Item = &Arc<CachePolicyEntry>> {
        self.cache_policies.serving()
    }

    /// How many resources of each kind serve.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        Kind::ALL
            .into_iter()
            .map(|kind| (kind, self.count(kind)))
            .collect()
    }

    /// Which rows are rejected and why, and which fields nobody knows.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::ProviderKeys => self.provider_keys.len(),
            Kind::Models => self.models.len(),
            Kind::ApiKeys => self.api_keys.len(),
            Kind::Guardrails => self.guardrails.len(),
            Kind::CachePolicies => self.cache_policies.len(),
        }
    }

    fn wildcard(&self, name: &str) -> Option<&Arc<ModelEntry>> {
        if self.wildcards.is_empty() || name.is_empty() {
            return None;
        }
        name.rmatch_indices('/')
            .map(|(slash, _)| &name[..=slash])
            // The star covers at least one character.
            .filter(|prefix| prefix.len() < name.len())
            .find_map(|prefix| self.wildcards.get(prefix))
            .or_else(|| self.wildcards.get(""))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision)
            .field("counts", &self.counts())
            .field("rejected", &self.report.rejected_len())
            .finish_non_exhaustive()
    }
}
