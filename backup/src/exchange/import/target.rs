//! The store that events are imported into, with or without a running recorder.

use std::path::{Path, PathBuf};

use crate::clock::{Clock as _, SystemClock};
use crate::disk::scratch;
use crate::disk::store_lock::StoreLock;
use crate::error::Result;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::ledger;
use crate::store::recorder::Recorder;
use crate::store::recorder::options::RecorderOptions;
use crate::store_use::StoreUse;

/// Where imported events go.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// Into the store of a running recorder, which goes on recording meanwhile.
    Recorder(&'a Recorder),
    /// Into a store that nobody records into; its lock is held meanwhile.
    Folder(&'a Path),
}

/// The store's folder and the right to write there.
pub(super) struct Target<'a> {
    pub(super) dir: PathBuf,
    recorder: Option<&'a Recorder>,
    _lock: Option<StoreLock>,
    /// Not a folder of scratch.
    is_store: bool,
}

impl<'a> Target<'a> {
    pub(super) fn new(into: Destination<'a>) -> Result<Target<'a>> {
        Ok(match into {
            Destination::Recorder(recorder) => {
                // As below.
                recorder.look_for_losses()?;
                Target {
                    dir: recorder.dir().to_path_buf(),
                    recorder: Some(recorder),
                    _lock: None,
                    is_store: true,
                }
            }
            Destination::Folder(dir) => {
                tell_losses(dir)?;
                let lock = StoreLock::take(dir, StoreUse::Import)?;
                scratch::clear(dir);
                Target {
                    dir: dir.to_path_buf(),
                    recorder: None,
                    _lock: Some(lock),
                    is_store: true,
                }
            }
        })
    }

    /// A folder of scratch, in which nobody else works.
    pub(super) fn scratch(dir: PathBuf) -> Target<'static> {
        Target {
            dir,
            recorder: None,
            _lock: None,
            is_store: false,
        }
    }

    /// The days of which the store's gaps say that they are lost.
    pub(super) fn lost_days(&self) -> Result<Vec<Day>> {
        let store = Store::open(&self.dir)?;
        let gaps = store.gaps(i64::MIN, i64::MAX)?;
        Ok(store.lost_days(&gaps))
    }

    /// Does work for which no other connection may write to the day files.
    pub(super) fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> R + Send + 'static,
    ) -> Result<R> {
        let done = match self.recorder {
            Some(recorder) => recorder.with_files_closed(work)?,
            None => work(&self.dir),
        };
        if self.is_store {
            ledger::note_present(&self.dir, SystemClock.now_ms());
        }
        Ok(done)
    }
}

/// A day that was lost is told before an import may begin it again: afterwards it would not show. The recorder does that
/// at its start.
fn tell_losses(dir: &Path) -> Result<()> {
    if dir.is_dir() && !ledger::lost(&Store::open(dir)?).is_empty() {
        let (recorder, thread) = Recorder::start(dir, RecorderOptions::default())?;
        drop(recorder);
        thread.join();
    }
    Ok(())
}
