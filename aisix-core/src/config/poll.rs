use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::unfold::unfold;
use super::{BoxStream, Change, ConfigEvent, ConfigSource, Revision};
use crate::error::Result;
use crate::resource::{Id, Kind, Row};

/// A source that is asked for all rows again and again, and finds the changes itself.
///
/// Its revisions are a count of its own. A failed fetch shows as lost, and is tried again after the
/// period. Each stream keeps a copy of the rows.
///
/// ```
/// use std::time::Duration;
/// use aisix_core::config::PollSource;
///
/// let source = PollSource::new(Duration::from_secs(30), || async { Ok(Vec::new()) });
/// # let _ = source;
/// ```
#[derive(Clone)]
#[must_use]
pub struct PollSource<F> {
    period: Duration,
    fetch: Arc<F>,
}

struct State<F> {
    period: Duration,
    fetch: Arc<F>,
    started: bool,
    lost: bool,
    revision: Revision,
    known: Option<Rows>,
}

type Rows = HashMap<(Kind, Id), Row>;

// === impl PollSource ===

impl<F, Fut> PollSource<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<Row>>> + Send + 'static,
{
    /// Asks `fetch` at once, and then `period` after each answer.
    pub fn new(period: Duration, fetch: F) -> Self {
        Self {
            period,
            fetch: Arc::new(fetch),
        }
    }
}

impl<F, Fut> ConfigSource for PollSource<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<Row>>> + Send + 'static,
{
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        let state = State {
            period: self.period,
            fetch: Arc::clone(&self.fetch),
            started: false,
            lost: false,
            revision: Revision::ZERO,
            known: None,
        };
        Box::pin(unfold(state, next))
    }
}

impl<F> fmt::Debug for PollSource<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollSource")
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}

// === impl State ===

impl<F> State<F> {
    /// What the rows are news of, if they are.
    fn compare(&mut self, rows: Vec<Row>) -> Option<ConfigEvent> {
        let recovered = std::mem::take(&mut self.lost);
        let fresh: Rows = rows
            .into_iter()
            .map(|row| ((row.kind, row.id.clone()), row))
            .collect();
        let Some(known) = &self.known else {
            let rows = fresh.values().cloned().collect();
            self.known = Some(fresh);
            self.revision = self.revision.next();
            return Some(ConfigEvent::full(self.revision, rows));
        };
        let changes = changes(known, &fresh);
        if !changes.is_empty() {
            self.revision = self.revision.next();
        } else if !recovered {
            return None;
        }
        self.known = Some(fresh);
        Some(ConfigEvent::delta(self.revision, changes))
    }
}

async fn next<F, Fut>(mut state: State<F>) -> (ConfigEvent, State<F>)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Vec<Row>>>,
{
    loop {
        if std::mem::replace(&mut state.started, true) {
            sleep(state.period).await;
        }
        match (state.fetch)().await {
            Ok(rows) => {
                if let Some(event) = state.compare(rows) {
                    return (event, state);
                }
            }
            Err(error) => {
                state.lost = true;
                return (ConfigEvent::lost(error), state);
            }
        }
    }
}

fn changes(known: &Rows, fresh: &Rows) -> Vec<Change> {
    let gone = known
        .keys()
        .filter(|key| !fresh.contains_key(*key))
        .map(|(kind, id)| Change::Delete(*kind, id.clone()));
    let written = fresh
        .iter()
        .filter(|(key, row)| known.get(*key) != Some(*row))
        .map(|(_, row)| Change::Put(row.clone()));
    gone.chain(written).collect()
}
