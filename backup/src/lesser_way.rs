//! What a disk cannot do that was asked of it, and what is done instead: said once in the log, and kept for whoever asks.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// All that this process met.
static MET: Mutex<BTreeSet<LesserWay>> = Mutex::new(BTreeSet::new());

/// A lesser way that is gone because a disk cannot do what is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LesserWay {
    /// The disk of this folder syncs no folders, so all of the disk is synced.
    WholeDiskSynced(PathBuf),
    /// The disk of this folder keeps no locks, so files with the holder's name stand for them.
    LockFiles(PathBuf),
}

impl fmt::Display for LesserWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LesserWay::WholeDiskSynced(folder) => write!(
                f,
                "{}: this disk cannot sync a folder, so the whole disk is synced instead, which takes longer",
                folder.display()
            ),
            LesserWay::LockFiles(folder) => write!(
                f,
                "{}: this disk keeps no locks, so files that name their holder stand for them; \
                 use this folder from one machine only",
                folder.display()
            ),
        }
    }
}

/// The lesser ways that this process has gone so far.
pub fn lesser_ways() -> Vec<LesserWay> {
    met(|met| met.iter().cloned().collect())
}

/// Whether this process has gone this way.
pub(crate) fn is_gone(way: &LesserWay) -> bool {
    met(|met| met.contains(way))
}

pub(crate) fn note(way: LesserWay) {
    let text = way.to_string();
    if met(|met| met.insert(way)) {
        tracing::warn!("{text}");
    }
}

fn met<T>(look: impl FnOnce(&mut BTreeSet<LesserWay>) -> T) -> T {
    look(&mut MET.lock().unwrap_or_else(PoisonError::into_inner))
}
