//! Day files that were found damaged and moved aside: what they are called, and which there are.

use std::path::{Path, PathBuf};

use crate::disk::companions::{self, beside};
use crate::disk::names;
use crate::error::Result;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::schema::damage;

/// Between the day file's name and the time, in Unix milliseconds.
const MARK: &str = ".corrupt-";

/// Why its day left, as the ledger says it.
pub(crate) const WHY: &str = "damaged, and moved aside";

/// A day file that was found damaged, under the name it was given then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedDay {
    /// The day it held.
    pub day: Day,
    /// Where it lies now; what came with it lies beside it.
    pub path: PathBuf,
    /// When it was moved, Unix milliseconds.
    pub at_ms: i64,
}

impl DamagedDay {
    /// The file's name, which the text of the gap also contains.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Whether a gap is the one that this damage made.
    pub(crate) fn explains(&self, why: &str) -> bool {
        // Compares whole words: a longer number is another file.
        why.split(|c: char| c.is_whitespace() || c == ',')
            .any(|word| word == self.name())
    }

    /// Whether a gap says that the whole day before the damage is lost. After a restore the gap begins later.
    pub(crate) fn is_lost_in(&self, from_ms: i64, why: &str) -> bool {
        from_ms <= self.day.start_ms() && self.explains(why)
    }

    /// The file and its companions, as far as they are there.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        companions::and_database(&self.path).filter(|file| file.exists())
    }
}

impl Store {
    /// Day files that were found damaged and moved aside, oldest day first. One leaves this list when a restore brings
    /// back what it held, or when somebody removes the file.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn damaged_days(&self) -> Result<Vec<DamagedDay>> {
        let mut damaged: Vec<DamagedDay> = self
            .names()?
            .iter()
            .filter_map(|name| {
                let (day, at_ms) = parse(name)?;
                let path = self.dir().join(name);
                Some(DamagedDay { day, path, at_ms })
            })
            .collect();
        damaged.sort_unstable_by_key(|damaged| (damaged.day, damaged.at_ms));
        Ok(damaged)
    }

    /// SQLite's quick check of a day's file: what is wrong with it, if anything.
    ///
    /// # Errors
    /// When the file is missing or cannot be read for another reason.
    pub fn day_damage(&self, day: Day) -> Result<Option<String>> {
        damage(&self.day_path(day))
    }
}

/// The day of which a gap says that its file was damaged and moved aside.
pub(crate) fn day_in(why: &str) -> Option<Day> {
    let mut words = why.split(|c: char| c.is_whitespace() || c == ',');
    words.find_map(|word| Some(parse(word)?.0))
}

/// Moves a day's file aside with its companions and gives its new name, which no file has yet.
pub(crate) fn move_aside(dir: &Path, day: Day, now_ms: i64) -> String {
    let path = dir.join(day.file_name());
    let free = (now_ms..).find(|ms| !beside(&path, &format!("{MARK}{ms}")).exists());
    let aside = beside(&path, &format!("{MARK}{}", free.unwrap_or(now_ms)));
    companions::rename(&path, &aside);
    // Best effort: the new file's own sync follows.
    let _ = names::in_folder(dir);
    let name = aside.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Whether a name is that of a file moved aside, or of a companion of one.
pub(crate) fn is_moved_aside(name: &str) -> bool {
    parse(companions::database_of(name)).is_some()
}

fn parse(name: &str) -> Option<(Day, i64)> {
    let (file, at) = name.split_once(MARK)?;
    let digits = !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some((Day::from_file_name(file)?, at.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_damaged_days() {
        assert!(parse("events-2026-03-01.db.corrupt-1772366400000").is_some());
        assert!(is_moved_aside("events-2026-03-01.db.corrupt-17-wal"));
        for other in [
            "events-2026-03-01.db",
            "events-2026-03-01.db-wal",
            "events-2026-03-01.db.corrupt-",
            "events-2026-03-01.db.corrupt-1x",
            "events-2026-13-01.db.corrupt-17",
        ] {
            assert!(!is_moved_aside(other), "{other}");
        }
    }

    #[test]
    fn a_gap_belongs_to_the_file_it_names_and_to_no_longer_one() {
        let damaged = DamagedDay {
            day: "2026-03-01".parse().unwrap(),
            path: "/s/events-2026-03-01.db.corrupt-17".into(),
            at_ms: 17,
        };
        assert!(damaged.explains("was moved aside as events-2026-03-01.db.corrupt-17"));
        assert!(!damaged.explains("was moved aside as events-2026-03-01.db.corrupt-171"));
    }
}
