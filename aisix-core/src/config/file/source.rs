use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::read_resources;
use crate::config::unfold::unfold;
use crate::config::{BoxStream, ConfigEvent, ConfigSource, Revision};
use crate::error::{Error, Result};
use crate::resource::{Environment, Row};

/// A source that reads a resources file, and again when told to.
///
/// A file with any problem in it is refused whole: the source shows as lost, with every problem in
/// the error ([`FileProblems`](super::FileProblems) is its source), and the last good state serves.
///
/// ```
/// use aisix_core::config::FileSource;
///
/// let source = FileSource::new("resources.yaml").with_env(|name| match name {
///     "OPENAI_API_KEY" => Some("sk-1".to_owned()),
///     _ => None,
/// });
/// let reload = source.reloader();
/// // on SIGHUP:
/// reload.reload();
/// # let _ = source;
/// ```
#[derive(Clone)]
#[must_use]
pub struct FileSource {
    path: PathBuf,
    environment: Environment,
    reload: Reload,
}

/// Makes a [`FileSource`] read its file again.
#[derive(Clone, Debug)]
pub struct Reload {
    times: Arc<watch::Sender<u64>>,
}

struct State {
    source: FileSource,
    times: watch::Receiver<u64>,
    revision: Revision,
    started: bool,
}

// === impl FileSource ===

impl FileSource {
    /// Reads the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            environment: Environment::default(),
            reload: Reload {
                times: Arc::default(),
            },
        }
    }

    /// Looks up `${VAR}` and `key_env` with `lookup`.
    pub fn with_env(self, lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with_environment(Environment::new(lookup))
    }

    /// Looks up `${VAR}` and `key_env` there.
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What makes the source read its file again, for a signal or an endpoint of the host.
    #[must_use]
    pub fn reloader(&self) -> Reload {
        self.reload.clone()
    }

    async fn read(&self) -> Result<Vec<Row>> {
        let path = self.path.display();
        let text = tokio::fs::read_to_string(&self.path)
            .await
            .map_err(|error| Error::config(format!("{path}: {error}")))?;
        read_resources(&text, &self.environment).map_err(Error::config)
    }
}

impl ConfigSource for FileSource {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        let state = State {
            source: self.clone(),
            times: self.reload.times.subscribe(),
            revision: Revision::ZERO,
            started: false,
        };
        Box::pin(unfold(state, next))
    }
}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

// === impl Reload ===

impl Reload {
    /// Makes every stream of the source read the file again, soon.
    pub fn reload(&self) {
        self.times
            .send_modify(|times| *times = times.wrapping_add(1));
    }
}

async fn next(mut state: State) -> (ConfigEvent, State) {
    if std::mem::replace(&mut state.started, true) && state.times.changed().await.is_err() {
        // `source` holds the sender.
        std::future::pending::<()>().await;
    }
    state.times.mark_unchanged();
    let event = match state.source.read().await {
        Ok(rows) => {
            state.revision = state.revision.next();
            ConfigEvent::full(state.revision, rows)
        }
        Err(error) => ConfigEvent::lost(error),
    };
    (event, state)
}
