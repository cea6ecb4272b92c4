use std::collections::HashSet;
use std::sync::Arc;

use rpds::{HashTrieMapSync, HashTrieSetSync};

use super::table::{Named, Table, Turn};
use super::{Entry, ModelEntry, Report, Snapshot};
use crate::resource::{
    Change, Environment, Id, Invalid, Kind, Model, ProviderKey, Read, Resource, Revision, Row,
    Secret, read,
};

/// The making of a snapshot, in steps: a state of a hundred thousand rows takes long enough to be
/// felt by what else runs on the thread.
#[derive(Debug)]
pub(crate) struct Work {
    next: Snapshot,
    revision: Revision,
    changes: std::vec::IntoIter<Change>,
    /// For a complete state: the rows that are in it. Those that are not go at the end.
    seen: Option<HashSet<(Kind, Id)>>,
}

// === impl Snapshot ===

impl Snapshot {
    /// Nothing is configured yet.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            revision: Revision::ZERO,
            environment: Environment::default(),
            provider_keys: Table::default(),
            models: Table::default(),
            api_keys: Table::default(),
            guardrails: Table::default(),
            cache_policies: Table::default(),
            wildcards: HashTrieMapSync::new_sync(),
            dependents: HashTrieMapSync::new_sync(),
            sorted: Arc::default(),
            report: Report::default(),
        }
    }

    /// Resolves the `${VAR}` references of provider keys there, in this snapshot's successors too.
    ///
    /// Without it, a provider key with a reference is rejected.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Makes the snapshot that follows after some changes.
    #[must_use]
    pub fn apply(&self, revision: Revision, changes: Vec<Change>) -> Self {
        Work::delta(self, revision, changes).run()
    }

    /// Makes the snapshot that follows when a source says all that there is.
    ///
    /// Rows that are the same as before keep what hangs on them.
    #[must_use]
    pub fn full(&self, revision: Revision, rows: Vec<Row>) -> Self {
        Work::full(self, revision, rows).run()
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Put(row) => self.put(row),
            Change::Delete(kind, id) => self.delete(*kind, id),
        }
    }

    fn put(&mut self, row: &Row) {
        let report = &mut self.report;
        match row.kind {
            Kind::ProviderKeys => {
                let environment = &self.environment;
                let turns = put(&mut self.provider_keys, report, row, |key| {
                    resolve(key, environment)
                });
                self.relink(&turns);
            }
            Kind::Models => self.put_model(row),
            Kind::ApiKeys => drop(put(&mut self.api_keys, report, row, |_| Ok(()))),
            Kind::Guardrails => drop(put(&mut self.guardrails, report, row, |_| Ok(()))),
            Kind::CachePolicies => drop(put(&mut self.cache_policies, report, row, |_| Ok(()))),
        }
    }

    fn delete(&mut self, kind: Kind, id: &Id) {
        let report = &mut self.report;
        report.forget(kind, id);
        match kind {
            Kind::ProviderKeys => {
                if let Some((_, turn)) = remove(&mut self.provider_keys, report, id) {
                    self.relink(&[turn]);
                }
            }
            Kind::Models => {
                if let Some((old, turn)) = remove(&mut self.models, report, id) {
                    self.depend(&old, None);
                    self.rename(&[turn]);
                }
            }
            Kind::ApiKeys => drop(remove(&mut self.api_keys, report, id)),
            Kind::Guardrails => drop(remove(&mut self.guardrails, report, id)),
            Kind::CachePolicies => drop(remove(&mut self.cache_policies, report, id)),
        }
    }

    fn put_model(&mut self, row: &Row) {
        let Some(model) = accept::<Model>(&self.models, &mut self.report, row, |_| Ok(())) else {
            return;
        };
        let old = self.models.row(row.id.as_str()).map(Arc::clone);
        let link = model.provider_key_id.as_deref();
        let link = link.and_then(|id| self.provider_keys.serving_row(id));
        let Some(entry) = Entry::succeed(old.as_ref(), &row.id, row.revision, model, link) else {
            return;
        };
        match &old {
            Some(old) => self.depend(old, Some(&entry)),
            None => self.depend(&entry, Some(&entry)),
        }
        self.insert_model(entry);
    }

    fn insert_model(&mut self, entry: ModelEntry) {
        let turns = self.models.put(entry);
        for turn in &turns {
            self.report.turn(Kind::Models, turn);
        }
        self.rename(&turns);
    }

    /// Notes which provider key a model refers to, in place of the one that `old` refers to.
    fn depend(&mut self, old: &ModelEntry, new: Option<&ModelEntry>) {
        let before = old.resource().provider_key_id.as_deref();
        let after = new.and_then(|new| new.resource().provider_key_id.as_deref());
        if let Some(key) = before.filter(|_| before != after)
            && let Some(ids) = self.dependents.get(key)
        {
            let ids = ids.remove(old.id());
            if ids.is_empty() {
                self.dependents.remove_mut(key);
            } else {
                self.dependents.insert_mut(key.into(), ids);
            }
        }
        if let Some(key) = after {
            let ids = self.dependents.get(key);
            let mut ids = ids.map_or_else(HashTrieSetSync::new_sync, Clone::clone);
            ids.insert_mut(old.id().clone());
            self.dependents.insert_mut(key.into(), ids);
        }
    }

    /// Gives the models that refer to a provider key the one that serves now.
    fn relink(&mut self, turns: &[Turn<ProviderKey>]) {
        for key in turns.iter().flat_map(Turn::served) {
            let Some(ids) = self.dependents.get(key.as_str()).cloned() else {
                continue;
            };
            for id in ids.iter() {
                let link = self.provider_keys.serving_row(key.as_str());
                let relinked = self
                    .models
                    .row(id.as_str())
                    .and_then(|model| model.relinked(link));
                if let Some(model) = relinked {
                    self.insert_model(model);
                }
            }
        }
    }

    /// Brings what is derived from the names of models up to date.
    fn rename(&mut self, turns: &[Turn<Model>]) {
        for turn in turns {
            let name = turn.after.as_ref().or(turn.before.as_ref());
            let prefix = name.and_then(|claim| claim.first.resource().wildcard_prefix());
            match (prefix, &turn.after) {
                (Some(prefix), Some(claim)) => self
                    .wildcards
                    .insert_mut(prefix.into(), Arc::clone(&claim.first)),
                (Some(prefix), None) => {
                    self.wildcards.remove_mut(prefix);
                }
                (None, _) => {}
            }
        }
        if !turns.is_empty() {
            self.sorted = Arc::default();
        }
    }

    /// The rows that are known, well or badly, but not in `seen`.
    fn absent(&self, seen: &HashSet<(Kind, Id)>) -> Vec<Change> {
        fn rows<R: Named>(table: &Table<R>) -> impl Iterator<Item = (Kind, Id)> {
            table.ids().map(|id| (R::KIND, id.clone()))
        }
        let known = rows(&self.provider_keys)
            .chain(rows(&self.models))
            .chain(rows(&self.api_keys))
            .chain(rows(&self.guardrails))
            .chain(rows(&self.cache_policies))
            .chain(self.report.ids().cloned());
        known
            .filter(|key| !seen.contains(key))
            .map(|(kind, id)| Change::Delete(kind, id))
            .collect()
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::empty()
    }
}

