//! The JSON documents that scripts rely on: members may be added, none removed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use backup::Day;
use serde::{Deserialize, Serialize, Serializer};

use crate::advice;
use crate::moment::{self, Moment, Seconds};
use crate::words::{count, events, many};

/// One backup: what `backup` prints, and each element of `list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Backup {
    pub(crate) id: String,
    pub(crate) created_at: Moment,
    /// `null` for a file of the original that was never verified.
    pub(crate) events: Option<u64>,
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
    pub(crate) bytes: u64,
    /// Proved by reading it back, and still there in full size.
    pub(crate) verified: bool,
    /// `backup`, or `original` for a file of the original.
    pub(crate) kind: String,
    pub(crate) problem: Option<String>,
}

impl From<&backup::BackupInfo> for Backup {
    fn from(info: &backup::BackupInfo) -> Self {
        Self {
            id: info.id.clone(),
            created_at: Moment::at(info.created_at_ms),
            events: info.events,
            from: info.from_ms.map(Moment::at),
            to: info.to_ms.map(Moment::at),
            bytes: info.bytes,
            verified: info.verified,
            kind: match info.kind {
                backup::BackupKind::Ours => "backup",
                backup::BackupKind::Original => "original",
                backup::BackupKind::OtherStore => "other store",
            }
            .to_owned(),
            problem: info.problem.clone(),
        }
    }
}

impl Backup {
    pub(crate) fn in_words(&self) -> String {
        format!("Backup {} made and proved", self.id)
    }
}

/// What `verify` found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verification {
    pub(crate) ok: bool,
    /// Backups that were looked at.
    #[serde(default)]
    pub(crate) backups: u64,
    pub(crate) checked: u64,
    pub(crate) findings: Vec<Finding>,
    /// What could not be compared; nothing is known to be wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) problem: String,
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) hint: String,
}

impl From<&backup::Report> for Verification {
    fn from(report: &backup::Report) -> Self {
        Self {
            ok: report.ok,
            backups: report.backups,
            checked: report.checked,
            findings: report
                .findings
                .iter()
                .map(|finding| Finding {
                    path: finding.path.display().to_string(),
                    problem: finding.problem.clone(),
                    expected: finding.expected.clone(),
                    found: finding.found.clone(),
                    hint: finding.hint.clone(),
                })
                .collect(),
            notes: report.notes.clone(),
        }
    }
}

/// What a restore reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Restored {
    /// `null` where what was restored holds no event.
    pub(crate) restored_to: Option<Moment>,
    pub(crate) events: u64,
    pub(crate) seconds: Seconds,
    /// Every day came back and was checked.
    pub(crate) verified: bool,
    /// The days that did not come back, as they are damaged in the archive, `YYYY-MM-DD`. The notes say more of each.
    #[serde(default)]
    pub(crate) days_left_out: Vec<String>,
    /// Where the former state is kept for `undo`; `null` if there was none.
    pub(crate) undo: Option<String>,
    /// What else one should know: the days that did not come back, are missing or came from another backup, that the moment happened
    /// more than once, that nothing was recorded then, the backup that was made first, or why none could be.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
}

impl Restored {
    pub(crate) fn new(report: &backup::RestoreReport, notes: Vec<String>, took: Duration) -> Self {
        Self {
            restored_to: report.restored_to_ms.map(Moment::at),
            events: report.events,
            seconds: Seconds(took.as_secs_f64()),
            verified: report.verified,
            undo: report.undo.as_ref().map(|path| path.display().to_string()),
            days_left_out: days(&report.left_out),
            notes: (report.left_out.iter().map(ToString::to_string))
                .chain(report.elsewhere.iter().cloned())
                .chain(missing(report.lost.iter()))
                .chain(report.repeated.iter().map(ToString::to_string))
                .chain(report.not_recorded.iter().map(ToString::to_string))
                .chain(notes)
                .collect(),
        }
    }

    pub(crate) fn in_words(&self) -> String {
        let to = self.restored_to;
        let result = format!(
            "{} to {}, {}",
            self.what(),
            to.map_or_else(|| "an empty store".to_owned(), Moment::local),
            events(self.events)
        );
        with_notes(result, &self.notes)
    }

    /// Says loudly whether days are missing.
    pub(crate) fn what(&self) -> &'static str {
        match self.verified {
            true => "Restored",
            false => "RESTORED IN PART",
        }
    }
}

fn days(left_out: &[backup::LeftOut]) -> Vec<String> {
    let days = left_out.iter().map(|left_out| left_out.day.to_string());
    days.collect()
}

