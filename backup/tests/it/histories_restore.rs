//! Restores and undos at random, and what the store must hold after each.

use std::collections::BTreeSet;

use backup::{Day, Error, EventId, RestoreSource, undo, undo_steps};

use crate::histories_room::Room;
use crate::histories_rows::{
    Rows, come_and_go, come_and_go_by_meaning, difference, meaning, rows_in,
};
use crate::reader::Row;

/// Whether a row of before is still there: under its id, or where that is another's again, under a later one.
fn stays(id: &i64, row: &Row, live: &Rows) -> bool {
    let taken = live.contains_key(id);
    let mut later = live.range(id + 1..);
    live.get(id) == Some(row) || taken && later.any(|(_, other)| meaning(other) == meaning(row))
}

/// Checks how many events were said to come and go. One that only gets another id may be counted as both, or as neither.
fn came_and_went(said: (u64, u64), before: &Rows, after: &Rows) {
    let most = come_and_go(before, after);
    let least = come_and_go_by_meaning(before, after);
    let told = format!("said {said:?}, at least {least:?}, at most {most:?}");
    assert!(least.0 <= said.0 && said.0 <= most.0, "{told}");
    assert_eq!(said.0 + most.1, said.1 + most.0, "{told}");
}

/// How a restore was asked for.
pub(crate) struct Asked {
    /// One backup, not the latest.
    pub(crate) chosen: bool,
    /// Up to a moment.
    pub(crate) at: bool,
    pub(crate) keep_newer: bool,
}

impl Room {
    pub(crate) async fn restore(&mut self, backup: Option<u8>, at: Option<u8>, keep_newer: bool) {
        self.end().await;
        let chosen = backup
            .filter(|_| !self.held.backups.is_empty())
            .map(|n| usize::from(n) % self.held.backups.len());
        let (source, mut comes) = match chosen {
            Some(n) => {
                let (id, rows) = &self.held.backups[n];
                (RestoreSource::Id(id.clone()), rows.clone())
            }
            None => (RestoreSource::Latest, self.held.newest.clone()),
        };
        let at_ms = at.filter(|_| !comes.is_empty()).map(|n| {
            comes
                .values()
                .nth(usize::from(n) % comes.len())
                .unwrap()
                .at_ms
        });
        let plan = match self.archive().plan(source, at_ms, &self.events()) {
            Ok(plan) => plan,
            Err(Error::NoBackup { .. }) if self.held.backups.is_empty() => return,
            Err(Error::Unreachable(_)) if at_ms.is_some() => return,
            Err(wrong) => panic!("{wrong}"),
        };
        if chosen.is_none() && at_ms.is_some() {
            // The newest one has lost the moment, and an older one is named that holds it.
            let older = self.held.backups.iter().rev().skip(1);
            let mut older = older.filter(|(id, _)| plan.from == format!("backup {id}"));
            if let Some((id, rows)) = older.next() {
                let told = format!("backup {id} holds the moment");
                assert!(plan.notes.iter().any(|note| note.starts_with(&told)));
                comes = rows.clone();
            }
        }
        let plan = if keep_newer { plan.keep_newer() } else { plan };
        let (gained, lost) = (plan.events_gained, plan.events_lost);
        plan.build(&()).unwrap().swap().unwrap();
        let live = rows_in(&self.events());
        if let Some(at_ms) = at_ms {
            // Up to the last event that is not later by the wall.
            let last = comes.iter().rfind(|(_, row)| row.at_ms <= at_ms);
            let last = last.map(|(id, _)| *id);
            comes.retain(|id, _| Some(*id) <= last);
        }
        let asked = Asked {
            chosen: chosen.is_some(),
            at: at_ms.is_some(),
            keep_newer,
        };
        self.came_back(&comes, &live, &asked);
        let said = (gained, lost);
        came_and_went(said, &self.live, &live);
        self.exchanges(live);
    }

