//! Damaged and lost days that a restore brings back: the files that were moved aside go, and the gaps that tell of the loss
//! get shorter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::store::damaged::DamagedDay;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::lost;

/// A day whose content comes back, up to its last event there, Unix milliseconds.
#[derive(Debug)]
pub(crate) struct Mended {
    was: Was,
    to_ms: Option<i64>,
}

/// What had become of it.
#[derive(Debug)]
enum Was {
    Damaged(DamagedDay),
    /// Its file was taken away, and begun again.
    Lost(Day),
}

impl Was {
    fn day(&self) -> Day {
        match self {
            Was::Damaged(damaged) => damaged.day,
            Was::Lost(day) => *day,
        }
    }

    /// Whether a gap is the one that tells of it.
    fn explains(&self, why: &str) -> bool {
        match self {
            Was::Damaged(damaged) => damaged.explains(why),
            Was::Lost(day) => lost::lost_day(why) == Some(*day),
        }
    }

    /// Whether a gap says that all of the day before it is missing.
    fn is_lost_in(&self, from_ms: i64, why: &str) -> bool {
        from_ms <= self.day().start_ms() && self.explains(why)
    }
}

/// The damaged and lost days that the files in `folder` bring back. A day file that was begun after the damage or the
/// loss brings nothing back.
pub(crate) fn mended(target: &Path, folder: &Path, days: &BTreeSet<Day>) -> Result<Vec<Mended>> {
    let (live, coming) = (Store::open(target)?, Store::open(folder)?);
    let damaged = live.damaged_days()?.into_iter().map(Was::Damaged);
    // A live file that cannot be read tells of nothing.
    let begun_again = |day: &Day| {
        let gaps = live.day_gaps(*day).ok()?;
        let was = Was::Lost(*day);
        let told = gaps.iter().any(|gap| was.is_lost_in(gap.from_ms, &gap.why));
        told.then_some(was)
    };
    let there = days.iter().filter(|day| live.day_path(**day).exists());
    let was: Vec<Was> = damaged.chain(there.filter_map(begun_again)).collect();
    let mend = |was: Was| {
        // An unreadable file (an undo may bring one back) repairs nothing.
        let gaps = coming.day_gaps(was.day()).ok()?;
        let to_ms = coming.day_summary(was.day()).ok()?.to_ms;
        let begun_after = gaps.iter().any(|gap| was.is_lost_in(gap.from_ms, &gap.why));
        (!begun_after).then_some(Mended { was, to_ms })
    };
    let of_days = was.into_iter().filter(|was| days.contains(&was.day()));
    Ok(of_days.filter_map(mend).collect())
}

/// The names of the files that were moved aside, companions included.
pub(crate) fn names(mends: &[Mended]) -> Vec<String> {
    let files = mends.iter().flat_map(|mended| match &mended.was {
        Was::Damaged(damaged) => damaged.files().collect(),
        Was::Lost(_) => Vec::new(),
    });
    let name = |file: PathBuf| Some(file.file_name()?.to_str()?.to_owned());
    files.filter_map(name).collect()
}

/// Shortens the gaps that tell of a damaged or lost day: each now begins where the restored events end.
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
        let mended = mends.iter().find(|mended| mended.was.explains(&why));
        if let Some(to_ms) = mended.and_then(|mended| mended.to_ms) {
            let sql = "UPDATE gaps SET from_ms = min(max(from_ms, ?2), to_ms) WHERE id = ?1";
            conn.execute(sql, [id, to_ms]).map_err(failed())?;
        }
    }
    Ok(())
}
