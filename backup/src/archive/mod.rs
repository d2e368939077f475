//! The archive: verified backups of the store, and the way back. `FORMAT.md` tells what lies on the disk.

mod assemble;
mod create;
mod delta;
mod fault;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gzip;
mod holds;
mod keep;
mod known;
mod lanes;
mod list;
mod lock;
mod manifest;
mod marks;
mod mend;
mod plan;
mod proof;
mod publish;
mod report;
mod restore;
mod retention;
mod scratch;
mod seed;
mod segment;
mod settings;
mod ship;
mod snapshot;
mod space;
mod stamp;
mod swap;
mod tail;
mod verify;
mod work;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Result;

#[doc(hidden)]
pub use fault::{full_at_step, kill_at_step, steps_left};
pub use list::{BackupInfo, BackupKind};
pub use mend::Mend;
pub use plan::{ControlChange, Recoverable, RestorePlan, RestoreSource};
pub use report::{Depth, Finding, Report};
pub use restore::Restored;
pub use retention::{Policy, PruneReport, Pruned};
pub use settings::{SettingsFile, SettingsSource};
pub use ship::{Shipped, Shipper};
pub use swap::{RestoreReport, UndoReport, finish_interrupted, undo, undo_available};

/// Hears how work goes on. Called often and from the working thread: return quickly.
pub trait Progress {
    /// `what` is being done, `done` of `total` units so far (bytes or pages; `total` 0 where unknown).
    fn step(&self, what: &str, done: u64, total: u64);
}

/// Nobody watches.
impl Progress for () {
    fn step(&self, _what: &str, _done: u64, _total: u64) {}
}

/// How hard to press day files. Measured on 1 M events: 7 takes 1.8 times the time and saves 5 %, 9 four times and 8 %.
const LEVEL: u32 = 6;
/// The same for small files, above all a day's later parts, where time does not matter.
const LEVEL_OF_SMALL: u32 = 9;
/// Up to here a file is small: a second of work.
const SMALL: u64 = 8 << 20;
/// A day file that cannot be copied in this time says that the disk is in trouble.
const SNAPSHOT_DEADLINE: Duration = Duration::from_secs(600);
/// Compressed day files.
const DAYS: &str = "days";
/// Settings files.
const SETTINGS: &str = "settings";

/// A folder of backups.
#[derive(Debug, Clone)]
pub struct Archive {
    dir: PathBuf,
}

impl Archive {
    /// Opens an archive, creating its folder, and removes what an interrupted backup left unfinished. An archive that
    /// may only be read (a mounted copy) opens as well; then nothing is removed.
    ///
    /// # Errors
    /// When the folder cannot be created or read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Archive> {
        let dir = dir.into();
        publish::create_folder(&dir)?;
        publish::entries(&dir)?;
        let archive = Archive { dir };
        // Whoever holds the lock is at work and its files are no rubbish.
        if let Ok(Some(_lock)) = lock::writer_if_free(&archive.dir) {
            archive.clean()?;
        }
        Ok(archive)
    }

    /// The archive's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Only for the holder of the writers' lock. Readers have scratch folders here: while there are any, rubbish stays.
    fn clean(&self) -> Result<()> {
        let Some(_alone) = lock::no_readers_now(&self.dir)? else {
            return Ok(());
        };
        for folder in [
            self.dir.clone(),
            self.dir.join(DAYS),
            self.dir.join(SETTINGS),
        ] {
            publish::clean(&folder)?;
        }
        Ok(())
    }
}
