//! The plan of a restore: which moment it reaches and what it would change. Writes nothing to the target or archive.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::archive::format::manifest::DayPart;
use crate::archive::look::mends::Loss;
use crate::archive::open::Archive;
use crate::disk::space;
use crate::error::{Error, RecordIn, Result, Stores};
use crate::restore::days::Work;
use crate::restore::left_out::{self, LeftOut};
use crate::restore::not_recorded::NotRecorded;
use crate::store::day::Day;
use crate::store::event::Gap;
use crate::store::id::EventId;
use crate::store::identity::{Identity, StoreId};
use crate::store::moment::Repeated;

/// Bytes of day file restored per second on a small machine with a slow disk, checks included; for the estimate only.
const BYTES_PER_SECOND: f64 = 80e6;

/// What to restore from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreSource {
    /// The newest verified backup (with a moment: the newest that reaches it).
    Latest,
    /// The backup of this id, ours or a file of the original in the archive.
    Id(String),
    /// A single file: a day file or a database of the original, `.db` or `.db.gz`. Other days stay as they are.
    File(PathBuf),
}

/// What a restore makes of one day of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Becomes {
    /// As it is.
    Same,
    /// All of it is new: the store has no such day, or cannot read it.
    New,
    /// As it is up to this id; later events go.
    Shorter(EventId),
    /// Another history of the same day.
    Other,
}

/// What a restore would do.
#[derive(Debug)]
pub struct RestorePlan {
    /// What it restores from, in words.
    pub from: String,
    /// The store's folder.
    pub target: PathBuf,
    /// The moment the store would be at, Unix milliseconds: the one asked for, or that of the last event.
    pub would_restore_to_ms: Option<i64>,
    /// Events the store would hold in the days that are restored.
    pub events: u64,
    /// Events that would come back.
    pub events_gained: u64,
    /// Events that would go (they are kept for undo).
    pub events_lost: u64,
    /// Disk space the restore needs beside the present files.
    pub bytes_needed: u64,
    /// About how long it takes.
    pub estimate_seconds: f64,
    /// Spans inside the restored range in which changes may have been missed.
    pub gaps: Vec<Gap>,
    /// What else one should know.
    pub notes: Vec<String>,
    /// Days that do not come back, as their stored files are damaged. The notes say each, too.
    pub left_out: Vec<LeftOut>,
    /// Which days come from other backups than the one named, and why. The notes say each, too.
    pub elsewhere: Vec<String>,
    /// That the moment happened more than once, which the notes say too.
    pub repeated: Option<Repeated>,
    /// That nothing was recorded at the moment, which the notes say too.
    pub not_recorded: Option<NotRecorded>,
    /// Days that are not in what would come back, as another program took their files away before the backup was made.
    pub(crate) lost: Vec<Loss>,
    pub(super) days: BTreeMap<Day, Becomes>,
    /// Events that were edited by hand since the backup; they count as gained and as lost.
    pub(super) altered: u64,
    pub(crate) archive: Archive,
    pub(crate) work: Work,
    pub(crate) keep_newer: bool,
    /// Whose record comes in: that of a backup, or of a file where the target says nothing.
    pub(crate) identity: Option<Identity>,
    /// The target holds the record of one store (`found`), what would come in is that of another (`expected`). It is not
    /// built before [`RestorePlan::take_over`].
    pub other_store: Option<Stores>,
    pub(crate) taken_over: bool,
    pub(crate) thorough: bool,
}

impl RestorePlan {
    /// Keeps what was recorded since the backup and puts back only what is missing. Events that were edited by hand
    /// come back as archived.
    pub fn keep_newer(mut self) -> RestorePlan {
        if !self.keep_newer {
            self.keep_newer = true;
            self.events += self.events_lost - self.altered;
            self.events_lost = self.altered;
        }
        self
    }