/// What a restore would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) would_restore_to: Option<Moment>,
    pub(crate) from: String,
    pub(crate) events: u64,
    pub(crate) events_gained: u64,
    pub(crate) events_lost: u64,
    pub(crate) bytes_needed: u64,
    pub(crate) estimate_seconds: Seconds,
    pub(crate) gaps: Vec<Gap>,
    /// The control with the most events gained and lost comes first.
    pub(crate) controls: Vec<ControlChange>,
    pub(crate) notes: Vec<String>,
    /// The days that would not come back, as they are damaged in the archive, `YYYY-MM-DD`. The notes say more of each.
    #[serde(default)]
    pub(crate) days_left_out: Vec<String>,
    /// Those of the notes that tell of the moment: that it happened more than once, that nothing was recorded then.
    #[serde(skip)]
    pub(crate) of_moment: Vec<String>,
}

/// How many events of a control come back and how many go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ControlChange {
    pub(crate) control_path: String,
    pub(crate) gained: u64,
    pub(crate) lost: u64,
}

impl Plan {
    /// A plan, with what it does to each control if that could be found out.
    pub(crate) fn new(
        plan: &backup::RestorePlan,
        controls: backup::Result<Vec<backup::ControlChange>>,
    ) -> Self {
        let mut notes = plan.notes.clone();
        notes.extend(missing(plan.lost()));
        let controls = controls.unwrap_or_else(|error| {
            notes.push(format!("not told control by control: {error}"));
            Vec::new()
        });
        let controls = controls.into_iter().map(|change| ControlChange {
            control_path: change.control,
            gained: change.gained,
            lost: change.lost,
        });
        Self {
            would_restore_to: plan.would_restore_to_ms.map(Moment::at),
            from: plan.from.clone(),
            events: plan.events,
            events_gained: plan.events_gained,
            events_lost: plan.events_lost,
            bytes_needed: plan.bytes_needed,
            estimate_seconds: Seconds(plan.estimate_seconds),
            gaps: plan.gaps.iter().map(Gap::from).collect(),
            controls: controls.collect(),
            notes,
            days_left_out: days(&plan.left_out),
            of_moment: (plan.repeated.iter().map(ToString::to_string))
                .chain(plan.not_recorded.iter().map(ToString::to_string))
                .collect(),
        }
    }
}

/// A span in which changes may have been missed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Gap {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) why: String,
}

impl From<&backup::Gap> for Gap {
    fn from(gap: &backup::Gap) -> Self {
        Self {
            from: Moment::at(gap.from_ms),
            to: Moment::at(gap.to_ms),
            why: gap.why.clone(),
        }
    }
}

impl Gap {
    /// One that has not ended.
    pub(crate) fn open(gap: &backup::OpenGap) -> Self {
        Self {
            from: Moment::at(gap.from_ms),
            to: Moment::at(moment::now().max(gap.from_ms)),
            why: gap.why.clone(),
        }
    }

    /// The same for whoever shows it.
    pub(crate) fn into_gap(self) -> backup::Gap {
        backup::Gap {
            from_ms: self.from.ms(),
            to_ms: self.to.ms(),
            why: self.why,
        }
    }
}

/// A step of the wall clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClockStep {
    /// What it would have shown.
    pub(crate) from: Moment,
    /// What it showed.
    pub(crate) to: Moment,
    /// How that is known.
    pub(crate) how: String,
}

impl From<&backup::ClockStep> for ClockStep {
    fn from(step: &backup::ClockStep) -> Self {
        Self {
            from: Moment::at(step.from_ms),
            to: Moment::at(step.to_ms),
            how: step.how.clone(),
        }
    }
}

/// A day whose file was damaged and moved aside, and what puts it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Damaged {
    /// `YYYY-MM-DD`
    pub(crate) day: Day,
    /// When it was found.
    pub(crate) at: Moment,
    /// Where the damaged file lies now.
    #[serde(serialize_with = "lossy")]
    pub(crate) moved_to: PathBuf,
    /// The newest proved backup that holds the day; `null` where none does.
    pub(crate) backup: Option<String>,
    /// The last moment that comes back.
    pub(crate) reaches: Option<Moment>,
    /// What to type.
    pub(crate) command: Option<String>,
}

impl From<&backup::Mend> for Damaged {
    fn from(mend: &backup::Mend) -> Self {
        let (backup, reaches, command) = way_back(mend.from.as_ref());
        Self {
            day: mend.damaged.day,
            at: Moment::at(mend.damaged.at_ms),
            moved_to: mend.damaged.path.clone(),
            backup,
            reaches,
            command,
        }
    }
}

/// A day whose file another program took away, and what brings it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lost {
    /// `YYYY-MM-DD`
    pub(crate) day: Day,
    /// The newest proved backup that holds the day; `null` where none does.
    pub(crate) backup: Option<String>,
    /// The last moment that comes back.
    pub(crate) reaches: Option<Moment>,
    /// What to type.
    pub(crate) command: Option<String>,
}

