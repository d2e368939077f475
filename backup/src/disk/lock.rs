//! The archive's locks, valid across processes. The system releases a lock when its process ends.
//!
//! Writers (backup, prune) exclude one another. Readers (verify, restore) only exclude the removal of files; a backup
//! removes none and runs beside them.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::disk::lock_file::{self, LockFile};
use crate::disk::{fault, real};
use crate::error::{Error, Result};
use crate::finding::Finding;

const WRITERS: &str = ".lock";
const READERS: &str = ".readers";
const RESTORERS: &str = ".restore.lock";
/// How long to wait for another's short work before saying who is in the way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
    /// Where the disk keeps no locks.
    _instead: Option<LockFile>,
}

/// For whoever adds or removes backups.
pub(crate) fn writer(archive: &Path) -> Result<Lock> {
    patiently(archive, WRITERS, "another backup or prune", How::Alone)
}

/// The writers' lock if it is free now. `None` also where there is none: nobody has ever written there.
pub(crate) fn writer_if_free(archive: &Path) -> Result<Option<Lock>> {
    if !archive.join(WRITERS).exists() {
        return Ok(None);
    }
    Ok(attempt(archive, WRITERS, How::Alone)?.ok())
}

/// For whoever removes files, on top of the writers' lock.
pub(crate) fn no_readers(archive: &Path) -> Result<Lock> {
    patiently(archive, READERS, "a verification or restore", How::Alone)
}

/// The same if no reader is at work now.
pub(crate) fn no_readers_now(archive: &Path) -> Result<Option<Lock>> {
    Ok(attempt(archive, READERS, How::Alone)?.ok())
}

/// For whoever builds a restore in a store's folder: one at a time.
pub(crate) fn restorer(target: &Path) -> Result<Lock> {
    patiently(target, RESTORERS, "another restore", How::Alone)
}

/// The restorers' lock if it is free now.
pub(crate) fn restorer_if_free(target: &Path) -> Result<Option<Lock>> {
    Ok(attempt(target, RESTORERS, How::Alone)?.ok())
}

/// For whoever needs the files to stay. `None` where the archive cannot be written to or the lock is no
/// real file: so nobody can take the lock that a removal needs. Also where the folder is empty or missing: there is
/// nothing to stay, and whoever looks makes nothing.
pub(crate) fn reader(archive: &Path) -> Result<Option<Lock>> {
    if !can_be_taken(archive) {
        return Ok(None);
    }
    patiently(archive, READERS, "a prune", How::Shared).map(Some)
}

/// The readers' lock if it is free now.
pub(crate) fn reader_if_free(archive: &Path) -> Result<Option<Lock>> {
    if !can_be_taken(archive) {
        return Ok(None);
    }
    Ok(attempt(archive, READERS, How::Shared)?.ok())
}

fn can_be_taken(archive: &Path) -> bool {
    let entries = std::fs::read_dir(archive);
    if entries.map_or(true, |mut entries| entries.next().is_none()) {
        return false;
    }
    let opened = open_file(archive, READERS);
    if let Err(error) = &opened
        && let Some(finding) = irregular(&archive.join(READERS), error)
    {
        tracing::warn!(%finding, "read without a lock; no prune can begin before this is removed");
    }
    opened.is_ok()
}

/// How a lock is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Alone,
    Shared,
}

impl How {
    fn try_on(self, file: &File) -> std::result::Result<(), TryLockError> {
        if let Some(refused) = fault::refusal(fault::Refused::Lock) {
            return Err(TryLockError::Error(refused.into()));
        }
        match self {
            How::Alone => file.try_lock(),
            How::Shared => file.try_lock_shared(),
        }
    }
}

/// Tries a lock that nobody shares.
pub(super) fn alone(file: &File) -> std::result::Result<(), TryLockError> {
    How::Alone.try_on(file)
}

fn patiently(archive: &Path, name: &str, who: &'static str, how: How) -> Result<Lock> {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt(archive, name, how)? {
            Ok(lock) => return Ok(lock),
            Err(pid) if Instant::now() >= until => {
                return Err(Error::Busy {
                    path: archive.join(name),
                    who,
                    pid,
                });
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The lock, or who has it.
fn attempt(archive: &Path, name: &str, how: How) -> Result<std::result::Result<Lock, Option<u32>>> {
    let path = archive.join(name);
    let mut file = open_file(archive, name).map_err(|error| not_opened(&path, error))?;
    match how.try_on(&file) {
        Ok(()) => {
            note_owner(&mut file, "");
            Ok(Ok(Lock {
                _file: file,
                _instead: None,
            }))
        }
        Err(TryLockError::WouldBlock) => Ok(Err(owner(&mut file).pid)),
        Err(TryLockError::Error(error)) if lock_file::are_needed(&error) => {
            let taken = lock_file::take(archive, name, how == How::Shared)?;
            Ok(taken.map(|instead| Lock {
                _file: file,
                _instead: Some(instead),
            }))
        }
        Err(TryLockError::Error(error)) => Err(Error::io(&path, "lock the archive")(error)),
    }
}

/// A lock's file, made where it is missing. Anything else of that name is not opened: a pipe would block, and the process
/// id would be written into the target of a link.
pub(super) fn open_file(folder: &Path, name: &str) -> std::io::Result<File> {
    real::own_file(folder, name)
}

/// What a lock that cannot be opened is, and what to do.
pub(super) fn not_opened(path: &Path, error: std::io::Error) -> Error {
    match irregular(path, &error) {
        Some(finding) => finding.into(),
        None => Error::io(path, "open the lock")(error),
    }
}

/// The locks of an archive that are no real files, so that nobody can take them.
pub(crate) fn not_to_take(archive: &Path) -> Vec<Finding> {
    let bad = |name| {
        let error = real::look(archive, "", name).err()?;
        irregular(&archive.join(name), &error)
    };
    [WRITERS, READERS].into_iter().filter_map(bad).collect()
}

fn irregular(path: &Path, error: &std::io::Error) -> Option<Finding> {
    let finding = crate::irregular::finding(path, error)?;
    Some(
        finding
            .hint("remove what is there: the lock is a file that is made anew when it is missing"),
    )
}

/// Writes this process's id into the lock's file, for people to read, and below it in a word what for. The lock holds
/// even where a full disk has no room for it.
pub(super) fn note_owner(file: &mut File, what_for: &str) {
    let _ = file.set_len(0);
    let _ = writeln!(file, "{}\n{what_for}", std::process::id());
}

/// Who holds a lock, as far as it could be read.
pub(super) struct Owner {
    pub(super) pid: Option<u32>,
    /// Empty where nothing is said.
    pub(super) what_for: String,
}

pub(super) fn owner(file: &mut File) -> Owner {
    let mut text = String::new();
    let _ = file.rewind();
    let _ = file.take(100).read_to_string(&mut text);
    let mut lines = text.lines().map(str::trim);
    Owner {
        pid: lines.next().and_then(|pid| pid.parse().ok()),
        what_for: lines.next().unwrap_or_default().to_owned(),
    }
}
