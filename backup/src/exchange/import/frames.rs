//! Gaps and keyframes into a day's file, so that the state at a moment is right after an import, too.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exchange::import::staging::Staging;
use crate::exchange::import::staging_frames::Frame;
use crate::exchange::import::target::Target;
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::event::Gap;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::names::Names;
use crate::store::reindex;
use crate::store::schema::open_reader;

/// First and last id of the changes and keyframes that the store has of a day; `None` where it has none.
pub(super) fn own_range(store: &Store, day: Day) -> Result<Option<(i64, i64)>> {
    let path = store.day_path(day);
    if !path.exists() {
        return Ok(None);
    }
    let range: (Option<i64>, Option<i64>) = open_reader(&path)?
        .query_row(
            "SELECT min(a), max(b) FROM (SELECT min(id) AS a, max(id) AS b FROM changes
             UNION ALL SELECT min(id), max(id) FROM keyframes)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(Error::sqlite(&path, "look for its ends"))?;
    Ok(range.0.zip(range.1))
}

/// Adds the gaps of a day that are not there yet, and the keyframes outside `own`, the span that the store had of the
/// day before the import. Inside it, a keyframe of another history would hide controls that it does not know. Gives the
/// number of gaps and keyframes.
pub(super) fn bring(
    target: &Target<'_>,
    staging: &Staging,
    names: &Arc<Names>,
    day: Day,
    own: Option<(i64, i64)>,
) -> Result<usize> {
    let store = Store::open(&target.dir)?;
    let mut gaps = staging.gaps(day)?;
    if store.day_path(day).exists() {
        let there = store.day_gaps(day)?;
        gaps.retain(|(_, gap)| !there.contains(gap));
    }
    let mut brought = 0;
    let mut after = i64::MIN;
    loop {
        let frames = staging.keyframes(day, after, own)?;
        let Some((last, ..)) = frames.last() else {
            break;
        };
        after = last.0;
        brought += frames.len();
        let names = Arc::clone(names);
        target.run(move |dir| put(dir, day, &names, Vec::new(), frames))??;
    }
    if !gaps.is_empty() {
        brought += gaps.len();
        let names = Arc::clone(names);
        target.run(move |dir| put(dir, day, &names, gaps, Vec::new()))??;
    }
    Ok(brought)
}

fn put(
    dir: &Path,
    day: Day,
    names: &Names,
    gaps: Vec<(EventId, Gap)>,
    frames: Vec<Frame>,
) -> Result<()> {
    reindex::defer(dir, day)?;
    let mut file = DayFile::open(dir, day, names)?;
    let path = file.path().to_path_buf();
    let mut run = || -> rusqlite::Result<()> {
        file.begin()?;
        for (id, gap) in &gaps {
            file.put_gap(*id, gap)?;
        }
        for (id, reason, states) in &frames {
            file.put_keyframe(names, *id, reason, states.iter())?;
        }
        file.commit()
    };
    let failed = || Error::sqlite(&path, "add the imported gaps and keyframes");
    run().map_err(failed())?;
    file.close().map_err(failed())
}
