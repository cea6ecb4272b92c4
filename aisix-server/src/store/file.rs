//! The directory of a store and the files in it.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const DATABASE: &str = "aisix.redb";
const LOCK: &str = "aisix.lock";

/// The length of what a database begins with, and what redb writes last when it makes one.
const MAGIC_LEN: u64 = 9;

/// Makes the directory if it is missing, for its owner alone. One that is there is left as it is.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Takes the lock that says that the store is open; `None` when another process has it.
///
/// It ends with the process, however that ends.
pub(super) fn lock(directory: &Path) -> io::Result<Option<File>> {
    let file = open(&directory.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens the database's file, empty when it is new; only under the [`lock`].
pub(super) fn database(directory: &Path) -> io::Result<File> {
    let mut file = open(&directory.join(DATABASE))?;
    if is_unfinished(&mut file)? {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Makes the names of the files in `directory`, and its own name, survive a loss of power.
pub(super) fn sync_names(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()?;
    File::open(directory.join(".."))?.sync_all()
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    // A copy that was put back may be open to all, and secrets stand in it.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Whether a process was killed while it made the database: nothing has been stored yet, and redb
/// refuses the file.
fn is_unfinished(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(MAGIC_LEN).read_to_end(&mut start)?;
    Ok(!start.is_empty() && start.iter().all(|byte| *byte == 0))
}
