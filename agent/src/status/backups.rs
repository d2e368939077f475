//! The backups: the last, the next, and whether something keeps them from being made or pruned.

use backup::BackupInfo;
use serde::{Deserialize, Serialize};

use super::files::Files;
use super::level::Trouble;
use crate::advice;
use crate::context::Context;
use crate::moment::{self, Moment, Seconds};
use crate::settings::Settings;

/// The archive's backups.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Backup {
    pub(crate) path: String,
    pub(crate) last: Option<Moment>,
    pub(crate) age_seconds: Option<Seconds>,
    pub(crate) next: Option<Moment>,
    pub(crate) count: usize,
    /// When the newest proved backup was made.
    pub(crate) last_verified: Option<Moment>,
    pub(crate) problem: Option<String>,
    /// The problem is only that somebody else was at work in the archive.
    pub(crate) busy: bool,
    /// The newest one is proved, and nothing keeps the next from being made in time.
    pub(crate) ok: bool,
    /// When the schedule makes them: `every 24h`, `at 03:00, 23:30` or `off`.
    pub(crate) schedule: String,
    /// When the last one was made, or was proved again because there was nothing new.
    pub(crate) last_good: Option<Moment>,
    /// The next one should have been made long ago.
    pub(crate) overdue: bool,
    /// Failures in a row since the last good one.
    pub(crate) failures: u32,
    /// Why the last prune failed, if it did: old backups and days stay.
    pub(crate) prune_problem: Option<String>,
}

impl Backup {
    pub(super) fn of_files(settings: &Settings, files: &Files) -> Self {
        let now = moment::now();
        let made = |backup: &BackupInfo| backup.created_at_ms;
        let last = files.backups.first().map(made);
        let proved = files
            .backups
            .iter()
            .find(|backup| backup.verified)
            .map(made);
        let schedule = &settings.backup.schedule;
        let overdue = proved.is_some_and(|proved| schedule.overdue(proved, now));
        Self {
            path: settings.backup.path.display().to_string(),
            last: last.map(Moment::at),
            age_seconds: last.map(|last| Seconds::between(last, now)),
            next: None,
            count: files.backups.len(),
            last_verified: proved.map(Moment::at),
            problem: files.refused.clone(),
            busy: false,
            ok: files.newest_is_proved() && files.refused.is_none() && !overdue,
            schedule: schedule.when.to_string(),
            last_good: proved.map(Moment::at),
            overdue,
            failures: 0,
            prune_problem: None,
        }
    }

    pub(super) fn of_agent(context: &Context, files: &Files) -> Self {
        let now = moment::now();
        let (jobs, settings) = (&context.jobs, context.settings());
        let (history, schedule) = (context.history(), &settings.backup.schedule);
        let problem = jobs.backup_problem().or_else(|| context.shipped.problem());
        let overdue = (history.last_good).is_some_and(|last| schedule.overdue(last, now));
        Self {
            ok: files.newest_is_proved() && problem.is_none() && !overdue,
            busy: jobs.backup_found_busy(),
            problem,
            prune_problem: jobs.prune_problem(),
            next: schedule.next_due(&history, now).map(Moment::at),
            failures: history.failures,
            last_good: history.last_good.map(Moment::at),
            overdue,
            ..Self::of_files(settings, files)
        }
    }

    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        if let Some(problem) = &self.problem {
            troubles.push(match self.busy {
                true => Trouble::warning(format!(
                    "Recording; the last backup was not made: {problem}"
                )),
                false => {
                    Trouble::critical(format!("Recording, but the last backup failed: {problem}"))
                }
            });
        }
        if let Some(problem) = &self.prune_problem {
            troubles.push(Trouble::warning(format!(
                "Recording; old days or backups stay ({problem}): `{}` tries again",
                advice::command("prune")
            )));
        }
        if self.last_verified.is_none() {
            let text = "Recording; no proved backup yet".to_owned();
            troubles.push(Trouble::warning(text));
        }
        if let (Some(age), true) = (self.age_seconds, self.overdue) {
            let text = format!("Recording; last backup {} ago is overdue", age.in_words());
            troubles.push(Trouble::warning(text));
        }
        troubles
    }

    /// What is said where nothing is wrong.
    pub(super) fn good_news(&self) -> String {
        let age = self
            .age_seconds
            .map_or_else(String::new, |age| format!(", {} ago", age.in_words()));
        format!("Recording; last backup proved{age}")
    }
}
