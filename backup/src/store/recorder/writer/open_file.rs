//! The day file that is open, and the lock under which it is written.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::mount_point::MountPoint;
use crate::disk::store_lock::StoreLock;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::fresh::Fresh;
use crate::store::identity::Identity;
use crate::store::ledger;
use crate::store::names::Names;
use crate::store::own_days;
use crate::store_use::StoreUse;

struct Ended {
    /// The last event before what is lost.
    after: i64,
    why: String,
}

/// At most one file is open, and only under the store's lock.
pub(super) struct OpenFile {
    pub(super) dir: PathBuf,
    pub(super) file: Option<DayFile>,
    /// Where the file's changes go once they are committed.
    fresh: Arc<Fresh>,
    /// The id up to which the file has the digest of the state.
    pub(super) vouched: Option<i64>,
    /// The history that ended with a day that was lost; another one has to begin before anything is written.
    ended: Option<Ended>,
    /// Why the present history began, where the file was of another one when it was opened.
    pub(super) began: Option<String>,
    /// Whose record is written, if it has been said once.
    identity: Option<Identity>,
    lock: Option<StoreLock>,
    /// Where the disk of the store was mounted when its lock was taken.
    mounted_at: Option<MountPoint>,
}

impl OpenFile {
    pub(super) fn new(dir: PathBuf, lock: StoreLock, fresh: Arc<Fresh>) -> OpenFile {
        OpenFile {
            fresh,
            mounted_at: MountPoint::of(&dir),
            identity: Identity::read(&dir).unwrap_or_default(),
            dir,
            file: None,
            vouched: None,
            ended: None,
            began: None,
            lock: Some(lock),
        }
    }

    /// Opens a day's file as the present history's.
    pub(super) fn open(&mut self, day: Day, names: &Names, now_ms: i64) -> Result<DayFile> {
        let mut identity = self.whose(now_ms)?;
        if let Some(ended) = &self.ended {
            identity.begin(&self.dir, ended.after, &ended.why, now_ms)?;
            self.ended = None;
        }
        if self.dir.join(day.file_name()).exists() {
            own_days::set_aside(&self.dir, day);
        }
        let mut file = DayFile::open(&self.dir, day, names)?;
        let of_another = file
            .keep_few_pages()
            .and_then(|()| file.put_identity(&identity))
            .map_err(Error::sqlite(file.path(), "note whose record it is"))?;
        let why = identity.why().filter(|_| of_another);
        self.began = why.map(str::to_owned);
        file.keep_fresh(&self.fresh);
        ledger::note_present(&self.dir, now_ms);
        self.identity = Some(identity);
        Ok(file)
    }

    /// What the store's folder says. Where it was taken away while it is written, it is the same store all the same.
    fn whose(&self, now_ms: i64) -> Result<Identity> {
        match (Identity::readable(&self.dir, now_ms)?, &self.identity) {
            (None, Some(known)) => {
                let goes_on = known.next(-1, "the store's folder was taken away", now_ms)?;
                goes_on.write(&self.dir)?;
                Ok(goes_on)
            }
            (Some(said), _) => Ok(said),
            (None, None) => Identity::of(&self.dir, now_ms),
        }
    }

    /// The history ends: events after `after` are lost.
    pub(super) fn end_history(&mut self, after: i64, why: &str) {
        let after = self
            .ended
            .as_ref()
            .map_or(after, |ended| ended.after.min(after));
        self.ended = Some(Ended {
            after,
            why: why.to_owned(),
        });
    }

    /// Fails where the store's disk is no longer mounted, as the disk would hide what is recorded in its mount point.
    /// Closes the file and releases the lock, so that the disk can be repaired and mounted again.
    pub(super) fn release_if_unmounted(&mut self) -> Result<()> {
        match &self.mounted_at {
            Some(point) if point.is_bare() => {
                let reason = format!("the disk of the store is not mounted at {point}");
                if let Some(file) = self.file.take() {
                    file.abandon();
                }
                self.lock = None;
                Err(Error::Failing { reason })
            }
            _ => Ok(()),
        }
    }

    /// Takes the lock again if the store's folder was removed, and creates the folder. Nothing is written before:
    /// somebody may be restoring into it.
    pub(super) fn hold_lock(&mut self) -> Result<()> {
        if !self.lock.as_ref().is_some_and(StoreLock::is_in_place) {
            self.release_if_unmounted()?;
            let let_go = self.lock.take().is_none();
            self.lock = Some(StoreLock::take(&self.dir, StoreUse::Record)?);
            self.mounted_at = MountPoint::of(&self.dir);
            if let_go {
                tracing::warn!(store = %self.dir.display(), "the store's lock is held again");
            } else {
                tracing::error!(
                    store = %self.dir.display(),
                    "the store's lock was removed and is made again; days that were removed with it come back with a restore"
                );
            }
        }
        Ok(())
    }

    pub(super) fn close(&mut self) {
        if let Some(file) = self.file.take() {
            let path = file.path().to_path_buf();
            if let Err(error) = file.close() {
                tracing::warn!(file = %path.display(), %error, "the log could not be folded into the file");
            }
        }
    }

    /// Closes the file and releases the lock: somebody else may record now.
    pub(super) fn release(&mut self) {
        self.close();
        self.lock = None;
    }
}
