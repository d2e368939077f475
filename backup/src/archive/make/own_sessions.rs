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
    let read = || {
        let mut text = String::new();
        let mut file = real::file_in(real::folder(store)?, FILE, OFlags::RDONLY)?;
        file.read_to_string(&mut text).map(|_| text)
    };
    let mut own: Vec<String> = read()
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default();
    let unwritten = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let of_store = unwritten.iter().filter(|(of, _)| of == store);
    own.extend(of_store.map(|(_, line)| line.clone()));
    let (archive, system) = (archive.to_string(), system_start());
    let (mut shipped_there, mut is_own) = (false, false);
    for line in own {
        let words: Vec<&str> = line.split(' ').collect();
        if let [of, number, id, run] = words[..]
            && of == archive
        {
            let later = number.parse().is_ok_and(|own: u64| session.number < own);
            shipped_there = true;
            is_own |= run == system && (id == session.id || later);
        }
    }
    shipped_there && !is_own
}

/// The same from one start of the system to the next.
fn system_start() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}
