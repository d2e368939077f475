//! An archive as opened: the place where it lies, and what an interrupted backup left there removed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::format::manifest::{DAYS, SETTINGS};
use crate::archive::place::folder::Folder;
use crate::archive::place::interface::{Hold, Place};
use crate::error::Result;

/// A place with backups.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(crate) place: Arc<dyn Place>,
}

impl Archive {
    /// Opens an archive in a folder, creating it, and removes what an interrupted backup left unfinished. An archive that
    /// may only be read (a mounted copy) opens as well; then nothing is removed.
    ///
    /// # Errors
    /// When the folder cannot be created or read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Archive> {
        Archive::at(Arc::new(Folder::open(dir.into())?))
    }

    /// The archive in a folder as it is, for whoever only looks: nothing is made or removed. Where there is no folder
    /// there is no backup.
    pub fn look_at(dir: impl Into<PathBuf>) -> Archive {
        Archive {
            place: Arc::new(Folder::at(dir.into())),
        }
    }

    /// Opens the archive of any place.
    pub(crate) fn at(place: Arc<dyn Place>) -> Result<Archive> {
        let archive = Archive { place };
        // Another process that holds it is at work: its unfinished files are still needed.
        if let Ok(Some(_held)) = archive.place.hold_if_free(Hold::Write) {
            // A lock that cannot be taken keeps nobody from reading.
            if let Ok(Some(_alone)) = archive.place.hold_if_free(Hold::Remove) {
                archive.tidy()?;
            }
        }
        Ok(archive)
    }

    /// The archive's folder.
    pub fn dir(&self) -> &Path {
        self.place.root()
    }

    /// The caller holds [`Hold::Write`]. Readers keep scratch folders here, so nothing is removed while there are any.
    pub(crate) fn clean(&self) -> Result<()> {
        match self.place.hold_if_free(Hold::Remove)? {
            Some(_alone) => self.tidy(),
            None => Ok(()),
        }
    }

    fn tidy(&self) -> Result<()> {
        self.place.tidy(&["", DAYS, SETTINGS])
    }
}
