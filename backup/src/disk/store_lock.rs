//! One writer per store: a lock that dies with its process.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::disk::{lock, real};
use crate::error::{Error, Result};

const NAME: &str = ".lock";

/// Held while a process may write to the store. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct StoreLock {
    file: File,
    path: PathBuf,
}

impl StoreLock {
    /// Takes the lock of a store, creating the folder where it is missing.
    ///
    /// # Errors
    /// [`Error::Locked`] with the other process's id when another process holds it.
    pub fn take(dir: &Path) -> Result<StoreLock> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir, "create the store's folder"))?;
        let path = dir.join(NAME);
        let opened = |error| lock::not_opened(&path, error);
        let mut writable = lock::open_file(dir, NAME).map_err(opened)?;
        // Opened for reading, so that a failing disk can be remounted read-only, and back, while the recorder waits.
        let mut file = real::folder(dir)
            .and_then(|within| real::file_in(within, NAME, OFlags::RDONLY))
            .map_err(opened)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked {
                    path: dir.to_path_buf(),
                    pid: lock::owner(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(Error::Io {
                    path,
                    doing: "lock the store",
                    source,
                });
            }
        }
        lock::note_owner(&mut writable);
        Ok(StoreLock { file, path })
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

impl Drop for StoreLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is just starting holds a copy of it for a moment, and
        // with it the lock.
        let _ = self.file.unlock();
    }
}
