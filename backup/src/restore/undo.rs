//! Taking the last restore back.

use std::collections::BTreeSet;
use std::path::Path;

use crate::disk::{companions, draft, lock, plain, space};
use crate::error::{Error, Result};
use crate::restore::mended;
use crate::restore::swap::{
    Swap, UNDO, UNDO_FILES, UNDO_RECORD, UndoRecord, finish_locked, read_json, run,
};
use crate::store::day::Day;

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoReport {
    /// What was taken back, in words.
    pub undone: String,
    /// The days whose files are as they were before.
    pub days: Vec<Day>,
}

/// Takes the last restore back: the files it replaced return, and what is there now is kept for another undo.
///
/// The caller guarantees that nobody has the target's databases open for writing, as for a restore.
///
/// # Errors
/// When there is nothing to take back, or a file cannot be renamed; the store is then as it was.
pub fn undo(target: &Path) -> Result<UndoReport> {
    take_back(target).map_err(space::told)
}

fn take_back(target: &Path) -> Result<UndoReport> {
    let _lock = lock::restorer(target)?;
    finish_locked(target)?;
    let record_path = target.join(UNDO).join(UNDO_RECORD);
    if !record_path.exists() {
        return Err(Error::NothingToUndo {
            path: target.join(UNDO),
        });
    }
    let record: UndoRecord = read_json(&record_path)?;
    let mut days: BTreeSet<Day> = record
        .days
        .iter()
        .filter_map(|day| day.parse().ok())
        .collect();
    let returning: Vec<Day> = draft::entries(&target.join(UNDO_FILES))?
        .iter()
        .filter_map(|name| Day::from_file_name(name))
        .collect();
    days.extend(&returning);
    let undone = record.what;
    // Undoing an undo makes the restore again.
    let what = match undone.strip_prefix("undo of ") {
        Some(restore) => restore.to_owned(),
        None => format!("undo of {undone}"),
    };
    fold_logs(target, &returning);
    let mends = mended::mended(
        target,
        &target.join(UNDO_FILES),
        &returning.iter().copied().collect(),
    )?;
    run(Swap {
        target,
        from: UNDO_FILES,
        days: &days,
        mends: &mends,
        what: &what,
        identity: record.identity.as_ref(),
    })?;
    Ok(UndoReport {
        undone,
        days: returning,
    })
}

/// What the last restore was, if [`undo`] can take it back.
pub fn undo_available(target: &Path) -> Option<String> {
    let record: UndoRecord = read_json(&target.join(UNDO).join(UNDO_RECORD)).ok()?;
    Some(record.what)
}

/// Folds each kept file's log into it where possible. A damaged file, which may be why the restore was made, returns
/// with its companions as it was.
fn fold_logs(target: &Path, days: &[Day]) {
    for day in days {
        let path = target.join(UNDO_FILES).join(day.file_name());
        if !companions::belong_to(&path) {
            continue;
        }
        let folded = rusqlite::Connection::open(&path)
            .map_err(Error::sqlite(&path, "open the kept day"))
            .and_then(|conn| plain::make(&conn, &path))
            .and_then(|()| draft::sync_file(&path));
        if let Err(error) = folded {
            tracing::warn!(%error, "a kept day returns with its log beside it");
        }
    }
}
