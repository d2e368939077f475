//! An archive as opened: its folder, and what an interrupted backup left there removed.

use std::path::{Path, PathBuf};

use crate::archive::format::manifest::{DAYS, SETTINGS};
use crate::disk::{draft, lock};
use crate::error::Result;

/// A folder of backups.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(crate) dir: PathBuf,
}

impl Archive {
    /// Opens an archive, creating its folder, and removes what an interrupted backup left unfinished. An archive that
    /// may only be read (a mounted copy) opens as well; then nothing is removed.
    ///
    /// # Errors
    /// When the folder cannot be created or read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Archive> {
        let dir = dir.into();
        draft::create_folder(&dir)?;
        draft::entries(&dir)?;
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
    pub(crate) fn clean(&self) -> Result<()> {
        let Some(_alone) = lock::no_readers_now(&self.dir)? else {
            return Ok(());
        };
        for folder in [
            self.dir.clone(),
            self.dir.join(DAYS),
            self.dir.join(SETTINGS),
        ] {
            draft::clean(&folder)?;
        }
        Ok(())
    }
}