impl From<&backup::Loss> for Lost {
    fn from(loss: &backup::Loss) -> Self {
        let (backup, reaches, command) = way_back(loss.from.as_ref());
        Self {
            day: loss.day,
            backup,
            reaches,
            command,
        }
    }
}

impl Lost {
    /// What is to be known of it where it is not in what is restored.
    fn missing(&self) -> String {
        let what = format!(
            "{} is missing: its file was removed before that backup was made",
            self.day
        );
        match (&self.backup, &self.command) {
            (Some(id), Some(command)) => {
                format!("{what}; backup {id} holds it, `{command}` brings it back")
            }
            _ => format!("{what}, and no proved backup holds it"),
        }
    }
}

fn missing<'l>(lost: impl Iterator<Item = &'l backup::Loss>) -> impl Iterator<Item = String> {
    lost.map(|loss| Lost::from(loss).missing())
}

/// The backup that brings a day back, the last moment that comes back, and what to type.
fn way_back(from: Option<&(String, i64)>) -> (Option<String>, Option<Moment>, Option<String>) {
    let Some((id, to_ms)) = from else {
        return (None, None, None);
    };
    let reaches = Moment::at(*to_ms);
    let command = advice::command(format_args!("restore {id} --at {reaches} --keep-newer"));
    (Some(id.clone()), Some(reaches), Some(command))
}

/// Writes a path as people read it, also one that is not UTF-8.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// What `undo` took back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Undone {
    pub(crate) undone: String,
    /// The days whose files are as they were before, `YYYY-MM-DD`.
    pub(crate) days: Vec<String>,
    /// Events that came back.
    pub(crate) events_gained: u64,
    /// Events that went.
    pub(crate) events_lost: u64,
    /// Events that were recorded since and stayed.
    pub(crate) events_kept: u64,
    /// The step that takes this undo back; `null` if nothing went.
    pub(crate) step: Option<u64>,
    /// What else one should know: the backup that was made first, or why none could be.
    pub(crate) notes: Vec<String>,
}

impl Undone {
    pub(crate) fn new(report: &backup::UndoReport, notes: Vec<String>) -> Self {
        Self {
            undone: report.undone.clone(),
            days: report.days.iter().map(ToString::to_string).collect(),
            events_gained: report.events_gained,
            events_lost: report.events_lost,
            events_kept: report.events_kept,
            step: report.step,
            notes,
        }
    }

    /// `3 events came back, 0 went, 2 recorded since stayed`
    pub(crate) fn events_in_words(&self) -> String {
        let kept = match self.events_kept {
            0 => String::new(),
            kept => format!(", {} recorded since stayed", count(kept)),
        };
        format!(
            "{} came back, {} went{kept}",
            events(self.events_gained),
            count(self.events_lost)
        )
    }

    pub(crate) fn in_words(&self) -> String {
        let events = self.events_in_words();
        with_notes(
            format!("Taken back: {}; {events}", self.undone),
            &self.notes,
        )
    }
}

/// A result in words, and what else one should know.
fn with_notes(result: String, notes: &[String]) -> String {
    let all = std::iter::once(&result).chain(notes);
    all.map(String::as_str).collect::<Vec<_>>().join("; ")
}

/// A step that `undo` can take back: each element of `undo --list`, and what `undo --dry-run` tells.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UndoStep {
    pub(crate) step: u64,
    pub(crate) at: Moment,
    pub(crate) what: String,
    /// Taken where no step is named.
    pub(crate) next: bool,
    pub(crate) events_gained: u64,
    pub(crate) events_lost: u64,
    /// Recorded since; they stay, unless the undo is forced.
    pub(crate) events_since: u64,
    pub(crate) bytes: u64,
    /// The days whose files would be as they were before, `YYYY-MM-DD`.
    pub(crate) days: Vec<String>,
    pub(crate) notes: Vec<String>,
}

impl From<&backup::UndoStep> for UndoStep {
    fn from(step: &backup::UndoStep) -> Self {
        Self {
            step: step.number,
            at: Moment::at(step.at_ms),
            what: step.what.clone(),
            next: step.is_next,
            events_gained: step.events_gained,
            events_lost: step.events_lost,
            events_since: step.events_since,
            bytes: step.bytes,
            days: step.days.iter().map(ToString::to_string).collect(),
            notes: step.notes.clone(),
        }
    }
}

/// What an import added.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Imported {
    pub(crate) added: u64,
    pub(crate) skipped: u64,
    pub(crate) rejected: u64,
    pub(crate) first_reasons: Vec<String>,
    /// What else one should know.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
}

