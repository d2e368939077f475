//! Which stored files a backup may name: those that were read back whole within a limit, or are read back now.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::archive::format::looks::{Looks, Seen};
use crate::archive::format::manifest::{DayPart, Manifest, Object};
use crate::archive::look::whole;
use crate::archive::place::interface::Place;
use crate::clock::{Clock as _, SystemClock};
use crate::error::Result;
use crate::progress::Progress;

/// A backup claims a file that was last read back so long ago, or less.
const LIMIT_MS: i64 = 7 * 86_400_000;
/// From this age on a file is read again in some backup before the limit forces it, so that not all are due at once.
const AHEAD_MS: i64 = LIMIT_MS / 2;

/// What a backup knows of the stored files, and reads of them.
pub(super) struct ReadBack<'a> {
    place: &'a dyn Place,
    progress: &'a dyn Progress,
    looks: RefCell<Looks>,
    now_ms: i64,
}

impl<'a> ReadBack<'a> {
    pub(super) fn begin(place: &'a dyn Place, progress: &'a dyn Progress) -> ReadBack<'a> {
        ReadBack {
            place,
            progress,
            looks: RefCell::new(Looks::read(place)),
            now_ms: SystemClock.now_ms(),
        }
    }

    /// Whether all stored files of a day are whole. Reads those that were not read within the limit; from then on one
    /// that is damaged counts as not held.
    pub(super) fn is_whole(&self, part: &DayPart) -> bool {
        let mut objects = part.objects();
        objects.all(|object| {
            !self.is_damaged(object) && (self.is_fresh(object) || self.read(&part.day, object))
        })
    }

    /// Whether a file was read back whole within the limit.
    pub(super) fn is_fresh(&self, object: &Object) -> bool {
        self.age_ms(object).is_some_and(|age_ms| age_ms < LIMIT_MS)
    }

    pub(super) fn is_damaged(&self, object: &Object) -> bool {
        matches!(self.looks.borrow().of(self.place, object), Seen::Damaged(_))
    }

    /// A file was read back before it got its name.
    pub(super) fn stored(&self, object: &Object) {
        if let Ok(Some(found)) = self.place.look(&object.file) {
            let mut looks = self.looks.borrow_mut();
            looks.note(object, found, SystemClock.now_ms(), None);
        }
    }

    /// Reads some of what the newest backup names before the limit forces it, oldest first: as much as spreads the rest
    /// evenly over the time left, at the pace at which backups are made.
    pub(super) fn ahead(&self, newest: &Manifest) {
        let mut due: Vec<(i64, &str, &Object)> = Vec::new();
        for part in &newest.days {
            let aged = part.objects().filter_map(|object| {
                let age_ms = self.age_ms(object)?;
                (AHEAD_MS..LIMIT_MS).contains(&age_ms).then_some((
                    age_ms,
                    part.day.as_str(),
                    object,
                ))
            });
            due.extend(aged);
        }
        due.sort_by_key(|(age_ms, ..)| std::cmp::Reverse(*age_ms));
        let Some((oldest_ms, ..)) = due.first() else {
            return;
        };
        let left_ms = LIMIT_MS - oldest_ms;
        let pace_ms = self.now_ms.saturating_sub(newest.created_at_ms);
        let bytes: u64 = due.iter().map(|(.., object)| object.bytes).sum();
        let share = bytes as f64 * pace_ms.clamp(0, left_ms) as f64 / left_ms as f64;
        let mut read = 0;
        for (_, day, object) in due {
            self.read(day, object);
            read += object.bytes;
            if read as f64 >= share {
                break;
            }
        }
    }

    /// Writes down what was seen, and forgets files that no backup names.
    pub(super) fn write(&self, earlier: &[(Manifest, String)], parts: &[DayPart]) -> Result<()> {
        let earlier = earlier.iter().flat_map(|(manifest, _)| &manifest.days);
        let named: HashSet<&str> = earlier
            .chain(parts)
            .flat_map(DayPart::objects)
            .map(|object| object.file.as_str())
            .collect();
        let mut looks = self.looks.borrow_mut();
        looks.keep_only(&named);
        looks.write(self.place)
    }

    /// How long ago a file was read back whole, if it was. A time in the future says nothing.
    fn age_ms(&self, object: &Object) -> Option<i64> {
        match self.looks.borrow().of(self.place, object) {
            Seen::Whole(at_ms) => Some(self.now_ms.saturating_sub(at_ms)).filter(|age| *age >= 0),
            Seen::Damaged(_) | Seen::Never => None,
        }
    }

    fn read(&self, day: &str, object: &Object) -> bool {
        let what = format!("read back {day}");
        let mut looks = self.looks.borrow_mut();
        let read = whole::look(self.place, object, &mut looks, &mut |done| {
            self.progress.step(&what, done, object.raw_bytes);
        });
        let Err(finding) = read else { return true };
        tracing::error!("a stored day is damaged and is stored anew: {finding}");
        // Whoever comes next must know, even if this backup is cut off.
        if let Err(error) = looks.write(self.place) {
            tracing::warn!(%error, "that a stored day is damaged could not be noted");
        }
        false
    }
}