// === impl Work ===

impl Work {
    pub(crate) fn full(from: &Snapshot, revision: Revision, rows: Vec<Row>) -> Self {
        let seen = rows.iter().map(|row| (row.kind, row.id.clone())).collect();
        let changes: Vec<_> = rows.into_iter().map(Change::Put).collect();
        Self {
            seen: Some(seen),
            ..Self::delta(from, revision, changes)
        }
    }

    pub(crate) fn delta(from: &Snapshot, revision: Revision, changes: Vec<Change>) -> Self {
        Self {
            next: from.clone(),
            revision,
            changes: changes.into_iter(),
            seen: None,
        }
    }

    /// Takes some steps; says whether the work is done.
    pub(crate) fn step(&mut self, steps: usize) -> bool {
        for change in self.changes.by_ref().take(steps) {
            self.next.change(&change);
        }
        if self.changes.len() > 0 {
            return false;
        }
        if let Some(seen) = self.seen.take() {
            self.changes = self.next.absent(&seen).into_iter();
        }
        self.changes.len() == 0
    }

    /// Does what is left; gives the snapshot.
    pub(crate) fn run(mut self) -> Snapshot {
        while !self.step(usize::MAX) {}
        self.next.revision = self.revision;
        self.next
    }
}

/// Reads a row; if it cannot be, notes why.
fn accept<R: Named>(
    table: &Table<R>,
    report: &mut Report,
    row: &Row,
    prepare: impl FnOnce(&mut R) -> Result<(), Invalid>,
) -> Option<R> {
    let resource = match row.unreadable() {
        Some(reason) => Err(Invalid::new("", reason)),
        None => read::<R>(&row.value).and_then(|mut read| {
            prepare(&mut read.resource)?;
            Ok(read)
        }),
    };
    match resource {
        Ok(Read { resource, unknown }) => {
            report.accept(row.kind, &row.id, unknown);
            Some(resource)
        }
        Err(invalid) => {
            let last_good = table.row(row.id.as_str()).map(|entry| entry.revision());
            report.reject(row.kind, &row.id, row.revision, &invalid, last_good);
            None
        }
    }
}

fn put<R: Named>(
    table: &mut Table<R>,
    report: &mut Report,
    row: &Row,
    prepare: impl FnOnce(&mut R) -> Result<(), Invalid>,
) -> Vec<Turn<R>> {
    let Some(resource) = accept(table, report, row, prepare) else {
        return Vec::new();
    };
    let old = table.row(row.id.as_str());
    let Some(entry) = Entry::succeed(old, &row.id, row.revision, resource, None) else {
        return Vec::new();
    };
    let turns = table.put(entry);
    for turn in &turns {
        report.turn(R::KIND, turn);
    }
    turns
}

fn remove<R: Named>(
    table: &mut Table<R>,
    report: &mut Report,
    id: &Id,
) -> Option<(Arc<Entry<R>>, Turn<R>)> {
    let (old, turn) = table.remove(id.as_str())?;
    report.turn(<R as Resource>::KIND, &turn);
    Some((old, turn))
}

/// Replaces the references in the credential.
fn resolve(key: &mut ProviderKey, environment: &Environment) -> Result<(), Invalid> {
    if let Some(secret) = &key.api_key {
        let resolved = environment
            .expand(secret.expose())
            .map_err(|unset| Invalid::new("/api_key", unset.to_string()))?;
        key.api_key = Some(Secret::new(resolved));
    }
    Ok(())
}