impl Imported {
    pub(crate) fn in_words(&self) -> String {
        format!(
            "{} added, {} were there already, {} rejected",
            events(self.added),
            count(self.skipped),
            count(self.rejected)
        )
    }
}

/// What `prune` removed, or would.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pruned {
    pub(crate) dry_run: bool,
    pub(crate) removed: Vec<String>,
    /// The same backups with why each goes.
    pub(crate) backups: Vec<BackupFate>,
    /// Days whose files leave the store, `YYYY-MM-DD`.
    pub(crate) days_removed: Vec<Day>,
    /// The same days with their sizes and why each goes.
    pub(crate) days: Vec<DayFate>,
    /// Days that should go and must not yet.
    pub(crate) days_kept: Vec<DayFate>,
    /// Undo steps that leave the store.
    pub(crate) undo_steps_removed: Vec<u64>,
    /// Undo steps that should go and must not: no sound backup holds all of them.
    pub(crate) undo_steps_kept: Vec<u64>,
    /// Ids of the backups that stay.
    pub(crate) kept: Vec<String>,
    /// Freed in the archive.
    pub(crate) freed_bytes: u64,
    pub(crate) notes: Vec<String>,
    /// Why nothing is removed for now: the clock disagrees with what is known.
    #[serde(default)]
    pub(crate) waits: Option<String>,
}

/// A backup that goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BackupFate {
    pub(crate) id: String,
    pub(crate) why: String,
}

impl From<&backup::Pruned> for BackupFate {
    fn from(gone: &backup::Pruned) -> Self {
        Self {
            id: gone.id.clone(),
            why: gone.why.clone(),
        }
    }
}

/// A day file that goes, or stays although it should go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DayFate {
    pub(crate) day: Day,
    pub(crate) bytes: u64,
    pub(crate) why: String,
}

impl From<&backup::DayFate> for DayFate {
    fn from(fate: &backup::DayFate) -> Self {
        Self {
            day: fate.day,
            bytes: fate.bytes,
            why: fate.why.clone(),
        }
    }
}

impl Pruned {
    pub(crate) fn new(
        report: &backup::PruneReport,
        days: &backup::RetentionPlan,
        undo: &backup::UndoPruned,
    ) -> Self {
        Self {
            dry_run: report.dry_run,
            removed: report.removed.iter().map(|gone| gone.id.clone()).collect(),
            backups: report.removed.iter().map(BackupFate::from).collect(),
            days_removed: days.remove.iter().map(|fate| fate.day).collect(),
            days: days.remove.iter().map(DayFate::from).collect(),
            days_kept: (days.kept.iter())
                .chain(&days.newcomers)
                .map(DayFate::from)
                .collect(),
            undo_steps_removed: undo.removed.clone(),
            undo_steps_kept: undo.kept.iter().map(|(step, _)| *step).collect(),
            kept: report.kept.clone(),
            freed_bytes: report.freed_bytes,
            notes: report.notes.clone(),
            waits: None,
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.removed.is_empty() && self.days.is_empty() && self.undo_steps_removed.is_empty()
    }

    /// How much went, for a log or the audit.
    pub(crate) fn in_words(&self) -> String {
        if let Some(doubt) = &self.waits {
            return format!("nothing removed: {doubt}");
        }
        format!(
            "{} and {} of the store removed",
            many(self.removed.len() as u64, "backup"),
            many(self.days.len() as u64, "day")
        )
    }
}

/// One event, in the words of the view `events`.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) time: Moment,
    pub(crate) timestamp: i64,
    pub(crate) control_path: String,
    pub(crate) component_name: String,
    pub(crate) control_name: String,
    pub(crate) value: serde_json::Value,
    pub(crate) string_value: Option<String>,
    pub(crate) position: Option<f64>,
    pub(crate) source: String,
}

impl From<&backup::Event> for Event {
    fn from(event: &backup::Event) -> Self {
        Self {
            id: event.id.0,
            time: Moment::at(event.at_ms),
            timestamp: event.at_ms,
            control_path: event.series.path.to_string(),
            component_name: event.series.component.to_string(),
            control_name: event.series.control.to_string(),
            value: value(event.value.as_ref()),
            string_value: event.string.as_ref().map(ToString::to_string),
            position: event.position,
            source: event.series.source.to_string(),
        }
    }
}

/// A control's value as JSON has it; `null` where the Core gave none.
pub(crate) fn value(value: Option<&backup::Value>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(backup::Value::Number(number)) => (*number).into(),
        Some(backup::Value::Bool(on)) => (*on).into(),
        Some(backup::Value::Text(text)) => text.as_str().into(),
    }
}
