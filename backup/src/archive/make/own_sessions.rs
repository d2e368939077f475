//! The sessions of shipping that a store began itself: of any other one somebody else is at work, be it a clone of the machine.
//!
//! `.sessions` in the store's folder has a line for each. A clone may have the lines, too, but not the system's start that
//! they name.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;

use crate::archive::format::owner::{ArchiveId, Session};
use crate::disk::{lines, real};

const FILE: &str = ".sessions";

/// What this process began and could not write down: the store's folder and the line.
static UNWRITTEN: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());

/// The ids of those that this process began for a backup, and not to ship.
static FOR_BACKUPS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes a session that begins for a backup alone.
pub(super) fn note_for_backup(store: &Path, archive: &ArchiveId, session: &Session) {
    note(store, archive, session);
    let mut begun = FOR_BACKUPS.lock().unwrap_or_else(PoisonError::into_inner);
    begun.push(session.id.clone());
}

/// Whether this process began a session for a backup: whoever ships here may go on.
pub(super) fn is_for_backup(session: &Session) -> bool {
    let begun = FOR_BACKUPS.lock().unwrap_or_else(PoisonError::into_inner);
    begun.contains(&session.id)
}

/// Notes that a session of an archive is this store's.
pub(super) fn note(store: &Path, archive: &ArchiveId, session: &Session) {
    let (number, id) = (session.number, &session.id);
    let line = format!("{archive} {number} {id} {}", system_start());
    if let Err(error) = lines::append(store, FILE, &format!("{line}\n")) {
        tracing::warn!(%error, "that this store ships could not be noted beside it");
        let mut unwritten = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.push((store.to_path_buf(), line));
    }
}

/// Whether a session of an archive is somebody else's: the store has shipped there, and did not begin that session in this
/// run of the system, nor a later one. A session before an own one is that of an older copy of the archive. Of a store that
/// knows of no session there nothing is said.
pub(super) fn is_foreign(store: &Path, archive: &ArchiveId, session: &Session) -> bool {
    let system = system_start();
    let own = own(store, archive);
    let mut of_this_run = own.iter().filter(|(.., run)| *run == system);
    let is_own = of_this_run.any(|(number, id, _)| *id == session.id || session.number < *number);
    !own.is_empty() && !is_own
}

/// The same whatever run of the system the store began it in: then what the archive holds may be another one's.
pub(super) fn is_unknown(store: &Path, archive: &ArchiveId, session: &Session) -> bool {
    let own = own(store, archive);
    let mut known = own.iter();
    let is_own = known.any(|(number, id, _)| *id == session.id || session.number < *number);
    !own.is_empty() && !is_own
}

/// Number, id and run of the system of each session that a store began in an archive.
fn own(store: &Path, archive: &ArchiveId) -> Vec<(u64, String, String)> {
    let read = || {
        let mut text = String::new();
        let mut file = real::file_in(real::folder(store)?, FILE, OFlags::RDONLY)?;
        file.read_to_string(&mut text).map(|_| text)
    };
    let text = read().unwrap_or_default();
    let unwritten = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let of_store = unwritten.iter().filter(|(of, _)| of == store);
    let lines = text.lines().chain(of_store.map(|(_, line)| line.as_str()));
    let archive = archive.to_string();
    let session = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [of, number, id, run] = words[..] else {
            return None;
        };
        let number = number.parse().ok()?;
        (of == archive).then(|| (number, id.to_owned(), run.to_owned()))
    };
    lines.filter_map(session).collect()
}

/// The same from one start of the system to the next.
fn system_start() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}
