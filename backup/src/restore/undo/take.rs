//! Takes a step back: what it keeps returns, what is there now becomes a step of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::clock::{Clock as _, SystemClock};
use crate::disk::lock::{self, Lock};
use crate::disk::{draft, space};
use crate::error::Result;
use crate::progress::Progress;
use crate::restore::steps::{self, Step};
use crate::restore::swap::{self, Swap};
use crate::restore::undo::keep::{self, Built};
use crate::restore::undo::list::{self, UndoStep};
use crate::restore::{check, mended};
use crate::store::day::Day;

/// What an undo would do.
#[derive(Debug)]
pub struct UndoPlan {
    /// The step that it takes.
    pub step: UndoStep,
    target: PathBuf,
    forced: bool,
}

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoReport {
    /// What was taken back, in words.
    pub undone: String,
    /// The days whose files are as they were before.
    pub days: Vec<Day>,
    /// Events that came back.
    pub events_gained: u64,
    /// Events that went.
    pub events_lost: u64,
    /// Events that were recorded since and stayed.
    pub events_kept: u64,
    /// The step that keeps what went, for an undo of this undo; `None` if nothing went.
    pub step: Option<u64>,
}

/// Plans to take back the step of this number; with `None` the newest restore or, after all restores were taken back, the
/// last undo. Changes nothing.
///
/// # Errors
/// When there is no such step, or its record cannot be read.
pub fn plan_undo(target: &Path, number: Option<u64>) -> Result<UndoPlan> {
    let all = steps::all(target)?;
    let next = steps::next(&all).map(|step| step.number);
    let step = list::chosen(target, number)?;
    Ok(UndoPlan {
        step: list::of_step(target, &step, next)?,
        target: target.to_path_buf(),
        forced: false,
    })
}

/// Takes the newest step back and keeps what was recorded since.
///
/// The caller guarantees that nobody has the target's databases open for writing, as for a restore.
///
/// # Errors
/// When there is nothing to take back, what was recorded since cannot be kept, or a file cannot be renamed; the store is
/// then as it was.
pub fn undo(target: &Path) -> Result<UndoReport> {
    swap::finish_interrupted(target)?;
    plan_undo(target, None)?.build(&())?.swap()
}

/// An undo that is built, waiting to be swapped in. Dropped, it leaves the store as it was.
#[derive(Debug)]
pub struct BuiltUndo {
    plan: UndoPlan,
    step: Step,
    /// Where days are built, the kept one with what was recorded since.
    new: PathBuf,
    built: Vec<Built>,
    _lock: Lock,
}

impl UndoPlan {
    /// Also drops what was recorded since. It is kept in the step that the undo leaves.
    pub fn force(mut self) -> UndoPlan {
        self.forced = true;
        self
    }

    /// Puts what was recorded since on top of the kept days, beside the live files. These are only read. Blocking.
    ///
    /// # Errors
    /// When the step is gone, a day with something to keep cannot be read, or the disk has too little room.
    pub fn build(self, progress: &dyn Progress) -> Result<BuiltUndo> {
        self.prepare(progress).map_err(space::told)
    }

    fn prepare(self, progress: &dyn Progress) -> Result<BuiltUndo> {
        let target = self.target.clone();
        let lock = lock::restorer(&target)?;
        swap::finish_locked(&target)?;
        let step = list::chosen(&target, Some(self.step.number))?;
        let kept = step.kept_days(&target)?;
        keep::fold_logs(&target, &step, &kept);
        keep::note_arrivals(&target, &step, &kept, SystemClock.now_ms())?;
        let mut undo = BuiltUndo {
            plan: self,
            step,
            new: target.join(swap::BUILD),
            built: Vec::new(),
            _lock: lock,
        };
        // From here on a failure removes what was built.
        undo.build(progress).map_err(space::told)?;
        Ok(undo)
    }
}

impl BuiltUndo {
    fn build(&mut self, progress: &dyn Progress) -> Result<()> {
        let target = &self.plan.target;
        swap::fresh_build_folder(target)?;
        if !self.plan.forced {
            let days = list::touched(target, &self.step)?;
            if self.plan.step.events_since > 0 {
                space::require(target, self.step.bytes(target)?, "this undo")?;
            }
            for (done, day) in days.iter().enumerate() {
                progress.step(
                    "keep what was recorded since",
                    done as u64,
                    days.len() as u64,
                );
                let built = keep::build(target, &self.step, *day, &self.new)?;
                self.built.extend(built);
            }
            check::days(&self.new, &self.built_days(), false, progress)?;
        }
        draft::sync_folder(&self.new)
    }

    fn built_days(&self) -> BTreeSet<Day> {
        self.built.iter().map(|built| built.day).collect()
    }

    /// Swaps the kept files in, under the same guarantee of the caller as [`crate::Restored::swap`].
    ///
    /// # Errors
    /// When a file cannot be renamed; the store is then as it was.
    pub fn swap(self) -> Result<UndoReport> {
        self.exchange().map_err(space::told)
    }

    fn exchange(mut self) -> Result<UndoReport> {
        let target = self.plan.target.clone();
        let days = list::touched(&target, &self.step)?;
        if !self.plan.forced {
            self.catch_up(&days)?;
        }
        let returning = self.step.kept_days(&target)?;
        let kept = self.step.files();
        let mends = mended::mended(
            &target,
            &target.join(&kept),
            &returning.iter().copied().collect(),
        )?;
        let left = swap::run(Swap {
            target: &target,
            from: &[swap::BUILD, &kept],
            days: &days,
            mends: &mends,
            what: &self.step.inverse(),
            takes: Some(self.step.number),
            identity: self.step.record.identity.as_ref(),
        })?;
        let plan = &self.plan;
        let since = plan.step.events_since;
        let (dropped, stayed) = match plan.forced {
            true => (since, 0),
            false => (0, since),
        };
        Ok(UndoReport {
            undone: plan.step.what.clone(),
            days: returning,
            events_gained: plan.step.events_gained,
            events_lost: plan.step.events_lost + dropped,
            events_kept: stayed,
            step: left,
        })
    }

    /// What was committed since the build.
    fn catch_up(&mut self, days: &BTreeSet<Day>) -> Result<()> {
        let target = &self.plan.target;
        let mut came = 0;
        let mut changed = BTreeSet::new();
        for built in &self.built {
            let more = keep::catch_up(target, &self.new, built)?;
            if more > 0 {
                came += more;
                changed.insert(built.day);
            }
        }
        let built = self.built_days();
        for day in days.iter().filter(|day| !built.contains(day)) {
            if let Some(late) = keep::build(target, &self.step, *day, &self.new)? {
                came += keep::since_in(target, &self.step, *day)?;
                changed.insert(late.day);
                self.built.push(late);
            }
        }
        check::days(&self.new, &changed, false, &())?;
        self.plan.step.events_since += came;
        Ok(())
    }
}

impl Drop for BuiltUndo {
    fn drop(&mut self) {
        // After a swap this removes nothing; before one, it leaves the store as it was.
        swap::discard_build(&self.plan.target);
    }
}
