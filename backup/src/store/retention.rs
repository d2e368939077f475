//! Which day files may go: whole days by age and by size, and never one that is not archived.

use crate::disk::companions;
use crate::error::Result;
use crate::store::arrival;
use crate::store::day::Day;
use crate::store::event::sql_timestamp;
use crate::store::folder::Store;
use crate::trusted_now::TrustedNow;

const DAY_MS: i64 = 86_400_000;

/// How much of the past the store keeps. What is archived stays in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Days kept besides today; `None`: any number. A day that came into the store later, by an import or a restore,
    /// is kept for as many days from then on.
    pub days: Option<u32>,
    /// Bytes kept; `None`: any number.
    pub bytes: Option<u64>,
}

/// A day file as it lies in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredDay {
    /// The day.
    pub day: Day,
    /// Its size on disk.
    pub bytes: u64,
    /// When an import or a restore brought it, Unix milliseconds; `None` where it was recorded into the store.
    pub came_ms: Option<i64>,
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
    /// The days that are too old and stay for a while, as they came into the store only lately.
    pub newcomers: Vec<DayFate>,
}

impl Retention {
    /// To be told, not judged by: when a day that came into the store at `came_ms` is too old, where it was already
    /// when it came.
    pub fn leaves_at_ms(&self, day: Day, came_ms: i64) -> Option<i64> {
        let oldest = self.oldest_kept(came_ms)?;
        let span_ms = i64::from(self.days?) * DAY_MS;
        (day < oldest).then(|| Day::of_ms(came_ms).end_ms().saturating_add(span_ms))
    }

    /// Whether a day that the store does not have may have left by these rules. `oldest` is the oldest one that it has.
    pub(crate) fn may_have_removed(&self, day: Day, oldest: Option<Day>, now_ms: i64) -> bool {
        let too_old = self.oldest_kept(now_ms).is_some_and(|kept| day < kept);
        // Those go first.
        let too_much = self.bytes.is_some() && oldest.is_some_and(|oldest| day < oldest);
        too_old || too_much
    }

    fn oldest_kept(&self, now_ms: i64) -> Option<Day> {
        let span_ms = i64::from(self.days?) * DAY_MS;
        let today = Day::of_ms(now_ms).start_ms();
        Some(Day::of_ms(today.saturating_sub(span_ms)))
    }

    /// Decides about the days of a store, oldest first. `archived` says whether the archive holds all of a day. The
    /// newest file, today's, and those of the future always stay.
    pub fn plan(
        &self,
        days: &[StoredDay],
        now: TrustedNow,
        archived: &dyn Fn(Day) -> bool,
    ) -> RetentionPlan {
        let mut plan = RetentionPlan::default();
        let mut total: u64 = days.iter().map(|stored| stored.bytes).sum();
        let Some(newest) = days.last().map(|stored| stored.day) else {
            return plan;
        };
        let today = Day::of_ms(now.ms());
        let oldest_kept = self.oldest_kept(now.ms());
        let past = |stored: &&StoredDay| stored.day < newest && stored.day < today;
        for stored in days.iter().filter(past) {
            let StoredDay {
                day,
                bytes,
                came_ms,
            } = *stored;
            let fate = |why| DayFate { day, bytes, why };
            let limit = self.days.unwrap_or_default();
            let too_old = oldest_kept.filter(|oldest| day < *oldest);
            // A time in the future says nothing.
            let came_ms = came_ms.filter(|came_ms| *came_ms <= now.ms());
            let came_late =
                too_old.and_then(|oldest| came_ms.filter(|ms| Day::of_ms(*ms) >= oldest));
            let why = if too_old.is_some() && came_late.is_none() {
                format!("older than {limit} days")
            } else if self.bytes.is_some_and(|limit| total > limit) {
                format!(
                    "the store is larger than {} bytes",
                    self.bytes.unwrap_or_default()
                )
            } else {
                plan.newcomers.extend(came_late.map(|came_ms| {
                    fate(format!(
                        "older than {limit} days, but it came into the store at {} and stays as long from then on",
                        sql_timestamp(came_ms)
                    ))
                }));
                continue;
            };
            if archived(day) {
                total -= bytes;
                plan.remove.push(fate(why));
            } else {
                plan.kept.push(fate(format!("{why}, but not archived yet")));
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
        now: TrustedNow,
        archived: &dyn Fn(Day) -> bool,
    ) -> Result<RetentionPlan> {
        let stored = |day| {
            let path = self.day_path(day);
            StoredDay {
                day,
                bytes: companions::bytes(&path),
                came_ms: self.came_ms(day),
            }
        };
        let days: Vec<StoredDay> = self.days()?.into_iter().map(stored).collect();
        Ok(retention.plan(&days, now, archived))
    }

    /// Where a file cannot be read, nobody knows that it came from anywhere.
    fn came_ms(&self, day: Day) -> Option<i64> {
        let conn = self.day_reader(day).ok()?;
        arrival::read(&conn).ok()?
    }
}
