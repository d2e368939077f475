//! One writer per store: a lock that dies with its process.

use std::fs::{File, TryLockError};
use std::io;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::disk::{lock, lock_file, owner, real, space};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store_use::StoreUse;

const NAME: &str = ".lock";
/// A look at the lock holds it for less than this.
const A_LOOK: Duration = Duration::from_millis(100);

/// Held while a process may write to the store. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct StoreLock {
    file: File,
    path: PathBuf,
}

impl StoreLock {
    /// Takes the lock of a store, creating the folder where it is missing. The lock says what for.
    ///
    /// # Errors
    /// [`Error::Locked`] with the other process's id when another process holds it.
    pub fn take(dir: &Path, what_for: StoreUse) -> Result<StoreLock> {
        StoreLock::taken(dir, what_for).map_err(space::told)
    }

    fn taken(dir: &Path, what_for: StoreUse) -> Result<StoreLock> {
        owner::make_folder(dir).map_err(Error::io(dir, "create the store's folder"))?;
        let path = dir.join(NAME);
        let opened = |error| lock::not_opened(&path, error);
        let mut writable = lock::open_file(dir, NAME).map_err(opened)?;
        // Opened for reading, so that a failing disk can be remounted read-only, and back, while the recorder waits.
        let mut file = real::folder(dir)
            .and_then(|within| real::file_in(within, NAME, OFlags::RDONLY))
            .map_err(opened)?;
        let begun = Instant::now();
        let mut locked = lock::alone(&file);
        while matches!(locked, Err(TryLockError::WouldBlock)) && begun.elapsed() < A_LOOK {
            std::thread::sleep(A_LOOK / 10);
            locked = lock::alone(&file);
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(in_use(dir, &mut file));
            }
            Err(TryLockError::Error(refused)) if lock_file::are_needed(&refused) => {
                return Err(no_locks(dir, &refused));
            }
            Err(TryLockError::Error(source)) => {
                return Err(Error::Io {
                    path,
                    doing: "lock the store",
                    source,
                });
            }
        }
        lock::note_owner(&mut writable, what_for.word());
        Ok(StoreLock { file, path })
    }

    /// Looks whether a process holds the lock of a store. Nothing is made where there is none.
    ///
    /// # Errors
    /// [`Error::Locked`] with that process's id when one holds it; [`Error::Io`] when this user may not look.
    pub fn look(dir: &Path) -> Result<()> {
        let opened =
            real::folder(dir).and_then(|within| real::file_in(within, NAME, OFlags::RDONLY));
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(lock::not_opened(&dir.join(NAME), error));
            }
            Err(_) => return Ok(()),
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(in_use(dir, &mut file)),
            _ => Ok(()),
        }
    }

    /// The lock's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// False once the lock's file was removed: another process could then take a lock of its own, so this one protects
    /// nothing.
    pub(crate) fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        match (self.file.metadata(), self.path.metadata()) {
            (Ok(held), Ok(found)) => (held.dev(), held.ino()) == (found.dev(), found.ino()),
            _ => false,
        }
    }
}

/// A store needs real locks: SQLite cannot write without them, and two agents could meet.
fn no_locks(dir: &Path, refused: &io::Error) -> Error {
    Finding::new(dir, "a disk without locks")
        .expected("a disk that keeps locks, as every local disk does")
        .found(refused.to_string())
        .hint("put the store on a local disk; of the two only the archive may lie on this one")
        .into()
}

/// What to say of the process that holds the lock.
fn in_use(dir: &Path, file: &mut File) -> Error {
    let owner = lock::owner(file);
    Error::Locked {
        path: dir.to_path_buf(),
        pid: owner.pid,
        what_for: StoreUse::of_word(&owner.what_for),
    }
}

impl Drop for StoreLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is just starting holds a copy of it for a moment, and
        // with it the lock.
        let _ = self.file.unlock();
    }
}
