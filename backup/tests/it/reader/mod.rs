//! Reads an archive as `FORMAT.md` says and with nothing of the program: SQLite, gzip, JSON and SHA-256 alone.

mod days;
mod digest;
mod manifest;
mod record;
mod row;
mod segments;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(crate) use row::{Content, Row};

/// What an archive says that the newest state of its store is.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The backup that it stands on; none: there is no sound one.
    pub(crate) backup: Option<String>,
    /// All events by their ids.
    pub(crate) rows: BTreeMap<i64, Row>,
    /// Spans in which changes may have been missed: from, to, why.
    pub(crate) gaps: BTreeSet<(i64, i64, String)>,
    /// The days with a file, and the gaps of each by their ids: a later part may bring one anew.
    days: BTreeMap<String, BTreeMap<i64, (i64, i64, String)>>,
    /// What is not as it should be.
    pub(crate) found: Vec<String>,
}

/// Reads the newest sound backup of the archive's own store, and what was shipped on top of it.
pub(crate) fn read(archive: &Path) -> Reading {
    let mut reading = Reading::default();
    let own = manifest::owner(archive);
    let Some(newest) = manifest::newest(archive, own.as_deref(), &mut reading.found) else {
        return reading;
    };
    reading.backup = newest["id"].as_str().map(str::to_owned);
    for day in newest["days"].as_array().into_iter().flatten() {
        days::read(archive, day, &mut reading);
    }
    segments::read(archive, &newest, &mut reading);
    for (written, gaps) in &reading.days {
        // A lost day that is back is no gap.
        let stands = |why: &str| {
            let lost = lost_day(why);
            lost.is_none_or(|lost| lost == written || !reading.days.contains_key(lost))
        };
        let standing = gaps.values().filter(|(_, _, why)| stands(why));
        reading.gaps.extend(standing.cloned());
    }
    reading
}

/// The day whose file a gap says was removed or replaced.
fn lost_day(why: &str) -> Option<&str> {
    let file = [" was removed", " was replaced"].iter().find_map(|said| {
        let said = format!("{said} by another program");
        why.strip_suffix(said.as_str())
    })?;
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_prefix("events-")?.strip_suffix(".db")
}

/// The SHA-256 of some bytes in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
