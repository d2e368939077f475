//! What puts a damaged day back: the newest proved backup that holds what the day's file held, and what was shipped
//! after that backup.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::tail::Tail;
use super::{Archive, scratch};
use crate::damaged::DamagedDay;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::store::Store;

/// A damaged day and the way to have it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// The file that was moved aside.
    pub damaged: DamagedDay,
    /// The backup that brings its events back, and up to which moment, Unix milliseconds, together with the segments
    /// after it: the arguments of a restore that keeps what is newer. `None`: no proved backup holds the day.
    pub from: Option<(String, i64)>,
}

impl Archive {
    /// The damaged days of a store that no restore has brought back yet, each with the newest proved backup of what it
    /// held. Backups of the file that was begun in its place are none.
    ///
    /// # Errors
    /// When the store's or the archive's folder cannot be read.
    pub fn mends(&self, store: &Store) -> Result<Vec<Mend>> {
        let damaged = store.damaged_days()?;
        if damaged.is_empty() {
            return Ok(Vec::new());
        }
        let manifests = self.manifests()?;
        let mend = |damaged: DamagedDay| {
            let holding = manifests
                .iter()
                .map(|(manifest, _)| manifest)
                .find(|manifest| holds(manifest, &damaged) && self.info(manifest).verified);
            let from = holding.map(|manifest| {
                // Where segments cannot be read, what comes before them is still worth having.
                let shipped = Tail::of(&self.dir, manifest).and_then(Tail::readable);
                let shipped = shipped.unwrap_or_default();
                let shipped_to = shipped.covers_to_ms.map(|to| to.min(damaged.at_ms));
                (
                    manifest.id.clone(),
                    manifest.covers_to_ms.max(shipped_to.unwrap_or(i64::MIN)),
                )
            });
            Mend { damaged, from }
        };
        Ok(damaged.into_iter().map(mend).collect())
    }
}

/// Whether a backup has the day as it was before the damage: the file begun after it says so in a gap.
fn holds(manifest: &Manifest, damaged: &DamagedDay) -> bool {
    let name = damaged.day.to_string();
    let part = manifest.days.iter().find(|part| part.day == name);
    part.is_some_and(|part| {
        part.events > 0
            && !part
                .gaps
                .iter()
                .any(|gap| damaged.is_lost_in(gap.from_ms, &gap.why))
    })
}

/// A damaged day whose content comes back, up to its last event there, Unix milliseconds.
#[derive(Debug)]
pub(crate) struct Mended {
    damaged: DamagedDay,
    to_ms: Option<i64>,
}

/// The damaged days that are whole again once the days of `folder` are in the store: a day file that itself was begun
/// after the damage brings nothing back.
pub(super) fn mended(target: &Path, folder: &Path, days: &BTreeSet<Day>) -> Result<Vec<Mended>> {
    let damaged = Store::open(target)?.damaged_days()?;
    let coming = Store::open(folder)?;
    let mend = |damaged: DamagedDay| {
        // A file that cannot be read (an undo brings back what was there) mends nothing.
        let gaps = coming.day_gaps(damaged.day).ok()?;
        let to_ms = coming.day_summary(damaged.day).ok()?.to_ms;
        let begun_after = gaps
            .iter()
            .any(|gap| damaged.is_lost_in(gap.from_ms, &gap.why));
        (!begun_after).then_some(Mended { damaged, to_ms })
    };
    let mut of_days = damaged;
    of_days.retain(|damaged| days.contains(&damaged.day));
    Ok(of_days.into_iter().filter_map(mend).collect())
}

/// The names of their files, companions included.
pub(super) fn names(mends: &[Mended]) -> Vec<String> {
    let files = mends.iter().flat_map(|mended| mended.damaged.files());
    let name = |file: PathBuf| Some(file.file_name()?.to_str()?.to_owned());
    files.filter_map(name).collect()
}

/// The gaps of a built day that say of a damaged day that all of it is lost begin where what came back ends.
pub(super) fn shorten_gaps(built: &Path, mends: &[Mended]) -> Result<()> {
    if mends.is_empty() {
        return Ok(());
    }
    let conn = scratch::open(built)?;
    let failed = || Error::sqlite(built, "shorten its gaps");
    let gaps: Vec<(i64, String)> = conn
        .prepare("SELECT id, why FROM gaps")
        .and_then(|mut query| {
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .map_err(failed())?;
    for (id, why) in gaps {
        let mended = mends.iter().find(|mended| mended.damaged.explains(&why));
        if let Some(to_ms) = mended.and_then(|mended| mended.to_ms) {
            let sql = "UPDATE gaps SET from_ms = min(max(from_ms, ?2), to_ms) WHERE id = ?1";
            conn.execute(sql, [id, to_ms]).map_err(failed())?;
        }
    }
    Ok(())
}
