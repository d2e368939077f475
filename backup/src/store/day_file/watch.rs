//! Tells whether the file behind an open connection is as its writer left it, from its place, size and time.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

/// The log is folded into the file from this many pages on, which is SQLite's own limit.
const CHECKPOINT: i32 = 1000;

/// What a look at a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nobody but its writer wrote to it.
    Untouched,
    /// Somebody else did.
    Touched,
    /// It has no name any more.
    Removed,
    /// Another one has its name.
    Replaced,
    /// The system refuses to show it, for this reason.
    Hidden(String),
}

/// Commits go to the log; the file itself changes only when its writer folds the log into it. Any other change comes
/// from somebody else.
pub(super) struct Watch {
    path: PathBuf,
    shape: Option<Shape>,
    log_pages: Arc<AtomicI32>,
}

#[derive(Clone, Copy, PartialEq)]
struct Shape {
    place: (u64, u64),
    bytes: u64,
    modified: (i64, i64),
}

impl Shape {
    fn of(path: &Path) -> io::Result<Shape> {
        let meta = path.metadata()?;
        Ok(Shape {
            place: (meta.dev(), meta.ino()),
            bytes: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        })
    }
}

impl Watch {
    /// From here on only this connection may bring its log into the file.
    pub(super) fn of(conn: &mut Connection, path: &Path) -> rusqlite::Result<Watch> {
        let log_pages = Arc::new(AtomicI32::new(0));
        let pages = Arc::clone(&log_pages);
        // Replaces SQLite's own checkpoints, which would change the file unseen.
        conn.wal_hook(Some(move |_: &mut Wal, now| {
            pages.store(now, Relaxed);
            Ok(())
        }))?;
        Ok(Watch {
            path: path.to_path_buf(),
            shape: Shape::of(path).ok(),
            log_pages,
        })
    }

    /// Device and inode of the file.
    pub(super) fn place(&self) -> Option<(u64, u64)> {
        self.shape.map(|shape| shape.place)
    }

    /// One system call.
    pub(super) fn look(&self) -> Look {
        match (Shape::of(&self.path), self.shape) {
            (Ok(now), Some(known)) if now == known => Look::Untouched,
            (Ok(now), Some(known)) if now.place == known.place => Look::Touched,
            (Ok(_), _) => Look::Replaced,
            (Err(error), _) if is_gone(&error) => Look::Removed,
            (Err(error), _) => Look::Hidden(error.to_string()),
        }
    }

    /// Takes the file as it is now for its writer's.
    pub(super) fn accept(&mut self) {
        self.shape = Shape::of(&self.path).ok();
    }

    /// To be called after a commit: folds a long log into the file. What cannot be folded now follows with the next.
    pub(super) fn checkpoint_if_due(&mut self, conn: &Connection) {
        if self.log_pages.load(Relaxed) < CHECKPOINT {
            return;
        }
        let untouched = self.look() == Look::Untouched;
        // The commit stands even if this fails; a full disk shows at the next commit.
        let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if untouched {
            self.accept();
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
