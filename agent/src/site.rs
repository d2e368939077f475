//! One site: its settings, and the store and the archive that they name.
//!
//! Every verb and every job goes through here to reach a file. The folders may be unmounted and come back while the
//! agent runs, so they are opened for each use. Everything here blocks.

mod source;

mod request;

mod archive;
mod store;

mod undo_room;

mod prunes;

mod backups;
mod imports;

mod undo;

mod restores;
mod typed;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use backup::{DamagedDay, MountPoint, Recorder, Store, StoreLock, StoreUse};

pub(crate) use prunes::TimeBy;
pub(crate) use request::{RestoreRequest, UndoRequest};
pub(crate) use source::Source;
pub(crate) use undo::Secured;

use crate::failure::Outcome;
use crate::folder;
use crate::settings::Settings;

/// A site.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) settings: Settings,
    /// Where the archive's disk was mounted when the archive was opened last.
    archive_mounted_at: Arc<Mutex<Option<MountPoint>>>,
    /// The agent's own recorder, once that runs.
    recorder: Arc<OnceLock<Recorder>>,
}

impl Site {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            archive_mounted_at: Arc::default(),
            recorder: Arc::default(),
        }
    }

    /// From here on this recorder says what backups and segments cover.
    pub(crate) fn recorded_by(&self, recorder: &Recorder) {
        self.recorder.get_or_init(|| recorder.clone());
    }

    /// The store; `None` where there is none yet.
    pub(crate) fn store_if_any(&self) -> Outcome<Option<Store>> {
        if !folder::is_there(self.store_path())? {
            return Ok(None);
        }
        self.opened_store().map(Some)
    }

    /// The store, whose word is the running recorder's where there is one.
    fn opened_store(&self) -> Outcome<Store> {
        match self.recorder.get() {
            Some(recorder) => Ok(recorder.own_store()),
            None => Ok(Store::open(self.store_path())?),
        }
    }

    /// The store's folder.
    pub(crate) fn store_path(&self) -> &Path {
        &self.settings.store.path
    }

    /// Does what writes the store's record into the archive. Where the archive holds events that the store lacks, the
    /// recorder begins another history first.
    fn together<T>(&self, work: impl Fn() -> backup::Result<T>) -> backup::Result<T> {
        match (work(), self.recorder.get()) {
            (Err(backup::Error::Parted { parting, .. }), Some(recorder)) => {
                recorder.begin_history(&parting)?;
                work()
            }
            (done, _) => done,
        }
    }

    /// The lock that keeps an agent from starting on this store.
    fn lock_store(&self, what_for: StoreUse) -> Outcome<StoreLock> {
        Ok(StoreLock::take(self.store_path(), what_for)?)
    }

    /// The days of the store whose files were damaged.
    pub(crate) fn damaged_days(&self) -> Outcome<Vec<DamagedDay>> {
        match self.store_if_any()? {
            Some(store) => Ok(store.damaged_days()?),
            None => Ok(Vec::new()),
        }
    }
}
