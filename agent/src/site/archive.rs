//! The site's archive: opened, claimed, proved, and what of it is this store's.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::SystemTime;

use backup::{
    Archive, BackupInfo, BackupKind, Day, Depth, Error, Loss, Mend, MountPoint, Past, Report,
    Shipper,
};

use super::{Site, Source};
use crate::advice;
use crate::failure::{Failure, Kind, Outcome};
use crate::folder;

impl Site {
    /// The archive's folder.
    pub(crate) fn archive_path(&self) -> &Path {
        &self.settings.backup.path
    }

    /// The archive; it is made where there is none, but never in the place where its disk was mounted.
    pub(super) fn archive(&self) -> Outcome<Archive> {
        self.opened(Archive::open)
    }

    /// The archive as it is, for whoever only looks: nothing is made where there is none.
    pub(super) fn archive_to_look_at(&self) -> Outcome<Archive> {
        // What may not be looked at is not taken for empty.
        folder::is_there(self.archive_path())?;
        self.opened(|path| Ok(Archive::look_at(path)))
    }

    fn opened(&self, open: impl FnOnce(PathBuf) -> backup::Result<Archive>) -> Outcome<Archive> {
        let mut mounted_at = self
            .archive_mounted_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(point) = mounted_at.as_ref().filter(|point| point.is_bare()) {
            return Err(Failure::failed(format!(
                "{}: the disk of the archive is not mounted at {point}, as it was before",
                self.archive_path().display()
            ))
            .hint("mount it; shipping and backups then go on"));
        }
        let archive = open(self.archive_path().to_owned())?;
        *mounted_at = MountPoint::of(self.archive_path());
        Ok(archive)
    }

    /// The archive, or an error that says that there is none.
    pub(super) fn archive_that_exists(&self) -> Outcome<Archive> {
        self.archive_if_any()?.ok_or_else(|| {
            Failure::failed(format!(
                "there is no archive in {}",
                self.archive_path().display()
            ))
            .hint(format!("{}, or set EVENT_BACKUP_PATH", self.first_backup()))
        })
    }

    /// The archive; `None` where there is none yet.
    pub(super) fn archive_if_any(&self) -> Outcome<Option<Archive>> {
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
        Failure::failed(format!("there is no backup in {archive}"))
            .of_kind(Kind::NoBackup)
            .hint(self.first_backup())
    }

    /// When the archive's folder last changed.
    pub(crate) fn archive_changed(&self) -> Option<SystemTime> {
        self.archive_path().metadata().ok()?.modified().ok()
    }

    /// Gives a store that lost its disk its name back from its archive. Call before a recorder starts.
    /// Nothing here keeps the recording from starting.
    pub(crate) fn take_up(&self) {
        let taken = self.archive_if_any().and_then(|archive| {
            let taken = archive.map(|archive| archive.take_up(self.store_path()));
            Ok(taken.transpose()?)
        });
        if let Err(failure) = taken {
            tracing::error!("whether the archive is this store's cannot be said: {failure}");
        }
        self.recall_days();
    }

    /// Days that were lost together with the ledger are known from the backups.
    pub(crate) fn recall_days(&self) {
        let recalled = self.store_if_any().and_then(|store| {
            let archive = self.archive_if_any()?;
            if let (Some(store), Some(archive), None) = (store, archive, self.archive_refused()?) {
                archive.recall_days(&store, &self.settings.store.retention)?;
            }
            Ok(())
        });
        if let Err(failure) = recalled {
            tracing::warn!(
                "whether the store lacks days that backups have cannot be said: {failure}"
            );
        }
    }

    /// Why the archive is not this store's, where it is another one's.
    pub(crate) fn archive_refused(&self) -> Outcome<Option<Failure>> {
        match self
            .archive_if_any()?
            .map(|it| it.meant_for(self.store_path()))
        {
            Some(Err(error @ Error::OtherStore { .. })) => Ok(Some(error.into())),
            Some(meant) => Ok(meant.map(|()| None)?),
            None => Ok(None),
        }
    }

    /// All backups in the archive, newest first. An archive that does not exist yet holds none.
    pub(crate) fn list(&self) -> Outcome<Vec<BackupInfo>> {
        Ok(self.archive_to_look_at()?.list()?)
    }

    /// Those that are of this store, or of the original.
    pub(crate) fn own_backups(&self) -> Outcome<Vec<BackupInfo>> {
        if self.archive_refused()?.is_some() {
            return Ok(Vec::new());
        }
        let mut backups = self.list()?;
        backups.retain(|backup| backup.kind != BackupKind::OtherStore);
        Ok(backups)
    }

    /// The moments that a restore of this store's latest state can reach.
    pub(crate) fn recoverable(&self) -> Outcome<Option<backup::Recoverable>> {
        match self.archive_if_any()? {
            Some(_) if self.archive_refused()?.is_none() => {
                Ok(self.archive_to_look_at()?.recoverable()?)
            }
            _ => Ok(None),
        }
    }

    /// Since when the newest proved backup does not lead to what the store holds, where it does not.
    pub(crate) fn unanchored_since(&self) -> Outcome<Option<i64>> {
        match self.store_if_any()? {
            Some(store) if self.archive_refused()?.is_none() => {
                Ok(self.archive_to_look_at()?.unanchored_since(&store)?)
            }
            _ => Ok(None),
        }
    }

    /// The days of the past that are not as the newest backup has them.
    pub(crate) fn changed_in_the_past(&self, past: &mut Past) -> Outcome<Vec<Day>> {
        match self.store_if_any()? {
            Some(store) => Ok(past.changed(&self.archive_to_look_at()?, &store)?),
            None => Ok(Vec::new()),
        }
    }

    /// What ships the store's newest changes to the archive.
    pub(crate) fn shipper(&self) -> Outcome<Shipper> {
        let (archive, store) = (self.archive()?, self.opened_store()?);
        Ok(self.together(|| archive.ship(&store))?)
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
            Some(Source::Latest) => match self.own_backups()?.first() {
                Some(newest) => Ok(archive.verify(Some(&newest.id), depth)),
                None => Err(self.no_backup()),
            },
            _ => Ok(archive.verify(None, depth)),
        }
    }

    /// Lost days of the store, each with the backup that brings it back.
    pub(crate) fn losses(&self, lost: &[Day]) -> Outcome<Vec<Loss>> {
        match self.store_if_any()? {
            Some(store) if !lost.is_empty() => {
                Ok(self.archive_to_look_at()?.losses(&store, lost)?)
            }
            _ => Ok(Vec::new()),
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
