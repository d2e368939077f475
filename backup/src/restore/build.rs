//! Building a restore in a hidden folder inside the target, checked there before anything live is touched.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use crate::archive::place::interface::Hold;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::lock::{self, Lock};
use crate::disk::{draft, space};
use crate::error::Result;
use crate::finding::Finding;
use crate::progress::Progress;
use crate::restore::check;
use crate::restore::days::{self, IfSpoilt, Work};
use crate::restore::mended::{self, Mended};
use crate::restore::plan::outline::RestorePlan;
use crate::restore::plan::pick::from_elsewhere;
use crate::restore::steps;
use crate::restore::swap::{self, RestoreReport, Swap};
use crate::store::day::Day;
use crate::store::folder::Store;

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
    keep: Option<crate::restore::merge::Kept>,
    /// A day was left out that the plan counted.
    unforeseen: bool,
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
        self.prepare(progress).map_err(space::told)
    }

    fn prepare(self, progress: &dyn Progress) -> Result<Restored> {
        let begun = Instant::now();
        self.require_own_store()?;
        draft::create_folder(&self.target)?;
        let restorer = lock::restorer(&self.target)?;
        swap::finish_locked(&self.target)?;
        let _held = self.archive.place.hold(Hold::Read)?;
        self.require_space(&self.target)?;
        // From here on a failure removes what was built: on a full disk the recorder needs the room.
        let mut restored = Restored {
            plan: self,
            replaces: BTreeSet::new(),
            mends: Vec::new(),
            events: 0,
            to_ms: None,
            begun,
            keep: None,
            unforeseen: false,
            _lock: restorer,
        };
        restored.build(progress).map_err(space::told)?;
        Ok(restored)
    }

    /// A whole backup replaces every day; a file only those it holds.
    fn replaced_days(&self, built: &BTreeSet<Day>) -> Result<BTreeSet<Day>> {
        let mut days = built.clone();
        if matches!(self.work, Work::Backup { .. }) {
            days.extend(Store::open(&self.target)?.days()?);
            let staying = self.staying();
            days.retain(|day| !staying.contains(day));
        }
        Ok(days)
    }
}

impl Restored {
    fn build(&mut self, progress: &dyn Progress) -> Result<()> {
        let new = swap::fresh_build_folder(&self.plan.target)?;
        let built = self.build_days(&new, progress)?;
        let plan = &self.plan;
        // Days that the store does not hold came just now, however old they are.
        for day in (built.iter()).filter(|day| !plan.target.join(day.file_name()).exists()) {
            days::note_arrival(&new.join(day.file_name()), SystemClock.now_ms())?;
        }
        if plan.taken_over && plan.other_store.is_some() && matches!(plan.work, Work::File { .. }) {
            // The target stays the store that it is, and the file becomes its own.
            for day in &built {
                days::disown(&new.join(day.file_name()))?;
            }
        }
        self.mends = mended::mended(&plan.target, &new, &built)?;
        if plan.keep_newer {
            let kept = crate::restore::merge::merge(&plan.target, &new, &built, &self.mends)?;
            self.keep = Some(kept);
            // Days that only the live store has stay where they are.
            self.replaces = built.clone();
        } else {
            self.replaces = plan.replaced_days(&built)?;
        }
        self.check(&new, &built, progress)?;
        draft::sync_folder(&new)
    }

    /// Builds each day. A damaged one is left out, unless everything is to be checked.
    fn build_days(&mut self, new: &Path, progress: &dyn Progress) -> Result<BTreeSet<Day>> {
        let plan = &mut self.plan;
        let stays = |day| plan.may_stay(day);
        let if_spoilt = match plan.thorough {
            true => IfSpoilt::Fail,
            false => IfSpoilt::LeaveOut(&stays),
        };
        let (work, archive) = (&plan.work, plan.archive.clone());
        let built = work.build(&archive, &|_| true, new, if_spoilt, progress)?;
        let elsewhere = built.elsewhere.iter().map(|(part, ..)| part);
        let left_out = built.left_out.iter().map(|(part, ..)| part);
        elsewhere
            .chain(left_out)
            .for_each(|part| archive.note_damage(part));
        if let (true, Some((part, _, why))) = (built.days.is_empty(), built.left_out.first()) {
            return Err(
                Finding::new(&archive.place.path(&part.object.file), "damaged")
                    .expected("at least one day of the backup to be sound")
                    .found(why.clone())
                    .hint("choose another backup")
                    .into(),
            );
        }
        for (part, why, id) in built.elsewhere {
            plan.take_elsewhere(from_elsewhere(&part.day, &id, &why));
        }
        for (part, day, why) in built.left_out {
            plan.leave_out(&part, day, why);
            self.unforeseen = true;
        }
        Ok(built.days)
    }

    /// Events in what was built.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Swaps in what was built. The renames are written down first, so that [`crate::finish_interrupted`] finishes them
    /// after a crash. The replaced files are kept for [`crate::undo`].
    ///
    /// The caller guarantees that nobody has the target's databases open for writing: the recorder is paused
    /// ([`crate::store::recorder::Recorder::pause_and`]) or the store's lock is held.
    ///
    /// # Errors
    /// When a file cannot be renamed; the store is then as it was.
    pub fn swap(self) -> Result<RestoreReport> {
        self.exchange().map_err(space::told)
    }

    fn exchange(mut self) -> Result<RestoreReport> {
        if let Some(kept) = self.keep.take() {
            let came = kept.catch_up(&self.plan.target);
            self.events += came.map_err(space::told)?;
        }
        let undo = swap::run(Swap {
            target: &self.plan.target,
            from: &[swap::BUILD],
            days: &self.replaces,
            mends: &self.mends,
            what: &format!("restore from {}", self.plan.from),
            identity: self.plan.identity.as_ref(),
            takes: None,
        })?;
        let to_ms = self
            .plan
            .would_restore_to_ms
            .filter(|_| !self.plan.keep_newer);
        Ok(RestoreReport {
            restored_to_ms: to_ms.or(self.to_ms),
            repeated: self.plan.repeated.clone(),
            not_recorded: (self.plan.not_recorded.clone()).filter(|_| !self.plan.keep_newer),
            events: self.events,
            seconds: self.begun.elapsed().as_secs_f64(),
            verified: self.plan.left_out.is_empty(),
            left_out: self.plan.left_out.clone(),
            elsewhere: self.plan.elsewhere.clone(),
            lost: self.plan.lost().cloned().collect(),
            undo: undo.map(|number| self.plan.target.join(steps::folder(number))),
        })
    }

    /// Checks each built database and counts it; a plain backup must hold exactly what its manifest says.
    fn check(&mut self, new: &Path, built: &BTreeSet<Day>, progress: &dyn Progress) -> Result<()> {
        (self.events, self.to_ms) = check::days(new, built, self.plan.thorough, progress)?;
        let expected = self.plan.events;
        let whole_backup = matches!(self.plan.work, Work::Backup { .. });
        let exact = whole_backup && !self.plan.keep_newer && !self.unforeseen;
        if exact && self.events != expected {
            return Err(Finding::new(new, "not what was backed up")
                .expected(format!("{expected} events"))
                .found(format!("{} events", self.events))
                .hint("choose another backup")
                .into());
        }
        Ok(())
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        // After a swap this removes nothing; before one, it leaves the target as it was.
        swap::discard_build(&self.plan.target);
    }
}