    /// Days that the store would lack, as another program took their files away before the backup was made; each with the
    /// backup that brings it back.
    pub fn lost(&self) -> impl Iterator<Item = &Loss> {
        let stays = |day: Day| self.keep_newer && self.target.join(day.file_name()).exists();
        self.lost.iter().filter(move |loss| !stays(loss.day))
    }

    /// Puts the record of another store in place of the target's. Restored from a backup the target becomes that store.
    pub fn take_over(mut self) -> RestorePlan {
        self.taken_over = true;
        self
    }

    /// Fails where this plan would join two stores, or replace one by another that nobody said to take over.
    ///
    /// # Errors
    /// [`Error::OtherStore`].
    pub fn require_own_store(&self) -> Result<()> {
        let Some(stores) = &self.other_store else {
            return Ok(());
        };
        if self.taken_over && !self.keep_newer {
            return Ok(());
        }
        Err(Error::OtherStore {
            path: self.target.clone(),
            stores: stores.clone(),
            within: match self.work {
                Work::Backup { .. } => RecordIn::Backup,
                Work::File { .. } => RecordIn::File,
            },
        })
    }

    /// Compares whose record comes in with whose the target is.
    pub(super) fn compare_stores(&mut self, comes: Option<&StoreId>) -> Result<()> {
        let own = Identity::read(&self.target)?.map(|own| own.store);
        if let (Some(comes), Some(own)) = (comes, own)
            && *comes != own
        {
            self.notes.push(format!(
                "it is the record of another store ({comes}) than the target's ({own})"
            ));
            self.other_store = Some(Stores {
                found: own.to_string(),
                expected: comes.to_string(),
            });
        }
        Ok(())
    }

    /// Checks every index of what was built (SQLite's `integrity_check`), not only its pages.
    pub fn thorough(mut self) -> RestorePlan {
        self.thorough = true;
        self
    }

    /// Whether the target has a file of a day that can stay where that day does not come back.
    pub(crate) fn may_stay(&self, day: Day) -> bool {
        self.other_store.is_none() && self.target.join(day.file_name()).exists()
    }

    /// A damaged day does not come back: what the store has of it stays, else it is missing.
    pub(crate) fn leave_out(&mut self, part: &DayPart, day: Day, why: String) {
        let stays = self.may_stay(day);
        let left_out = LeftOut::of(&self.archive, part, day, why, stays);
        self.notes.push(left_out.to_string());
        if !stays {
            self.gaps.extend(left_out::gap(part));
        }
        self.left_out.push(left_out);
    }

    /// A day comes from another backup's files, which the note says.
    pub(crate) fn take_elsewhere(&mut self, note: String) {
        self.notes.push(note.clone());
        self.elsewhere.push(note);
    }

    /// The days that stay as they are, though the backup has them.
    pub(crate) fn staying(&self) -> BTreeSet<Day> {
        let staying = self.left_out.iter().filter(|left_out| left_out.stays);
        staying.map(|left_out| left_out.day).collect()
    }

    pub(super) fn finish(&mut self) {
        self.estimate_seconds = 0.2 + self.bytes_needed as f64 / BYTES_PER_SECOND;
        let within = |asked: i64| {
            let mut gaps = self.gaps.iter();
            let was_recorded = |gap: &Gap| {
                self.left_out
                    .iter()
                    .any(|left_out| left_out.is_told_by(gap))
            };
            let gap =
                gaps.find(|gap| gap.from_ms < asked && asked < gap.to_ms && !was_recorded(gap))?;
            Some(NotRecorded {
                at_ms: asked,
                from_ms: gap.from_ms,
                to_ms: Some(gap.to_ms),
                why: gap.why.clone(),
            })
        };
        if self.not_recorded.is_none() {
            self.not_recorded = self.would_restore_to_ms.and_then(within);
        }
        let told = self.not_recorded.iter().map(ToString::to_string);
        self.notes.extend(told);
    }

    pub(crate) fn require_space(&self, folder: &Path) -> Result<()> {
        space::require(folder, self.bytes_needed, "this restore")
    }
}
