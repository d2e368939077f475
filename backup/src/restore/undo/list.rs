//! The undo steps of a store as people see them, each with what it would bring and drop.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::restore::steps::{self, Step};
use crate::restore::undo::difference;
use crate::store::day::Day;

/// What a restore or an undo replaced, and what taking it back would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoStep {
    /// Names it for [`crate::plan_undo`]; a later step has a higher one.
    pub number: u64,
    /// When it was left, Unix milliseconds.
    pub at_ms: i64,
    /// What would be taken back, in words.
    pub what: String,
    /// An undo takes this one where none is named.
    pub is_next: bool,
    /// The days whose files it keeps, oldest first.
    pub days: Vec<Day>,
    /// The room that it takes.
    pub bytes: u64,
    /// Events that would come back.
    pub events_gained: u64,
    /// Events that the restore brought and that would go again.
    pub events_lost: u64,
    /// Events that were recorded since in these days. They stay, unless the undo is forced.
    pub events_since: u64,
    /// What else one should know.
    pub notes: Vec<String>,
}

/// The steps that can be taken back, newest first. Reads the files and changes nothing.
///
/// # Errors
/// When a step's record cannot be read.
pub fn undo_steps(target: &Path) -> Result<Vec<UndoStep>> {
    let steps = steps::all(target)?;
    let next = steps::next(&steps).map(|step| step.number);
    let listed = steps.iter().map(|step| of_step(target, step, next));
    listed.collect()
}

/// What an undo would take back, if there is anything.
pub fn undo_available(target: &Path) -> Option<String> {
    let steps = steps::all(target).ok()?;
    Some(steps::next(&steps)?.record.what.clone())
}

/// The step of this number, or the one that is taken where none is named.
pub(super) fn chosen(target: &Path, number: Option<u64>) -> Result<Step> {
    let all = steps::all(target)?;
    let path = target.join(steps::STEPS);
    if all.is_empty() {
        return Err(Error::NothingToUndo { path });
    }
    let found = match number {
        None => steps::next(&all),
        Some(number) => all.iter().find(|step| step.number == number),
    };
    found.cloned().ok_or_else(|| {
        let numbers: Vec<String> = all.iter().map(|step| step.number.to_string()).collect();
        Error::Input {
            what: format!("undo step in {}", path.display()),
            found: number.unwrap_or_default().to_string(),
            expected: format!("one of {}", numbers.join(", ")),
        }
    })
}

/// A step with what taking it would do. A day that cannot be compared is told in the notes.
pub(super) fn of_step(target: &Path, step: &Step, next: Option<u64>) -> Result<UndoStep> {
    let mut told = UndoStep {
        number: step.number,
        at_ms: step.record.made_at_ms,
        what: step.record.what.clone(),
        is_next: next == Some(step.number),
        days: step.kept_days(target)?,
        bytes: step.bytes(target)?,
        events_gained: 0,
        events_lost: 0,
        events_since: 0,
        notes: Vec::new(),
    };
    for day in touched(target, step)? {
        match difference::of_day(target, step, day) {
            Ok(difference) => {
                told.events_gained += difference.gained;
                told.events_lost += difference.lost - difference.since;
                told.events_since += difference.since;
            }
            Err(error) => told.notes.push(format!(
                "what comes and goes of {day} cannot be counted: {error}"
            )),
        }
    }
    Ok(told)
}

/// The days whose live files a step would replace: those it keeps and those that its exchange brought in.
pub(super) fn touched(target: &Path, step: &Step) -> Result<BTreeSet<Day>> {
    let brought = step.record.days.iter().filter_map(|day| day.parse().ok());
    Ok(brought.chain(step.kept_days(target)?).collect())
}