    /// Checks that after a restore all is there that comes, and nothing that never was.
    pub(crate) fn came_back(&self, comes: &Rows, live: &Rows, asked: &Asked) {
        for (id, row) in comes {
            assert_eq!(live.get(id), Some(row), "does not come back");
        }
        for (id, row) in live {
            let known = comes.get(id) == Some(row)
                || (asked.at && self.ever.contains(row))
                || (!asked.chosen && !self.held.is_exact() && self.ever.contains(row))
                || (asked.keep_newer && self.live.get(id) == Some(row))
                || (asked.keep_newer
                    && self.live.values().any(|live| meaning(live) == meaning(row)));
            assert!(known, "comes back, but was not there: {row:?}");
        }
        if asked.keep_newer {
            let last = comes.keys().last().copied().unwrap_or(-1);
            for (id, row) in self.live.range(last + 1..) {
                assert!(stays(id, row, live), "newer, and not kept: {row:?}");
            }
        }
    }

    /// A restore that may have been killed leaves all as before or as after it.
    pub(crate) fn was_restored(&mut self, keep_newer: bool, another_history: bool) {
        let live = rows_in(&self.events());
        if live != self.live {
            assert!(another_history, "other rows in the same history");
            let asked = Asked {
                chosen: false,
                at: false,
                keep_newer,
            };
            self.came_back(&self.held.newest, &live, &asked);
        }
        if another_history {
            self.exchanges(live);
        }
    }

    /// A restore or an undo brought this.
    pub(crate) fn exchanges(&mut self, live: Rows) {
        let steps = undo_steps(&self.events()).unwrap();
        if let Some(newest) = steps.iter().map(|step| step.number).max() {
            let exchanged = (self.live.clone(), live.clone());
            self.exchanged.entry(newest).or_insert(exchanged);
        }
        self.lives(live);
        self.not_lost_any_more();
        self.another_history();
    }

    pub(crate) async fn undo(&mut self) {
        self.end().await;
        let steps = undo_steps(&self.events()).unwrap();
        let Some(next) = steps.iter().find(|step| step.is_next) else {
            let nothing = undo(&self.events()).unwrap_err();
            assert!(matches!(nothing, Error::NothingToUndo { .. }), "{nothing}");
            return;
        };
        let (before, after) = self.exchanged[&next.number].clone();
        let report = undo(&self.events()).unwrap();
        let live = rows_in(&self.events());
        let mut days: BTreeSet<Day> = difference(&before, &after).collect();
        days.extend(report.days);
        self.taken_back(&before, &after, &days, &live);
        let said = (report.events_gained, report.events_lost);
        came_and_went(said, &self.live, &live);
        self.exchanges(live);
    }

    /// The same of an undo that may have been killed.
    pub(crate) fn was_undone(&mut self, number: u64, another_history: bool) {
        let live = rows_in(&self.events());
        if live != self.live {
            assert!(another_history, "other rows in the same history");
            let (before, after) = self.exchanged[&number].clone();
            // Which days it exchanged is not known, but that these are among them.
            let days = self.live.keys().chain(before.keys());
            let days = days.map(|id| EventId(*id).day());
            let days: BTreeSet<Day> = days
                .filter(|day| {
                    let of = |rows: &Rows| -> Rows {
                        let rows = rows.iter().filter(|(id, _)| EventId(**id).day() == *day);
                        rows.map(|(id, row)| (*id, row.clone())).collect()
                    };
                    of(&live) != of(&self.live)
                })
                .collect();
            self.taken_back(&before, &after, &days, &live);
        }
        if another_history {
            self.exchanges(live);
        }
    }

    /// Checks that after an undo its days are as they were, with what was recorded since.
    fn taken_back(&self, before: &Rows, after: &Rows, days: &BTreeSet<Day>, live: &Rows) {
        for (id, row) in before
            .iter()
            .filter(|(id, _)| days.contains(&EventId(**id).day()))
        {
            assert_eq!(live.get(id), Some(row), "not back after the undo");
        }
        for (id, row) in live {
            // A row that stays although its id is another's again comes under the next free one.
            let moved = |other: &Row| {
                Row {
                    id: *id,
                    ..other.clone()
                } == *row
            };
            let known = self.live.get(id) == Some(row)
                || before.get(id) == Some(row)
                || self.live.values().any(moved);
            assert!(known, "after the undo, and was not there: {row:?}");
        }
        // What was recorded since stays, and so do days that came since, or that it left as they were.
        let last = after.keys().last().copied().unwrap_or(-1);
        for (id, row) in &self.live {
            if *id > last || !days.contains(&EventId(*id).day()) {
                assert!(stays(id, row, live), "gone after the undo: {row:?}");
            }
        }
    }
}
