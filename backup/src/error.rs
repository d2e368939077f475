//! What can go wrong, said with the place, what was found, and what to do next.

use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::irregular;
use crate::out_of_reach::OutOfReach;
use crate::parting::Parting;
use crate::store_use::StoreUse;
use crate::trusted_now::ClockDoubt;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The ids of two stores, where one was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stores {
    /// Whose record is there.
    pub found: String,
    /// Whose should be there.
    pub expected: String,
}

/// What holds the record of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordIn {
    /// The archive that backups go to.
    Archive,
    /// A backup that is to be restored.
    Backup,
    /// A file that is to be restored.
    File,
    /// A day file among those of a store.
    DayFile,
}

/// Why something failed. The text of each names the file or the input; [`Error::hint`] names the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a verb phrase ("create the folder").
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// A disk is full, or would be.
    #[error("{}: {what}", path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
        /// What was tried and how much is free.
        what: String,
    },
    /// Another process writes into this store.
    #[error("{}: {}", path.display(), in_use(*pid, *what_for))]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// The other process, if it could be read.
        pid: Option<u32>,
        /// What it does there, if the lock says it.
        what_for: Option<StoreUse>,
    },
    /// A disk has room, but no inode for another file, or would have none.
    #[error("{}: {what}", path.display())]
    NoInode {
        /// The file or folder.
        path: PathBuf,
        /// What was tried and how much is free.
        what: String,
    },
    /// Somebody else is at work there.
    #[error("{}: found {who} at work{}, expected an archive at rest", path.display(), pid.map_or_else(String::new, |pid| format!(" (process {pid})")))]
    Busy {
        /// The lock.
        path: PathBuf,
        /// What the other one does, as far as the lock says it.
        who: &'static str,
        /// The other process, if it could be read.
        pid: Option<u32>,
    },
    /// Something holds the record of another store.
    #[error("{}: found the record of store {}, expected that of store {}", path.display(), stores.found, stores.expected)]
    OtherStore {
        /// The archive's folder, the backup or the file.
        path: PathBuf,
        /// Whose it is, and whose it should be.
        stores: Stores,
        /// What holds it.
        within: RecordIn,
    },
    /// Another agent writes this store's archive.
    #[error("{}: found another agent at work here, {writer}{}, {seconds} s ago; expected none", path.display(), shipping_since.as_ref().map_or_else(String::new, |since| format!(" (shipping since {since})")))]
    OtherAgent {
        /// The archive's folder.
        path: PathBuf,
        /// The other agent's store and machine.
        writer: String,
        /// When shipping last began there, as RFC 3339.
        shipping_since: Option<String>,
        /// Since when nothing of it came.
        seconds: u64,
    },
    /// The archive is not the one any more that shipping began in, or does not hold what was shipped.
    #[error("{}: found {found}, expected the archive {expected} as before", path.display())]
    OtherArchive {
        /// The archive's folder.
        path: PathBuf,
        /// What is there now.
        found: String,
        /// What was there.
        expected: String,
    },
    /// The archive holds events that the store lacks, and a recorder runs that has to begin another history first.
    #[error("{}: found {parting}; expected a store that holds all that was shipped of it", path.display())]
    Parted {
        /// The store's folder.
        path: PathBuf,
        /// What the store lacks.
        parting: Parting,
    },
    /// No restore was made that could be taken back.
    #[error("{}: found nothing to take back, expected the files that a restore put aside", path.display())]
    NothingToUndo {
        /// Where a restore keeps the files that it replaced.
        path: PathBuf,
    },
    /// The archive holds no backup that restores.
    #[error("{}: found {found}, expected at least one sound backup", path.display())]
    NoBackup {
        /// The archive.
        path: PathBuf,
        /// What it holds instead.
        found: String,
    },
    /// No backup reaches the moment to restore to.
    #[error("{0}")]
    Unreachable(Box<OutOfReach>),
    /// The store holds no day file.
    #[error("{}: found no day files, expected at least one day of events", path.display())]
    NoEvents {
        /// The store's folder.
        path: PathBuf,
    },
    /// Work was not done at its deadline.
    #[error("{}: found {found} at the deadline, expected {expected}", path.display())]
    TooLate {
        /// The file that was worked on.
        path: PathBuf,
        /// What is left to do.
        found: String,
        /// What should be done by then.
        expected: &'static str,
    },
    /// A file of an archive or of a restore is damaged, altered or missing.
    #[error("{0}")]
    Found(Box<Finding>),
    /// A file is none that this program reads: of another program, of a newer one, or cut short.
    #[error("{}: found {found}, expected {expected}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What can be read.
        expected: String,
    },
    /// A database is sound, but none of this store.
    #[error("{}: found a database that is not a day file of this store, expected a day file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Something in between gave another answer than it can; nothing but looking into it helps.
    #[error("{}: found {found}, expected {expected}", path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A day file is damaged.
    #[error("{}: found a damaged database: {found}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite's check says.
        found: String,
    },
    /// The caller asked for something that makes no sense.
    #[error("{what}: found {found}, expected {expected}")]
    Input {
        /// Which input.
        what: String,
        /// What was given.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// The clock disagrees with what is known to have happened.
    #[error("{0}")]
    ClockInDoubt(ClockDoubt),
    /// The recorder is stopped; nothing is recorded any more.
    #[error("the recorder has stopped")]
    Stopped,
    /// The recorder cannot write at the moment; it buffers and tries again.
    #[error("the recorder cannot write: {reason}")]
    Failing {
        /// The reason as last seen.
        reason: String,
    },
}

