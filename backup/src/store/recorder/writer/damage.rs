//! Day files that are damaged or gone: moves them aside, writes a gap that says so, and begins a new file.

use crate::error::Result;
use crate::store::damaged;
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::event::Gap;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::ledger;
use crate::store::lost;
use crate::store::own_days;
use crate::store::recorder::writer::item::Item;
use crate::store::recorder::writer::state::Writer;
use crate::store::word::OpenGap;

impl Writer {
    /// Takes a damaged day file out of the way, with its companions, so that recording goes on in a fresh one.
    ///
    /// # Errors
    /// In words, when it cannot be moved: then nothing has changed, and it can be tried again.
    pub(super) fn move_aside(&mut self, day: Day, reason: &str) -> std::result::Result<(), String> {
        self.open.file = None;
        let why = self.out_of_the_way(day, reason)?;
        self.begin_again(day, why);
        Ok(())
    }

    /// Gives what a gap says of it.
    fn out_of_the_way(&self, day: Day, reason: &str) -> std::result::Result<String, String> {
        let (file, now) = (day.file_name(), self.options.clock.now_ms());
        ledger::try_to_note_leaving(&self.open.dir, &[day], damaged::WHY, now);
        let name = damaged::move_aside(&self.open.dir, day, now);
        if self.open.dir.join(&file).exists() {
            return Err(format!(
                "{file} is damaged and cannot be moved aside ({reason})"
            ));
        }
        tracing::error!(%day, moved_to = name, reason, "day file is damaged");
        Ok(format!(
            "the day file was damaged ({reason}) and moved aside as {name}"
        ))
    }

    /// The open day's file was removed. The open file is still whole, so it is written out under its name again; if
    /// that fails, the day so far is lost.
    pub(super) fn put_back(&mut self, day: Day) {
        let Some(file) = self.open.file.take() else {
            return;
        };
        let path = file.path().display().to_string();
        match self.open.hold_lock().and_then(|()| file.put_back()) {
            Ok(()) => {
                self.known.unsure = true;
                tracing::error!("{path} was removed by another program; it is put back, whole");
            }
            Err(error) => {
                tracing::error!(%error, "{path} was removed by another program and cannot be put back");
                self.begin_again(day, lost::removed(day));
            }
        }
    }

    /// The day so far is lost: writes a gap that says so and starts again from the last known states.
    pub(super) fn begin_again(&mut self, day: Day, why: String) {
        self.open
            .end_history(EventId::first_of_ms(day.start_ms()).0 - 1, &why);
        self.open_gap = None;
        self.known.unsure = true;
        let now = self.options.clock.now_ms();
        let first = match self.pending.front() {
            Some(item) => item.id(),
            None => self.next_id(now),
        };
        // In front of everything that waits. The ids of those items stay; a gap's id need only lie in the right day.
        let gap = Gap {
            from_ms: day.start_ms(),
            to_ms: now.max(day.start_ms()),
            why,
        };
        let known = !self.known.is_empty();
        if known {
            self.pending.push_front(Item::Keyframe {
                id: first,
                reason: "gap",
                states: None,
            });
        }
        self.pending.push_front(Item::Gap { id: first, gap });
        self.pending.wait_from_now();
    }

    /// Days that left without a reason while nobody recorded are lost: another history begins.
    pub(super) fn find_losses(&mut self) -> Result<Vec<Day>> {
        let lost = ledger::lost(&Store::open(&self.open.dir)?);
        self.end_history_before(&lost);
        Ok(lost)
    }

    fn end_history_before(&mut self, lost: &[Day]) {
        if let Some(first) = lost.first() {
            let before = EventId::first_of_ms(first.start_ms()).0 - 1;
            self.open.end_history(before, "a day's file was removed");
        }
    }

    /// Days of the past that left without a reason while the recorder runs are lost, too: it goes on in another history,
    /// and tells of each. Gives those that it found.
    pub(super) fn look_for_losses(&mut self) -> Vec<Day> {
        // While the disk fails nothing is known to be gone for good.
        if self.retry.is_some() || self.open.release_if_unmounted().is_err() {
            return Vec::new();
        }
        let Ok(store) = Store::open(&self.open.dir) else {
            return Vec::new();
        };
        let open = self.open.file.as_ref().map(DayFile::day);
        let mut lost = ledger::lost(&store);
        // The open one is whole, and is put back.
        lost.retain(|day| Some(*day) != open);
        if lost.is_empty() {
            return lost;
        }
        // It is opened anew, as that of the next history, and must have its name for that.
        if let Some(day) = open
            && self.open_day(day).is_err()
        {
            return Vec::new();
        }
        let new: Vec<Day> = (lost.iter().copied())
            .filter(|day| !self.telling.contains(day))
            .collect();
        if !new.is_empty() {
            self.open.close();
            (self.open.vouched, self.known.unsure) = (None, true);
            self.end_history_before(&new);
        }
        self.tell_losses(&lost);
        lost
    }

    /// Of the time before a lost day the file before it says nothing wrong: what is not recorded begins after the day.
    pub(super) fn begin_gap_after(&mut self, lost: &[Day]) {
        let newest = self.open.file.as_ref().map(DayFile::day);
        if let Some(last) = lost.last().copied().filter(|last| Some(*last) > newest) {
            let began = last.end_ms() < self.options.clock.now_ms();
            self.open_gap = began.then(|| OpenGap {
                from_ms: last.end_ms(),
                why: "the agent was not running".to_owned(),
            });
        }
    }

    /// Writes gaps over lost days, and then into the ledger why they are gone.
    pub(super) fn tell_losses(&mut self, lost: &[Day]) {
        let now = self.options.clock.now_ms();
        for &day in lost {
            if self.telling.contains(&day) {
                continue;
            }
            let why = lost::removed(day);
            tracing::error!(%day, "{why}; a restore brings back what a backup holds of it");
            let from_ms = day.start_ms();
            self.queue_gap(from_ms, (day.end_ms() - 1).min(now.max(from_ms)), why);
            self.telling.push(day);
        }
        if self.telling.is_empty() {
            return;
        }
        self.known.unsure = true;
        self.write();
        // Otherwise the next look, or the next start, tells the ledger.
        if !self.pending.is_empty() {
            return;
        }
        let told = std::mem::take(&mut self.telling);
        let dir = &self.open.dir;
        ledger::try_to_note_leaving(dir, &told, ledger::REMOVED, now);
        // One of them may have begun again with its own gap.
        ledger::note_present(dir, now);
    }

    /// Looks at a day's file, and moves it aside where it is damaged. Gives what was wrong with one that was moved.
    pub(super) fn examine(&mut self, day: Day) -> Option<String> {
        let store = Store::open(&self.open.dir).ok()?;
        if let Some(aside) = own_days::set_aside(&self.open.dir, day) {
            // The day that it lay over is told as lost.
            self.look_for_losses();
            return Some(format!(
                "the record of another store, now {}",
                aside.display()
            ));
        }
        // A file that cannot be read for another reason (it may be gone) is not known to be damaged.
        let found = store.day_damage(day).ok()??;
        let later = store.days().ok()?.into_iter().any(|other| other > day);
        let moved = if later {
            self.out_of_the_way(day, &found)
                .map(|why| self.queue_gap(day.start_ms(), day.end_ms() - 1, why))
        } else {
            self.move_aside(day, &found)
        };
        if let Err(reason) = moved {
            tracing::error!("{reason}");
            return None;
        }
        self.write();
        Some(found)
    }
}
