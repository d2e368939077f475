//! Adds files to the store, and says which of their days the store will not keep for long.

use std::collections::BTreeSet;
use std::path::PathBuf;

use backup::{Day, Destination};

use super::Site;
use crate::documents::Imported;
use crate::failure::Outcome;
use crate::moment::{self, Moment};
use crate::words::many;

impl Site {
    /// Adds files to the store, which no agent records into; what is there already is skipped.
    pub(crate) fn import(&self, files: &[PathBuf]) -> Outcome<Imported> {
        self.take_up();
        self.import_into(Destination::Folder(self.store_path()), files)
    }

    /// Adds files; what is there already is skipped. Says which days the store will not keep for long.
    pub(crate) fn import_into(
        &self,
        into: Destination<'_>,
        files: &[PathBuf],
    ) -> Outcome<Imported> {
        let mut sum = Imported::default();
        let mut days = BTreeSet::new();
        for file in files {
            let one = backup::import(into, file)?;
            sum.added += one.added;
            sum.skipped += one.skipped;
            sum.rejected += one.rejected;
            days.extend(one.days);
            let reasons = one.first_reasons.into_iter();
            sum.first_reasons
                .extend(reasons.map(|reason| format!("{}: {reason}", file.display())));
        }
        sum.notes.extend(self.leaving(&days, moment::now()));
        Ok(sum)
    }

    /// Says of days that came in just now which of them are too old for the store, and when they leave it.
    fn leaving(&self, days: &BTreeSet<Day>, came_ms: i64) -> Option<String> {
        let retention = &self.settings.store.retention;
        let old: Vec<&Day> = (days.iter())
            .filter(|day| retention.leaves_at_ms(**day, came_ms).is_some())
            .collect();
        let (first, last) = (old.first()?, old.last()?);
        let leaves = Moment::at(retention.leaves_at_ms(**first, came_ms)?).local_minute();
        let limit = retention.days.unwrap_or_default();
        Some(format!(
            "{} from {first} to {last} are older than the {limit} days that the store keeps: they stay until {leaves}, \
             then they leave it, and after them the backups that hold them. To keep them, set a greater \
             `retention_days` before, or an own archive",
            many(old.len() as u64, "day")
        ))
    }
}
