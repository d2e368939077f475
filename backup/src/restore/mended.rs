//! Damaged days that a restore brings back: the files that were moved aside go, and the gaps that tell of the loss get
//! shorter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::store::damaged::DamagedDay;
use crate::store::day::Day;
use crate::store::folder::Store;

/// A damaged day whose content comes back, up to its last event there, Unix milliseconds.
#[derive(Debug)]
pub(crate) struct Mended {
    damaged: DamagedDay,
    to_ms: Option<i64>,
}

/// The damaged days that the files in `folder` bring back. A day file that was begun after the damage brings nothing
/// back.
pub(crate) fn mended(target: &Path, folder: &Path, days: &BTreeSet<Day>) -> Result<Vec<Mended>> {
    let damaged = Store::open(target)?.damaged_days()?;
    let coming = Store::open(folder)?;
    let mend = |damaged: DamagedDay| {
        // An unreadable file (an undo may bring one back) repairs nothing.
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
pub(crate) fn names(mends: &[Mended]) -> Vec<String> {
    let files = mends.iter().flat_map(|mended| mended.damaged.files());
    let name = |file: PathBuf| Some(file.file_name()?.to_str()?.to_owned());
    files.filter_map(name).collect()
}

/// Shortens the gaps that tell of a damaged day: each now begins where the restored events end.
pub(crate) fn shorten_gaps(built: &Path, mends: &[Mended]) -> Result<()> {
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
