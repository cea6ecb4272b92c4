use std::fmt;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use aisix_core::config::BoxFuture;
use aisix_core::config::BoxStream;
use aisix_core::config::CommitError;
use aisix_core::config::ConfigEvent;
use aisix_core::config::ConfigSource;
use aisix_core::config::ConfigStore;
use aisix_core::config::Listing;
use aisix_core::config::Page;
use aisix_core::config::Revision;
use aisix_core::config::Transaction;
use aisix_core::error::Error;
use aisix_core::error::ErrorKind;
use aisix_core::error::Result;
use aisix_core::resource::Id;
use aisix_core::resource::Kind;
use aisix_core::resource::Row;
use tokio::sync::watch;

use super::OpenError;
use super::disk::Attempt;
use super::disk::Disk;
use super::file;
use super::log::Log;
use super::log::Next;

/// A durable store in a directory of this machine, opened by one process at a time.
///
/// Cheap to clone; all clones are the same store, and the last one closes it. The disk is read and
/// written on the threads that the runtime keeps for blocking work, so that each future and stream
/// of it is polled within a tokio runtime.
///
/// # Cancellation
///
/// A commit whose future has been polled happens, or is refused, also when the future is dropped.
#[derive(Clone)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    disk: Disk,
    /// Held from before a commit until it stands in the log, which so has the order of the disk.
    writing: Mutex<()>,
    log: Mutex<Log>,
    revisions: watch::Sender<Revision>,
    /// Declared after the database, so that nobody opens that before it is closed.
    _lock: File,
}

struct Watch {
    shared: Arc<Shared>,
    revisions: watch::Receiver<Revision>,
    seen: Option<Revision>,
    /// The disk could not be read.
    lost: bool,
}

/// How long one who watches waits before a disk that could not be read is tried again.
const RETRY: Duration = Duration::from_secs(1);

// === impl EmbeddedStore ===

impl EmbeddedStore {
    /// Opens the store in the directory `path`, which is made if it is missing.
    ///
    /// This blocks, for some milliseconds.
    ///
    /// # Errors
    ///
    /// When another process has it open, and when it cannot be made or read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        let lock = lock(&path)?;
        let disk = Disk::open(&path)?;
        let revision = disk.revision().map_err(|source| OpenError::Unreadable {
            path: path.clone(),
            source: Box::new(source),
        })?;
        let shared = Shared {
            path,
            disk,
            writing: Mutex::new(()),
            log: Mutex::new(Log::new(revision)),
            revisions: watch::Sender::new(revision),
            _lock: lock,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The directory of the store.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The revision of the latest commit; zero as long as nothing was ever committed.
    pub fn revision(&self) -> Revision {
        self.shared.log().revision()
    }
}

impl ConfigSource for EmbeddedStore {
    fn watch(&self) -> BoxStream<'static, ConfigEvent> {
        let watch = Watch {
            shared: Arc::clone(&self.shared),
            revisions: self.shared.revisions.subscribe(),
            seen: None,
            lost: false,
        };
        Box::pin(futures_util::stream::unfold(watch, |watch| async {
            Some(watch.next().await)
        }))
    }
}

impl ConfigStore for EmbeddedStore {
    fn get<'a>(&'a self, kind: Kind, id: &'a Id) -> BoxFuture<'a, Result<Option<Row>>> {
        let id = id.clone();
        Box::pin(blocking(&self.shared, move |shared| {
            shared.disk.get(kind, &id).map_err(failed)
        }))
    }

    fn list(&self, kind: Kind, page: Page) -> BoxFuture<'_, Result<Listing>> {
        Box::pin(blocking(&self.shared, move |shared| {
            shared.disk.list(kind, &page).map_err(failed)
        }))
    }

    fn all(&self) -> BoxFuture<'_, Result<Listing>> {
        Box::pin(self.shared.all())
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(blocking(&self.shared, |shared| shared.commit(transaction)))
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("path", &self.shared.path)
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(self: &Arc<Self>) -> impl Future<Output = Result<Listing>> + use<> {
        blocking(self, |shared| shared.disk.all().map_err(failed))
    }

    fn commit(&self, transaction: Transaction) -> Result<Revision, CommitError> {
        if let Some((kind, id)) = transaction.written_twice() {
            let message = format!("`{kind}/{id}` is written twice in one transaction");
            return Err(Error::config(message).into());
        }
        if transaction.is_empty() {
            return Ok(self.log().revision());
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.disk.attempt(transaction).map_err(failed)? {
            Attempt::Refused(why) => Err(why),
            Attempt::Committed(revision, changes) => {
                self.log().push(revision, changes);
                self.revisions.send_replace(revision);
                Ok(revision)
            }
        }
    }
}

// === impl Watch ===

impl Watch {
    async fn next(mut self) -> (ConfigEvent, Self) {
        if self.lost {
            tokio::time::sleep(RETRY).await;
        }
        loop {
            self.revisions.mark_unchanged();
            let next = self.seen.map(|seen| self.shared.log().after(seen));
            match next {
                None | Some(Next::Full) => return self.full().await,
                Some(Next::Delta(revision, changes)) => {
                    self.seen = Some(revision);
                    return (ConfigEvent::delta(revision, changes), self);
                }
                // Fails only without a sender, which `shared` holds.
                Some(Next::Wait) => {
                    if self.revisions.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    }

    async fn full(mut self) -> (ConfigEvent, Self) {
        let all = self.shared.all().await;
        self.lost = all.is_err();
        match all {
            Ok(listing) => {
                self.seen = Some(listing.revision);
                (listing.into_event(), self)
            }
            Err(error) => (ConfigEvent::lost(error), self),
        }
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    match file::make_directory(path).and_then(|()| file::lock(path)) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(OpenError::InUse {
            path: path.to_owned(),
        }),
        Err(source) => Err(OpenError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Runs `work` where it may block; nothing happens before the future is polled.
fn blocking<T, E, W>(
    shared: &Arc<Shared>,
    work: W,
) -> impl Future<Output = Result<T, E>> + use<T, E, W>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    W: FnOnce(&Shared) -> Result<T, E> + Send + 'static,
{
    let shared = Arc::clone(shared);
    async move {
        match tokio::task::spawn_blocking(move || work(&shared)).await {
            Ok(done) => done,
            Err(stopped) => {
                let error = Error::internal("the store was interrupted").with_source(stopped);
                Err(error.into())
            }
        }
    }
}

fn failed(source: redb::Error) -> Error {
    Error::new(ErrorKind::Config, format!("the store failed: {source}")).with_source(source)
}
