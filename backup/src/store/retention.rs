//! Which day files may go: whole days by age and by size, and never one that is not archived.

use crate::disk::{companions, draft};
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::folder::Store;

/// How much of the past the store keeps. What is archived stays in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Days kept besides today; `None`: any number.
    pub days: Option<u32>,
    /// Bytes kept; `None`: any number.
    pub bytes: Option<u64>,
}

/// A day file as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFate {
    /// The day.
    pub day: Day,
    /// Its size on disk.
    pub bytes: u64,
    /// Why it goes, or why it stays although it should go.
    pub why: String,
}

/// What retention would do. Making one changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionPlan {
    /// The days that go, oldest first.
    pub remove: Vec<DayFate>,
    /// The days that should go and must not yet.
    pub kept: Vec<DayFate>,
}

impl Retention {
    /// Decides about days of known size, oldest first. `archived` says whether the archive holds all of a day. The
    /// newest file, today's, and those of the future always stay.
    pub fn plan(
        &self,
        days: &[(Day, u64)],
        today: Day,
        archived: &dyn Fn(Day) -> bool,
    ) -> RetentionPlan {
        let mut plan = RetentionPlan::default();
        let mut total: u64 = days.iter().map(|(_, bytes)| bytes).sum();
        let Some((newest, _)) = days.last() else {
            return plan;
        };
        let oldest_kept = self.days.map(|days| {
            Day::of_ms(
                today
                    .start_ms()
                    .saturating_sub(i64::from(days) * 86_400_000),
            )
        });
        for (day, bytes) in days.iter().filter(|(day, _)| day < newest && *day < today) {
            let why = if oldest_kept.is_some_and(|oldest| *day < oldest) {
                format!("older than {} days", self.days.unwrap_or_default())
            } else if self.bytes.is_some_and(|limit| total > limit) {
                format!(
                    "the store is larger than {} bytes",
                    self.bytes.unwrap_or_default()
                )
            } else {
                continue;
            };
            if archived(*day) {
                total -= bytes;
                plan.remove.push(DayFate {
                    day: *day,
                    bytes: *bytes,
                    why,
                });
            } else {
                plan.kept.push(DayFate {
                    day: *day,
                    bytes: *bytes,
                    why: format!("{why}, but not archived yet"),
                });
            }
        }
        plan
    }
}

impl Store {
    /// What retention would remove from this store.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn plan_retention(
        &self,
        retention: &Retention,
        now_ms: i64,
        archived: &dyn Fn(Day) -> bool,
    ) -> Result<RetentionPlan> {
        let days: Vec<(Day, u64)> = self
            .days()?
            .into_iter()
            .map(|day| (day, companions::bytes(&self.day_path(day))))
            .collect();
        Ok(retention.plan(&days, Day::of_ms(now_ms), archived))
    }

    /// Removes the day files of a plan, oldest first. A running recorder never has one of them open.
    ///
    /// # Errors
    /// When one cannot be removed; those before it are gone.
    pub fn remove_days(&self, plan: &RetentionPlan) -> Result<()> {
        for fate in &plan.remove {
            for file in companions::and_database(&self.day_path(fate.day)) {
                match std::fs::remove_file(&file) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::io(&file, "remove the day file")(error));
                    }
                    _ => {}
                }
            }
        }
        draft::names_to_disk(self.dir()).map_err(Error::io(self.dir(), "sync the store's folder"))
    }
}
