//! What is known of the record apart from the record itself: which days it has, and why a day left.
//!
//! `ledger.jsonl` in the store's folder has a line for each time that a day came or left, and only grows. A day that the
//! ledger has and the folder has not is lost.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::disk::{lines, real};
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::folder::Store;

/// The file's name in the store's folder.
pub(crate) const FILE: &str = "ledger.jsonl";
/// Why a day left that somebody took away.
pub(crate) const REMOVED: &str = "removed by another program";

/// One line: what became of a day, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    day: Day,
    /// Unix milliseconds by the clock of then.
    at_ms: i64,
    #[serde(flatten)]
    fact: Fact,
}

/// What became of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
enum Fact {
    /// The store has it from then on.
    Here,
    /// It left.
    Gone {
        /// By what, in a few words.
        why: String,
    },
}

/// The last that is known of each day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    days: BTreeMap<Day, Fact>,
}

impl Ledger {
    /// Reads a store's ledger; a store without one knows of no day. Lines that a crash cut off, or that a newer program
    /// wrote, are passed over.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(crate) fn read(store: &Path) -> Result<Ledger> {
        let path = store.join(FILE);
        // Never waits at a pipe that somebody put there.
        let read = || {
            let mut bytes = Vec::new();
            let mut file = real::file_in(real::folder(store)?, FILE, OFlags::RDONLY)?;
            file.read_to_end(&mut bytes).map(|_| bytes)
        };
        let bytes = match read() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Ledger::default());
            }
            bytes => bytes.map_err(Error::io(&path, "read the ledger"))?,
        };
        let mut ledger = Ledger::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Line>(line) else {
                continue;
            };
            ledger.days.insert(line.day, line.fact);
        }
        Ok(ledger)
    }

    fn is_here(&self, day: Day) -> bool {
        self.days.get(&day) == Some(&Fact::Here)
    }

    /// The days that should be in the store and are not, oldest first.
    fn lost(&self, store: &Store) -> Result<Vec<Day>> {
        let present = store.days()?;
        let missing = self.days.keys().filter(|day| self.is_here(**day));
        let missing = missing.filter(|day| !present.contains(day));
        Ok(missing.copied().collect())
    }
}

/// Notes the days that the store has and the ledger does not know yet. Call it after they came: a day that a crash
/// leaves unnoted is noted at the next start, and so is one that cannot be noted now. Nothing waits for the ledger.
pub(crate) fn note_present(store: &Path, now_ms: i64) {
    let noted = Ledger::read(store).and_then(|ledger| {
        let mut days = Store::open(store)?.days()?;
        days.retain(|day| !ledger.is_here(*day));
        add(store, &days, &Fact::Here, now_ms)
    });
    if let Err(error) = noted {
        tracing::warn!(%error, "the ledger does not say which days there are");
    }
}