impl Error {
    pub(crate) fn io(
        path: &Path,
        doing: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.to_path_buf();
        move |source| match irregular::finding(&path, &source) {
            Some(finding) => finding.into(),
            None => Error::Io {
                path,
                doing,
                source,
            },
        }
    }

    pub(crate) fn sqlite(
        path: &Path,
        doing: &'static str,
    ) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        let path = path.to_path_buf();
        move |source| Error::Sqlite {
            path,
            doing,
            source,
        }
    }

    pub(crate) fn is_disk_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Error::Full { .. } | Error::NoInode { .. } => true,
            Error::Io { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            Error::Sqlite { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            _ => false,
        }
    }

    /// The file that is damaged, or a day file of another store, where that is what went wrong.
    pub fn damaged_file(&self) -> Option<&Path> {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Error::Damaged { path, .. } => Some(path),
            Error::OtherStore {
                path,
                within: RecordIn::DayFile,
                ..
            } => Some(path),
            Error::Sqlite { path, source, .. } => matches!(
                source.sqlite_error_code(),
                Some(DatabaseCorrupt | NotADatabase)
            )
            .then_some(path),
            _ => None,
        }
    }

    /// The next step for the person who reads the error, where one is known.
    pub fn hint(&self) -> Option<&str> {
        use rusqlite::ErrorCode as Code;
        match self {
            Error::Full { .. } => Some(
                "free 64 MB on that disk beside what this takes; an archive shrinks when fewer backups are kept",
            ),
            Error::NoInode { .. } => Some(
                "remove files that nobody needs from that disk, or make its file system anew with more inodes \
                 (`mkfs.ext4 -N`); an archive has fewer files when fewer backups are kept",
            ),
            Error::Busy { .. } => Some("try again when that one is done"),
            Error::OtherStore { within, .. } => Some(match within {
                RecordIn::Archive => {
                    "choose another folder for this store's backups, or take that record over with `restore latest --force`"
                }
                RecordIn::Backup => {
                    "choose another target, or have the store become that one with --force (undo takes it back)"
                }
                RecordIn::File => {
                    "add its events with `import`, or put it in place of the day with --force (undo takes it back)"
                }
                RecordIn::DayFile => {
                    "move it out of the store's folder; `import` then adds its events to this store"
                }
            }),
            Error::OtherAgent { .. } => Some(
                "stop that agent and wait two minutes, or choose another folder for this one's backups",
            ),
            Error::OtherArchive { .. } => {
                Some("shipping begins anew; look whether the archive's disk is mounted")
            }
            Error::Parted { .. } => Some("end the agent that records there, and try again"),
            Error::NoBackup { .. } => Some("make one"),
            Error::Unreachable(_) => Some("choose one of those moments"),
            Error::NothingToUndo { .. } => Some("only the last restore can be taken back"),
            Error::NoEvents { .. } => Some("is this the store's folder?"),
            Error::ClockInDoubt(_) => Some("set the clock right"),
            Error::TooLate { .. } => Some("look at the disk's load"),
            Error::Found(finding) => Some(&finding.hint),
            Error::Foreign { .. } => Some("databases of the original agent can be imported"),
            Error::Damaged { .. } => Some("restore this day from an earlier backup"),
            Error::Locked {
                what_for: Some(what_for),
                ..
            } if what_for.ends() => Some("try again when it is done"),
            Error::Locked { .. } => {
                Some("stop the other agent, or give this one another data folder")
            }
            Error::Sqlite {
                source: rusqlite::Error::SqliteFailure(failure, _),
                ..
            } => match failure.code {
                Code::DiskFull => Some("free some space on that disk"),
                Code::ReadOnly | Code::PermissionDenied => {
                    Some("make the folder and its files writable for this user")
                }
                Code::CannotOpen => {
                    Some("check that the folder exists and may be written by this user")
                }
                Code::DatabaseCorrupt | Code::NotADatabase => {
                    Some("restore this day from a backup")
                }
                Code::DatabaseBusy | Code::DatabaseLocked => {
                    Some("close the other program that holds the file")
                }
                _ => None,
            },
            Error::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied => Some("check owner and permissions"),
                std::io::ErrorKind::StorageFull => Some("free some space on that disk"),
                std::io::ErrorKind::NotFound => Some("check the path"),
                std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                    Some("something else has that name: move it away, or choose another path")
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// Who has the store, and what for.
fn in_use(pid: Option<u32>, what_for: Option<StoreUse>) -> String {
    let process = pid.map(|pid| format!("process {pid}"));
    match what_for.filter(|what_for| what_for.ends()) {
        Some(what_for) => {
            let process = process.as_deref().unwrap_or("another process");
            format!("{process} {what_for} the store")
        }
        None => {
            let process = process.map_or_else(String::new, |process| format!(", {process}"));
            format!("the store is in use by another agent{process}")
        }
    }
}

impl From<Finding> for Error {
    fn from(finding: Finding) -> Error {
        Error::Found(Box::new(finding))
    }
}
