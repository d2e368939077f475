//! One site: its settings, and the store and the archive that they name.
//!
//! Every verb and every job goes through here to reach a file. The folders may be unmounted and come back while the
//! agent runs, so they are opened for each use. Everything here blocks.

mod source;

mod request;

mod prunes;

mod backups;
mod imports;
mod restores;
mod typed;

use std::path::Path;
use std::time::SystemTime;

use backup::{
    Archive, BackupInfo, DamagedDay, Depth, Mend, Report, Shipper, Store, StoreLock, StoreUse,
};

pub(crate) use prunes::TimeBy;
pub(crate) use request::RestoreRequest;
pub(crate) use source::Source;

use crate::advice;
use crate::failure::{Failure, Outcome};
use crate::folder;
use crate::settings::Settings;

/// A site.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) settings: Settings,
}

impl Site {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// The store, or an error that says that there is none.
    pub(crate) fn store(&self) -> Outcome<Store> {
        self.store_if_any()?.ok_or_else(|| self.no_store())
    }

    /// The store; `None` where there is none yet.
    pub(crate) fn store_if_any(&self) -> Outcome<Option<Store>> {
        if !folder::is_there(self.store_path())? {
            return Ok(None);
        }
        Ok(Some(Store::open(self.store_path())?))
    }

    /// The store's folder.
    pub(crate) fn store_path(&self) -> &Path {
        &self.settings.store.path
    }

    /// The lock that keeps an agent from starting on this store.
    fn lock_store(&self, what_for: StoreUse) -> Outcome<StoreLock> {
        Ok(StoreLock::take(self.store_path(), what_for)?)
    }

    /// The archive's folder.
    pub(crate) fn archive_path(&self) -> &Path {
        &self.settings.backup.path
    }

    /// The archive; it is made where there is none.
    fn archive(&self) -> Outcome<Archive> {
        Ok(Archive::open(self.archive_path())?)
    }

    /// The archive as it is, for whoever only looks: nothing is made where there is none.
    fn archive_to_look_at(&self) -> Outcome<Archive> {
        // What may not be looked at is not taken for empty.
        folder::is_there(self.archive_path())?;
        Ok(Archive::look_at(self.archive_path()))
    }

    /// The archive, or an error that says that there is none.
    fn archive_that_exists(&self) -> Outcome<Archive> {
        self.archive_if_any()?.ok_or_else(|| {
            Failure::failed(format!(
                "there is no archive in {}",
                self.archive_path().display()
            ))
            .hint(format!("{}, or set EVENT_BACKUP_PATH", self.first_backup()))
        })
    }

    /// The archive; `None` where there is none yet.
    fn archive_if_any(&self) -> Outcome<Option<Archive>> {
        if !folder::is_there(self.archive_path())? {
            return Ok(None);
        }
        self.archive().map(Some)
    }

    /// What to do where there is no backup: one can be made only of what is recorded.
    pub(crate) fn first_backup(&self) -> String {
        let days = self.store_if_any().ok().flatten();
        let days = days.and_then(|store| store.days().ok());
        match days.is_some_and(|days| !days.is_empty()) {
            true => format!("make a backup with `{}`", advice::command("backup")),
            false => format!(
                "a backup needs a record; start one with `{}`",
                advice::command("run")
            ),
        }
    }

    fn no_backup(&self) -> Failure {
        let archive = self.archive_path().display();
        Failure::failed(format!("there is no backup in {archive}")).hint(self.first_backup())
    }

    /// What to do where there is no store: one can be restored only where there is a backup.
    fn no_store(&self) -> Failure {
        let run = advice::command("run");
        let restore = match self.list() {
            Ok(backups) if !backups.is_empty() => {
                format!(", restore one with `{}`", advice::command("restore latest"))
            }
            _ => String::new(),
        };
        Failure::failed(format!(
            "there is no store in {}",
            self.store_path().display()
        ))
        .hint(format!(
            "start recording with `{run}`{restore}, or set EVENT_MONITORING_DB_PATH"
        ))
    }

    /// When the archive's folder last changed.
    pub(crate) fn archive_changed(&self) -> Option<SystemTime> {
        self.archive_path().metadata().ok()?.modified().ok()
    }

    /// The backups, newest first. An archive that does not exist yet holds none.
    pub(crate) fn list(&self) -> Outcome<Vec<BackupInfo>> {
        Ok(self.archive_to_look_at()?.list()?)
    }

    /// The moments that a restore of the latest state can reach.
    pub(crate) fn recoverable(&self) -> Outcome<Option<backup::Recoverable>> {
        Ok(self.archive_to_look_at()?.recoverable()?)
    }

    /// What ships the store's newest changes to the archive.
    pub(crate) fn shipper(&self) -> Outcome<Shipper> {
        Ok(self.archive()?.ship(&Store::open(self.store_path())?)?)
    }

    /// Proves one backup, one file, or the whole archive.
    pub(crate) fn verify(&self, what: Option<&Source>, deep: bool) -> Outcome<Report> {
        let depth = if deep { Depth::Deep } else { Depth::Quick };
        if let Some(Source::File(path)) = what {
            return Ok(Archive::verify_file(path, depth));
        }
        let archive = self.archive_that_exists()?;
        match what {
            Some(Source::Backup(id)) => Ok(archive.verify(Some(id), depth)),
            Some(Source::Latest) => match archive.list()?.first() {
                Some(newest) => Ok(archive.verify(Some(&newest.id), depth)),
                None => Err(self.no_backup()),
            },
            _ => Ok(archive.verify(None, depth)),
        }
    }

    /// The days of the store whose files were damaged.
    pub(crate) fn damaged_days(&self) -> Outcome<Vec<DamagedDay>> {
        match self.store_if_any()? {
            Some(store) => Ok(store.damaged_days()?),
            None => Ok(Vec::new()),
        }
    }

    /// Each damaged day, with the backup that puts it back.
    pub(crate) fn mends(&self) -> Outcome<Vec<Mend>> {
        let Some(store) = self.store_if_any()? else {
            return Ok(Vec::new());
        };
        if store.damaged_days()?.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.archive_to_look_at()?.mends(&store)?)
    }
}