/// Whether a store has a ledger.
pub(crate) fn is_there(store: &Path) -> bool {
    // What cannot be looked at is not known to be gone.
    !matches!(store.join(FILE).symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}

/// Of days that were in the store, those of which the ledger says nothing are noted as such: they should be there. Gives
/// them.
pub(crate) fn recall(store: &Path, days: &[Day], now_ms: i64) -> Result<Vec<Day>> {
    let mut forgotten = days.to_vec();
    let ledger = Ledger::read(store)?;
    forgotten.retain(|day| !ledger.days.contains_key(day));
    add(store, &forgotten, &Fact::Here, now_ms)?;
    Ok(forgotten)
}

/// Notes that days leave, and why. Call it before they go: a day that a crash lets stay is noted again at the next start.
pub(crate) fn note_leaving(store: &Path, days: &[Day], why: &str, now_ms: i64) -> Result<()> {
    let ledger = Ledger::read(store)?;
    let known: Vec<Day> = days
        .iter()
        .copied()
        .filter(|day| ledger.is_here(*day))
        .collect();
    let why = why.to_owned();
    add(store, &known, &Fact::Gone { why }, now_ms)
}

/// The same where the days have to go in any case. Without the line the next start takes them for lost.
pub(crate) fn try_to_note_leaving(store: &Path, days: &[Day], why: &str, now_ms: i64) {
    if let Err(error) = note_leaving(store, days, why, now_ms) {
        tracing::warn!(%error, "the ledger does not say why days leave: {why}");
    }
}

/// The days that left without a reason, oldest first: another program took them, or somebody's hand. One that lies
/// aside as damaged has a reason. None where the ledger cannot be read, which is told: nothing waits for it.
pub(crate) fn lost(store: &Store) -> Vec<Day> {
    let lost = Ledger::read(store.dir()).and_then(|ledger| {
        let aside = store.damaged_days()?;
        let mut lost = ledger.lost(store)?;
        lost.retain(|day| !aside.iter().any(|damaged| damaged.day == *day));
        Ok(lost)
    });
    lost.unwrap_or_else(|error| {
        tracing::error!(%error, "whether days of the store are lost is not known");
        Vec::new()
    })
}

fn add(store: &Path, days: &[Day], fact: &Fact, now_ms: i64) -> Result<()> {
    let mut text = String::new();
    for &day in days {
        let line = Line {
            day,
            at_ms: now_ms,
            fact: fact.clone(),
        };
        text += &serde_json::to_string(&line).expect("plain data");
        text.push('\n');
    }
    if text.is_empty() {
        return Ok(());
    }
    lines::append(store, FILE, &text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn touch(store: &Path, day: Day) {
        fs::write(store.join(day.file_name()), "").unwrap();
    }

    #[test]
    fn a_day_is_lost_that_left_without_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let days = [day("2026-03-01"), day("2026-03-02"), day("2026-03-03")];
        days.iter().for_each(|day| touch(dir.path(), *day));
        note_present(dir.path(), 5);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(lost(&store), []);

        note_leaving(dir.path(), &days[..1], "older than 90 days", 7).unwrap();
        for day in &days[..2] {
            fs::remove_file(store.day_path(*day)).unwrap();
        }
        assert_eq!(lost(&store), [days[1]]);
        note_leaving(dir.path(), &days[1..2], REMOVED, 8).unwrap();
        assert_eq!(lost(&store), []);
        // It is put back by somebody, and taken again.
        touch(dir.path(), days[1]);
        note_present(dir.path(), 10);
        fs::remove_file(store.day_path(days[1])).unwrap();
        assert_eq!(lost(&store), [days[1]]);
    }

    #[test]
    fn lines_that_say_nothing_are_passed_over_and_none_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), day("2026-03-01"));
        note_present(dir.path(), 5);
        let path = dir.path().join(FILE);
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(
            first,
            "{\"day\":\"2026-03-01\",\"at_ms\":5,\"is\":\"here\"}\n"
        );
        let more = "{\"day\":\"2026-03-02\",\"is\":\"sealed\",\"at_ms\":6}\n{\"day\":\"20";
        fs::write(&path, format!("{first}{more}")).unwrap();
        touch(dir.path(), day("2026-03-03"));
        note_present(dir.path(), 7);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&format!("{first}{more}\n")), "{text}");
        let ledger = Ledger::read(dir.path()).unwrap();
        let here: Vec<String> = ledger.days.keys().map(Day::to_string).collect();
        assert_eq!(here, ["2026-03-01", "2026-03-03"]);
    }

    #[test]
    fn nothing_waits_for_a_ledger_that_cannot_be_read_or_written() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FILE)).unwrap();
        let first = day("2026-03-01");
        touch(dir.path(), first);
        note_present(dir.path(), 5);
        try_to_note_leaving(dir.path(), &[first], "restored over", 6);
        assert_eq!(lost(&Store::open(dir.path()).unwrap()), []);
        assert!(note_leaving(dir.path(), &[first], "older than 90 days", 7).is_err());
    }

    #[test]
    fn lines_of_several_at_once_are_all_there() {
        let dir = tempfile::tempdir().unwrap();
        let days: Vec<Day> = (1..=28).map(|n| day(&format!("2026-02-{n:02}"))).collect();
        std::thread::scope(|scope| {
            for part in days.chunks(7) {
                let dir = dir.path();
                scope.spawn(move || {
                    for day in part {
                        add(dir, &[*day], &Fact::Here, 5).unwrap();
                    }
                });
            }
        });
        let ledger = Ledger::read(dir.path()).unwrap();
        assert!(days.iter().all(|day| ledger.is_here(*day)), "{ledger:?}");
    }
}
