use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use super::Revision;

/// How a [`Driver`](super::Driver) fares, for gauges, `/readyz` and `/status/config`.
///
/// Cheap to clone; all clones show the same, also after the driver is gone (then as lost).
#[derive(Clone, Debug)]
pub struct Status {
    state: watch::Receiver<State>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) connected: bool,
    pub(super) since: SystemTime,
    pub(super) last_error: Option<Arc<str>>,
    pub(super) applied: Option<Revision>,
}

impl Status {
    pub(super) fn new(state: watch::Receiver<State>) -> Self {
        Self { state }
    }

    /// Whether the source answers.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.state.borrow().connected
    }

    /// Since when that is so.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        self.state.borrow().since
    }

    /// Why the source was lost the last time, if it ever was.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<str>> {
        self.state.borrow().last_error.clone()
    }

    /// The revision that serves; `None` until the first complete state has been applied.
    #[must_use]
    pub fn applied_revision(&self) -> Option<Revision> {
        self.state.borrow().applied
    }
}

impl State {
    pub(super) fn connect(&mut self, connected: bool) {
        if self.connected != connected {
            self.connected = connected;
            self.since = SystemTime::now();
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            connected: false,
            since: SystemTime::now(),
            last_error: None,
            applied: None,
        }
    }
}
