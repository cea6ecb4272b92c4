//! The rows in the database: everything here blocks.

use std::ops::Bound;
use std::path::Path;

use aisix_core::config::Change;
use aisix_core::config::CommitError;
use aisix_core::config::Listing;
use aisix_core::config::Page;
use aisix_core::config::Precondition;
use aisix_core::config::Revision;
use aisix_core::config::Step;
use aisix_core::config::Transaction;
use aisix_core::resource::Id;
use aisix_core::resource::Kind;
use aisix_core::resource::Row;
use redb::Builder;
use redb::Database;
use redb::DatabaseError;
use redb::Key;
use redb::ReadOnlyTable;
use redb::ReadTransaction;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::TableDefinition;
use redb::TableError;
use redb::WriteTransaction;
use redb::backends::FileBackend;

use super::OpenError;
use super::file;

#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
}

/// What has become of a transaction.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is on the disk.
    Committed(Revision, Vec<Change>),
    /// It is not, and nothing of it.
    Refused(CommitError),
}

/// One table a kind: the revision and the document of each id.
type Rows = TableDefinition<'static, &'static str, (u64, &'static [u8])>;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const META_FORMAT: &str = "format";
const META_REVISION: &str = "revision";

const FORMAT: u64 = 1;

/// The rows are read once and then live in snapshots: there is little to gain from more.
const CACHE: usize = 8 * 1024 * 1024;

impl Disk {
    /// Opens the database in `directory`, which the caller has locked.
    pub(super) fn open(directory: &Path) -> Result<Self, OpenError> {
        let unreadable = |source: redb::Error| OpenError::Unreadable {
            path: directory.to_owned(),
            source: Box::new(source),
        };
        let io = |source| OpenError::Io {
            path: directory.to_owned(),
            source,
        };
        let file = file::database(directory).map_err(io)?;
        let opened = FileBackend::new(file).and_then(|file| {
            Builder::new()
                .set_cache_size(CACHE)
                .create_with_backend(file)
        });
        let database = match opened {
            Ok(database) => database,
            Err(DatabaseError::DatabaseAlreadyOpen) => {
                let path = directory.to_owned();
                return Err(OpenError::InUse { path });
            }
            Err(error) => return Err(unreadable(error.into())),
        };
        let disk = Self { database };
        match disk.meta(META_FORMAT).map_err(unreadable)? {
            Some(FORMAT) => {}
            Some(format) => {
                let path = directory.to_owned();
                return Err(OpenError::Newer { path, format });
            }
            // Nothing was ever committed.
            None => file::sync_names(directory).map_err(io)?,
        }
        Ok(disk)
    }

    pub(super) fn revision(&self) -> Result<Revision, redb::Error> {
        revision(&self.database.begin_read()?)
    }

    pub(super) fn get(&self, kind: Kind, id: &Id) -> Result<Option<Row>, redb::Error> {
        let read = self.database.begin_read()?;
        let Some(table) = open(&read, rows(kind))? else {
            return Ok(None);
        };
        let found = table.get(id.as_str())?;
        Ok(found.map(|found| row(kind, id.clone(), found.value())))
    }

    pub(super) fn list(&self, kind: Kind, page: &Page) -> Result<Listing, redb::Error> {
        let read = self.database.begin_read()?;
        let mut found = Vec::new();
        collect(&read, kind, page, &mut found)?;
        Ok(Listing::new(revision(&read)?, found))
    }

    pub(super) fn all(&self) -> Result<Listing, redb::Error> {
        let read = self.database.begin_read()?;
        let mut found = Vec::new();
        for kind in Kind::ALL {
            collect(&read, kind, &Page::all(), &mut found)?;
        }
        Ok(Listing::new(revision(&read)?, found))
    }

    /// Tries a transaction. When this returns, a commit is on the disk.
    ///
    /// An error leaves open whether it is.
    pub(super) fn attempt(&self, transaction: Transaction) -> Result<Attempt, redb::Error> {
        let write = self.write()?;
        for step in transaction.steps() {
            if let Some(refusal) = refusal(&write, step)? {
                return Ok(Attempt::Refused(refusal));
            }
        }
        let mut meta = write.open_table(META)?;
        let revision = meta.get(META_REVISION)?.map_or(0, |found| found.value());
        let revision = Revision::new(revision).next();
        meta.insert(META_FORMAT, FORMAT)?;
        meta.insert(META_REVISION, revision.get())?;
        drop(meta);
        let mut changes = Vec::new();
        for step in transaction.into_steps() {
            changes.extend(apply(&write, step, revision)?);
        }
        write.commit()?;
        Ok(Attempt::Committed(revision, changes))
    }

    fn meta(&self, name: &str) -> Result<Option<u64>, redb::Error> {
        match open(&self.database.begin_read()?, META)? {
            Some(table) => Ok(table.get(name)?.map(|found| found.value())),
            None => Ok(None),
        }
    }

    /// Begins to write, durably: redb's default, which a commit waits for.
    fn write(&self) -> Result<WriteTransaction, redb::Error> {
        let mut write = self.database.begin_write()?;
        // Costs a commit a second wait for the disk, and spares the start after a `kill -9` a walk
        // through the whole file.
        write.set_quick_repair(true);
        Ok(write)
    }
}

fn rows(kind: Kind) -> Rows {
    TableDefinition::new(kind.as_str())
}

fn row(kind: Kind, id: Id, (revision, document): (u64, &[u8])) -> Row {
    Row::from_json(kind, id, document).at(Revision::new(revision))
}

fn revision(read: &ReadTransaction) -> Result<Revision, redb::Error> {
    let Some(meta) = open(read, META)? else {
        return Ok(Revision::ZERO);
    };
    let found = meta.get(META_REVISION)?;
    Ok(found.map_or(Revision::ZERO, |found| Revision::new(found.value())))
}

/// A table; `None` as long as nothing was ever written to it.
fn open<K: Key + 'static, V: redb::Value + 'static>(
    read: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, redb::Error> {
    match read.open_table(table) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn collect(
    read: &ReadTransaction,
    kind: Kind,
    page: &Page,
    found: &mut Vec<Row>,
) -> Result<(), redb::Error> {
    let Some(table) = open(read, rows(kind))? else {
        return Ok(());
    };
    let from = match &page.after {
        Some(after) => Bound::Excluded(after.as_str()),
        None => Bound::Unbounded,
    };
    let range = table.range::<&str>((from, Bound::Unbounded))?;
    for entry in range.take(page.limit.unwrap_or(usize::MAX)) {
        let (id, stored) = entry?;
        let id = Id::new(id.value()).map_err(|invalid| {
            redb::Error::Corrupted(format!("`{kind}` holds a row without an id: {invalid}"))
        })?;
        found.push(row(kind, id, stored.value()));
    }
    Ok(())
}

/// Why the transaction must not happen, if what `step` demands is not so.
fn refusal(write: &WriteTransaction, step: &Step) -> Result<Option<CommitError>, redb::Error> {
    let (kind, id, when) = match step {
        Step::Put { kind, id, when, .. }
        | Step::Delete { kind, id, when }
        | Step::Check { kind, id, when } => (*kind, id, *when),
        Step::UnchangedSince { kind, revision } => {
            let changed = changed_since(write, *kind, *revision)?;
            return Ok(changed.then(|| CommitError::conflict(*kind, None)));
        }
        _ => return Ok(Some(unknown_step())),
    };
    if when == Precondition::Any {
        return Ok(None);
    }
    let table = write.open_table(rows(kind))?;
    let found = table
        .get(id.as_str())?
        .map(|found| Revision::new(found.value().0));
    let holds = when.holds(found);
    Ok((!holds).then(|| CommitError::conflict(kind, Some(id.clone()))))
}

fn changed_since(
    write: &WriteTransaction,
    kind: Kind,
    since: Revision,
) -> Result<bool, redb::Error> {
    for entry in write.open_table(rows(kind))?.iter()? {
        if entry?.1.value().0 > since.get() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn apply(
    write: &WriteTransaction,
    step: Step,
    revision: Revision,
) -> Result<Option<Change>, redb::Error> {
    match step {
        Step::Put {
            kind, id, value, ..
        } => {
            let document = value.to_string();
            let stored = (revision.get(), document.as_bytes());
            write.open_table(rows(kind))?.insert(id.as_str(), stored)?;
            Ok(Some(Change::Put(Row::new(kind, id, value).at(revision))))
        }
        Step::Delete { kind, id, .. } => {
            write.open_table(rows(kind))?.remove(id.as_str())?;
            Ok(Some(Change::Delete(kind, id)))
        }
        // `refusal` has let none through that it does not know.
        _ => Ok(None),
    }
}

fn unknown_step() -> CommitError {
    aisix_core::error::Error::internal("the store does not know this step of a transaction").into()
}
