//! The undo steps of a store: what each restore and each undo replaced lies in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{companions, draft, fault};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::day::Day;
use crate::store::identity::Identity;

/// Where the steps are, below the store's folder.
pub(super) const STEPS: &str = ".undo";
/// Where a step's files go until the exchange is done.
pub(super) const NEXT: &str = ".undo-next";
/// A step that is being removed: under this name it is none any more.
const GONE: &str = ".undo-gone";
/// The same in programs with one step alone.
const OLD: &str = ".undo-old";
const RECORD: &str = "undo.json";
const FILES: &str = "files";
pub(super) const UNDO_OF: &str = "undo of ";

/// The next step where a record cannot be used.
pub(super) const ASIDE: &str = "move the folder aside to go on without it";

/// What is known of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) format: u32,
    pub(super) what: String,
    pub(super) made_at_ms: i64,
    /// The days that the exchange brought in: an undo takes them away again.
    pub(super) days: Vec<String>,
    /// What it brought in of each day. Later rows were recorded since.
    #[serde(default)]
    pub(super) brought: Option<Vec<Brought>>,
    /// Whose record went, where another store's came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<Identity>,
}

/// A day as an exchange brought it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Brought {
    pub(super) day: String,
    pub(super) events: u64,
    pub(super) to_id: Option<i64>,
}

/// One step.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) number: u64,
    pub(super) record: Record,
}

impl Step {
    /// Where its files are, below the store's folder.
    pub(super) fn files(&self) -> String {
        format!("{}/{FILES}", folder(self.number))
    }

    /// The days whose files it holds, oldest first.
    pub(super) fn kept_days(&self, target: &Path) -> Result<Vec<Day>> {
        let names = draft::entries(&target.join(self.files()))?;
        let mut days: Vec<Day> = names
            .iter()
            .filter_map(|name| Day::from_file_name(name))
            .collect();
        days.sort_unstable();
        Ok(days)
    }

    /// Where it keeps a day's file, if it has one.
    pub(super) fn kept(&self, target: &Path, day: Day) -> Option<PathBuf> {
        let path = target.join(self.files()).join(day.file_name());
        path.exists().then_some(path)
    }

    /// The room that its files take.
    pub(super) fn bytes(&self, target: &Path) -> Result<u64> {
        let folder = target.join(self.files());
        let names = draft::entries(&folder)?.into_iter();
        let names = names.filter(|name| !companions::is_index(name));
        let size = |name| folder.join(name).metadata().map_or(0, |meta| meta.len());
        Ok(names.map(size).sum())
    }

    /// Whether an undo left it: taking it makes a restore again.
    pub(super) fn is_of_undo(&self) -> bool {
        self.record.what.starts_with(UNDO_OF)
    }

    /// What the step is called that taking this one leaves.
    pub(super) fn inverse(&self) -> String {
        match self.record.what.strip_prefix(UNDO_OF) {
            Some(restore) => restore.to_owned(),
            None => format!("{UNDO_OF}{}", self.record.what),
        }
    }
}

/// Where a step is, below the store's folder. Programs with one step alone left it in the folder of all steps.
pub(super) fn folder(number: u64) -> String {
    match number {
        0 => STEPS.to_owned(),
        _ => format!("{STEPS}/{number}"),
    }
}

/// All steps, newest first.
pub(super) fn all(target: &Path) -> Result<Vec<Step>> {
    let mut numbers = numbers(target)?;
    numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
    let step = |number| {
        let record = read_json(&target.join(folder(number)).join(RECORD))?;
        Ok(Step { number, record })
    };
    numbers.into_iter().map(step).collect()
}

/// The step that an undo takes where none is named: the newest restore; after all restores were taken back, the last
/// undo.
pub(super) fn next(steps: &[Step]) -> Option<&Step> {
    let restore = steps.iter().find(|step| !step.is_of_undo());
    restore.or(steps.first())
}

/// The number of the next step: above all that are in use.
pub(super) fn free_number(target: &Path) -> Result<u64> {
    let highest = numbers(target)?.into_iter().max();
    Ok(highest.map_or(1, |highest| highest.saturating_add(1)))
}

fn numbers(target: &Path) -> Result<Vec<u64>> {
    let has_record = |number: &u64| target.join(folder(*number)).join(RECORD).exists();
    let names = draft::entries(&target.join(STEPS))?;
    let numbered = names.iter().filter_map(|name| number_of(name));
    Ok(numbered.chain([0]).filter(has_record).collect())
}

/// Only the one spelling, so that no two folders are the same step.
fn number_of(name: &str) -> Option<u64> {
    let number: u64 = name.parse().ok()?;
    (number > 0 && number.to_string() == name).then_some(number)
}

/// Removes a step: at once none any more, whatever happens then.
pub(super) fn remove(target: &Path, number: u64) -> Result<()> {
    let gone = target.join(GONE);
    remove_folder(&gone)?;
    let step = target.join(folder(number));
    if number == 0 {
        let record = step.join(RECORD);
        if record.exists() {
            fault::step()
                .and_then(|()| fs::remove_file(&record))
                .map_err(Error::io(&record, "remove the undo step"))?;
            draft::sync_folder(&step)?;
        }
        return remove_folder(&step.join(FILES));
    }
    if step.exists() {
        rename(&step, &gone)?;
        draft::sync_folder(target)?;
    }
    remove_folder(&gone)
}

/// Makes the step that was prepared the newest one.
pub(super) fn add(target: &Path) -> Result<()> {
    draft::create_folder(&target.join(STEPS))?;
    rename(
        &target.join(NEXT),
        &target.join(folder(free_number(target)?)),
    )?;
    draft::sync_folder(&target.join(STEPS))?;
    draft::sync_folder(target)
}

/// Removes what an interruption left beside the steps.
pub(super) fn tidy(target: &Path) -> Result<()> {
    for folder in [NEXT, GONE, OLD] {
        remove_folder(&target.join(folder))?;
    }
    // Files without a record are what is left of the only step of an older program.
    let only = target.join(STEPS);
    if !only.join(RECORD).exists() {
        remove_folder(&only.join(FILES))?;
    }
    Ok(())
}

/// Whether [`tidy`] has anything to do.
pub(super) fn is_tidy(target: &Path) -> bool {
    let only = target.join(STEPS);
    let headless = only.join(FILES).exists() && !only.join(RECORD).exists();
    !headless
        && ![NEXT, GONE, OLD]
            .iter()
            .any(|left| target.join(left).exists())
}

/// The day of a day file or of one of its companions.
pub(super) fn day_of(name: &str) -> Option<Day> {
    Day::from_file_name(companions::database_of(name))
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    fault::step()
        .and_then(|()| fs::rename(from, to))
        .map_err(Error::io(from, "rename the folder"))
}

pub(super) fn remove_folder(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    match fault::step().and_then(|()| fs::remove_dir_all(path)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(path, "remove the folder")(error))
        }
        _ => Ok(()),
    }
}

/// Begins the next step: a folder for its files, and its record.
pub(super) fn prepare(target: &Path, record: &Record) -> Result<()> {
    let next = target.join(NEXT);
    remove_folder(&next)?;
    draft::create_folder(&next.join(FILES))?;
    write_json(&next, RECORD, record)
}

pub(super) fn write_json(folder: &Path, name: &str, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain data");
    text.push(b'\n');
    draft::write_whole(folder, name, &text).map(drop)
}

pub(super) fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).map_err(Error::io(path, "read the record"))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Finding::new(path, "altered")
            .expected("a record of a restore")
            .found(format!("what is no such record ({error})"))
            .hint(ASIDE)
            .into()
    })
}
