//! The store: what it holds, whether it can be written, which of its days were damaged or lost.

use std::path::Path;

use backup::{RecorderState, RecorderStats};
use serde::{Deserialize, Serialize};

use super::files::Files;
use super::level::Trouble;
use crate::advice;
use crate::documents::{Damaged, Lost};
use crate::moment::Moment;
use crate::settings::Settings;
use crate::words::{bytes, many};

/// The store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Store {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
    /// Free space on the store's disk.
    pub(crate) free_bytes: Option<u64>,
    /// Why nothing can be written, and since when.
    pub(crate) problem: Option<String>,
    /// Days whose files were damaged, until a restore has brought them back or the files are removed.
    pub(crate) damaged: Vec<Damaged>,
    /// Days whose files another program took away, until they are back.
    pub(crate) lost: Vec<Lost>,
    pub(crate) undo: Undo,
}

/// The steps that `undo` can take back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Undo {
    pub(crate) steps: u64,
    pub(crate) bytes: u64,
    /// There are more than are to be kept: no sound backup holds all of them.
    pub(crate) passes_limit: bool,
}

impl Undo {
    /// What lies in the store's folder. A step that cannot be read is told by `undo` itself.
    fn of_folder(store: &Path) -> Self {
        let room = backup::undo_room(store, &backup::UndoLimit::default()).unwrap_or_default();
        Self {
            steps: room.steps,
            bytes: room.bytes,
            passes_limit: room.passes_limit,
        }
    }
}

impl Store {
    pub(super) fn of_files(settings: &Settings, files: &Files) -> Self {
        let path = &settings.store.path;
        Self {
            path: path.display().to_string(),
            bytes: files.summary.bytes,
            from: files.summary.from_ms.map(Moment::at),
            to: files.summary.to_ms.map(Moment::at),
            free_bytes: free_bytes(path),
            problem: None,
            damaged: files.offers.damaged.clone(),
            lost: files.offers.lost.clone(),
            undo: Undo::of_folder(path),
        }
    }

    pub(super) fn of_recorder(settings: &Settings, files: &Files, stats: &RecorderStats) -> Self {
        Self {
            problem: problem(stats),
            ..Self::of_files(settings, files)
        }
    }

    /// The days that are lost, where recording goes on.
    pub(super) fn losses(&self) -> Option<Trouble> {
        let first = self.lost.first()?;
        let text = format!("Recording; {}", lost_offer(first, self.lost.len()));
        Some(Trouble::critical(text))
    }

    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let problem = self.problem.iter().map(|problem| {
            let text = format!("Not recording: {problem}");
            Trouble::critical(text)
        });
        let damaged = self.damaged.first().map(|first| {
            let text = format!("Recording; {}", offer(first, self.damaged.len()));
            Trouble::warning(text)
        });
        let undo = self.undo.passes_limit.then(|| {
            Trouble::warning(format!(
                "Recording; {} of undo take {} and stay until a sound backup holds all that is in them: `{}` lists them",
                many(self.undo.steps, "step"),
                bytes(self.undo.bytes),
                advice::command("undo --list")
            ))
        });
        problem.chain(damaged).chain(undo).collect()
    }
}

/// Why the recorder cannot write, if it cannot.
fn problem(stats: &RecorderStats) -> Option<String> {
    match &stats.state {
        RecorderState::Ok => None,
        RecorderState::Failing { reason, since_ms } => Some(format!(
            "{reason} (since {}); {} in memory",
            Moment::at(*since_ms).local(),
            many(stats.queued, "change")
        )),
        RecorderState::Stopped => Some("the recorder has stopped".to_owned()),
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Which day is lost first, what to do, and how many more there are.
fn lost_offer(lost: &Lost, all: usize) -> String {
    // A panel shows only the beginning.
    let what = format!("day {} is lost: another program removed its file", lost.day);
    let more = match all {
        0 | 1 => String::new(),
        _ => format!(" ({} more)", all - 1),
    };
    match &lost.command {
        Some(command) => format!("{what}; a proved backup brings it back: `{command}`{more}"),
        None => format!("{what}; no proved backup holds it{more}"),
    }
}

/// What happened to the first damaged day, what to do, and how many more there are.
fn offer(damaged: &Damaged, all: usize) -> String {
    let file = damaged.moved_to.file_name();
    let file = file.unwrap_or_default().to_string_lossy();
    // A panel shows only the beginning.
    let what = format!("day {} was damaged and is set aside", damaged.day);
    let more = match all {
        0 | 1 => String::new(),
        _ => format!("; {} more", all - 1),
    };
    match &damaged.command {
        Some(command) => {
            format!("{what}; a proved backup puts it back: `{command}` (the file is {file}{more})")
        }
        None => format!("{what}; no proved backup holds it (the file is {file}{more})"),
    }
}
