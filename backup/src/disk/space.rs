//! Free space on the disk of a folder, asked before anything is written there.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What stays free for everyone else on that disk.
const RESERVE: u64 = 64 << 20;
/// With less than this no database can be worked with.
const NEXT_TO_NOTHING: u64 = 1 << 20;

/// Refuses work that would fill the disk.
pub(crate) fn require(folder: &Path, needed: u64, what: &str) -> Result<()> {
    enough(folder, free(folder)?, needed, what)
}

/// Turns an error about a full disk into one that says how much is free. To be called before unfinished files are
/// removed: for some files SQLite only says that they cannot be written, and then the free space tells why.
pub(crate) fn told(error: Error) -> Error {
    let full = error.is_disk_full();
    match error {
        Error::Io { path, doing, .. } if full => full_at(path, doing),
        Error::Sqlite {
            path,
            doing,
            source,
        } => {
            use rusqlite::ErrorCode::{CannotOpen, SystemIoFailure};
            let vague = matches!(
                source.sqlite_error_code(),
                Some(CannotOpen | SystemIoFailure)
            );
            if full || vague && left_near(&path).is_some_and(Left::is_nothing) {
                full_at(path, doing)
            } else {
                Error::Sqlite {
                    path,
                    doing,
                    source,
                }
            }
        }
        other => other,
    }
}

fn full_at(path: PathBuf, doing: &'static str) -> Error {
    let left = left_near(&path).unwrap_or(Left {
        bytes: 0,
        has_inodes: true,
    });
    let free = left.bytes / 1_000_000;
    if left.has_inodes {
        let what = format!("cannot {doing}: the disk is full, {free} MB are free");
        return Error::Full { path, what };
    }
    let what = format!(
        "cannot {doing}: the disk has no inode left for another file, though {free} MB are free"
    );
    Error::NoInode { path, what }
}

/// What is left of a disk.
#[derive(Debug, Clone, Copy)]
struct Left {
    bytes: u64,
    /// A disk may be unable to hold another file though it has room.
    has_inodes: bool,
}

impl Left {
    fn on(folder: &Path) -> rustix::io::Result<Left> {
        let stat = rustix::fs::statvfs(folder)?;
        Ok(Left {
            bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            // Where they are not counted, both are 0.
            has_inodes: stat.f_files == 0 || stat.f_favail > 0,
        })
    }

    fn is_nothing(self) -> bool {
        self.bytes < NEXT_TO_NOTHING || !self.has_inodes
    }
}

/// What is left near a path that may not exist any more.
fn left_near(path: &Path) -> Option<Left> {
    path.ancestors().find_map(|path| Left::on(path).ok())
}

/// The same where it is known how much is free.
pub(crate) fn enough(folder: &Path, free: u64, needed: u64, what: &str) -> Result<()> {
    if free >= needed.saturating_add(RESERVE) {
        return Ok(());
    }
    let mb = |bytes: u64| bytes.div_ceil(1_000_000);
    Err(Error::Full {
        path: folder.to_path_buf(),
        what: format!(
            "found {} MB free on that disk, expected at least {} MB for {what} and {} MB in reserve",
            mb(free),
            mb(needed),
            mb(RESERVE)
        ),
    })
}

/// Bytes that are free on the disk of a folder.
pub(crate) fn free(folder: &Path) -> Result<u64> {
    let left = Left::on(folder)
        .map_err(|error| Error::io(folder, "ask for the free space of its disk")(error.into()))?;
    Ok(left.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_would_fill_is_refused_with_both_numbers() {
        let error = enough(Path::new("/a"), 100 << 20, 50 << 20, "a backup").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("105 MB free") && text.contains("53 MB for a backup"),
            "{text}"
        );
        enough(Path::new("/a"), 200 << 20, 50 << 20, "a backup").unwrap();
    }
}
