//! Building a restore in a hidden folder inside the target, checked there before anything live is touched.

mod check;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use super::lock::Lock;
use super::mend::{self, Mended};
use super::plan::RestorePlan;
use super::publish;
use super::swap::{self, RestoreReport, Swap};
use super::work::{self, Work};
use super::{Progress, lock};
use crate::day::Day;
use crate::error::{Error, Result};
use crate::store::Store;

/// A restore that is built and checked, waiting to be swapped in. Dropped, it leaves the target as it was.
#[derive(Debug)]
pub struct Restored {
    plan: RestorePlan,
    /// Days whose present files have to go.
    replaces: BTreeSet<Day>,
    /// Damaged files whose days come back.
    mends: Vec<Mended>,
    events: u64,
    to_ms: Option<i64>,
    begun: Instant,
    keep: Option<super::keep::Kept>,
    _lock: Lock,
}

impl RestorePlan {
    /// Builds what was planned beside the present files, in a hidden folder of the target, and checks it there.
    /// The present files are only read. Blocking.
    ///
    /// # Errors
    /// When the disk has too little room, the archive's files are not what they were, or what was built is not what
    /// the backup says.
    pub fn build(self, progress: &dyn Progress) -> Result<Restored> {
        let begun = Instant::now();
        publish::create_folder(&self.target)?;
        let restorer = lock::restorer(&self.target)?;
        swap::finish_locked(&self.target)?;
        let _reader = lock::reader(&self.archive)?;
        self.require_space(&self.target)?;
        let new = swap::fresh_build_folder(&self.target)?;
        let built = self.work.build(&self.archive, &|_| true, &new, progress)?;
        let mends = mend::mended(&self.target, &new, &built)?;
        let mut restored = Restored {
            replaces: self.replaced_days(&built)?,
            mends,
            plan: self,
            events: 0,
            to_ms: None,
            begun,
            keep: None,
            _lock: restorer,
        };
        if restored.plan.keep_newer {
            restored.keep = Some(super::keep::merge(
                &restored.plan.target,
                &new,
                &built,
                &restored.mends,
            )?);
            for &day in &built {
                work::index(&new, day)?;
            }
            // Days that only the live store has stay where they are.
            restored.replaces = built.clone();
        }
        restored.check(&new, &built, progress)?;
        publish::sync_folder(&new)?;
        Ok(restored)
    }

    /// A whole backup replaces every day; a file only those it holds.
    fn replaced_days(&self, built: &BTreeSet<Day>) -> Result<BTreeSet<Day>> {
        let mut days = built.clone();
        if matches!(self.work, Work::Backup { .. }) {
            days.extend(Store::open(&self.target)?.days()?);
        }
        Ok(days)
    }
}

impl Restored {
    /// Events in what was built.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Swaps what was built in: a few renames, written down first so that a crash in between is finished or taken
    /// back by [`super::finish_interrupted`]. The files that were there are kept for [`super::undo`].
    ///
    /// The caller guarantees that nobody has the target's databases open for writing: the recorder is paused
    /// ([`crate::Recorder::pause_and`]) or the store's lock is held.
    ///
    /// # Errors
    /// When a file cannot be renamed; the state before is then put back by the next start.
    pub fn swap(mut self) -> Result<RestoreReport> {
        if let Some(kept) = self.keep.take() {
            self.events += kept.catch_up(&self.plan.target)?;
        }
        let undo = swap::run(Swap {
            target: &self.plan.target,
            from: swap::BUILD,
            days: &self.replaces,
            mends: &self.mends,
            what: &format!("restore from {}", self.plan.from),
        })?;
        let to_ms = self
            .plan
            .would_restore_to_ms
            .filter(|_| !self.plan.keep_newer);
        Ok(RestoreReport {
            restored_to_ms: to_ms.or(self.to_ms),
            events: self.events,
            seconds: self.begun.elapsed().as_secs_f64(),
            verified: true,
            undo,
        })
    }

    /// Checks each built database and counts it; a plain backup must hold exactly what its manifest says.
    fn check(&mut self, new: &Path, built: &BTreeSet<Day>, progress: &dyn Progress) -> Result<()> {
        (self.events, self.to_ms) = check::days(new, built, self.plan.thorough, progress)?;
        let expected = self.plan.events;
        let exact = matches!(self.plan.work, Work::Backup { .. }) && !self.plan.keep_newer;
        if exact && self.events != expected {
            return Err(Error::Unexpected {
                path: new.to_path_buf(),
                found: format!("{} events", self.events),
                expected: format!("{expected} events; choose another backup"),
            });
        }
        Ok(())
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        // After a swap nothing is left there; before one, the target stays as it was.
        swap::discard_build(&self.plan.target);
    }
}
