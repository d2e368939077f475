//! How often controls changed, minute by minute, for plots.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::matcher;
use super::reader::DayReader;
use crate::error::Result;
use crate::id::EventId;
use crate::postings;
use crate::store::Store;

const MINUTE_MS: i64 = 60_000;

/// How often one control changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlCounts {
    /// The control's path.
    pub path: CompactString,
    /// Minutes with changes: the minute's first Unix millisecond and the number of changes, in order of time.
    pub minutes: Vec<(i64, u64)>,
}

impl Store {
    /// Changes per control and minute in `since_ms..=until_ms`, by path. Read from the postings, not from the
    /// events, wherever a block is complete.
    ///
    /// # Errors
    /// When a glob is malformed or a day file cannot be read.
    pub fn counts_per_minute(
        &self,
        controls: &[String],
        since_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<ControlCounts>> {
        let globs = matcher(controls)?;
        let (low, high) = (
            EventId::first_of_ms(since_ms),
            EventId::last_of_ms(until_ms),
        );
        let mut counts: BTreeMap<CompactString, BTreeMap<i64, u64>> = BTreeMap::new();
        for day in self
            .days()?
            .into_iter()
            .filter(|day| (low.day()..=high.day()).contains(day))
        {
            let reader = DayReader::open(&self.day_path(day))?;
            let wanted = reader.matching(globs.as_ref());
            let mut ids = vec![Vec::new(); reader.series.len()];
            gather(
                &reader,
                wanted.as_deref(),
                low.0,
                high.0,
                &mut |series, id| {
                    if let Some(minutes) = usize::try_from(series)
                        .ok()
                        .and_then(|number| ids.get_mut(number))
                    {
                        count(minutes, EventId(id).ms().div_euclid(MINUTE_MS) * MINUTE_MS);
                    }
                },
            )
            .map_err(reader.failed())?;
            for (entry, minutes) in reader.series.iter().zip(ids) {
                let Some(entry) = entry else { continue };
                if !minutes.is_empty() {
                    let sum = counts.entry(entry.series.path.clone()).or_default();
                    for (minute, count) in minutes {
                        *sum.entry(minute).or_default() += count;
                    }
                }
            }
        }
        let flat = |(path, minutes): (CompactString, BTreeMap<i64, u64>)| ControlCounts {
            path,
            minutes: minutes.into_iter().collect(),
        };
        Ok(counts.into_iter().map(flat).collect())
    }
}

/// Ids of a series come in order, so the last minute is the one to count in.
fn count(minutes: &mut Vec<(i64, u64)>, minute: i64) {
    match minutes.last_mut() {
        Some((last, count)) if *last == minute => *count += 1,
        _ => minutes.push((minute, 1)),
    }
}

fn gather(
    reader: &DayReader,
    wanted: Option<&[i64]>,
    low: i64,
    high: i64,
    note: &mut dyn FnMut(i64, i64),
) -> rusqlite::Result<()> {
    let is_wanted = |series: i64| wanted.is_none_or(|wanted| wanted.binary_search(&series).is_ok());
    let mut loose = reader
        .conn
        .prepare("SELECT id, series FROM changes WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut take_loose =
        |from: i64, to: i64, note: &mut dyn FnMut(i64, i64)| -> rusqlite::Result<()> {
            let mut rows = loose.query([from, to])?;
            while let Some(row) = rows.next()? {
                let series = row.get(1)?;
                if is_wanted(series) {
                    note(series, row.get(0)?);
                }
            }
            Ok(())
        };
    let mut blocks = reader.conn.prepare(
        "SELECT first, last FROM blocks WHERE last >= ?1 AND first <= ?2 ORDER BY first",
    )?;
    let mut postings = reader
        .conn
        .prepare("SELECT series, ids FROM postings WHERE block = ?1")?;
    let (mut from, mut ids) = (low, Vec::new());
    let mut found = blocks.query([low, high])?;
    while let Some(block) = found.next()? {
        let (first, last): (i64, i64) = (block.get(0)?, block.get(1)?);
        if from < first {
            take_loose(from, first - 1, note)?;
        }
        let mut rows = postings.query([first])?;
        while let Some(row) = rows.next()? {
            let series = row.get(0)?;
            if is_wanted(series) {
                ids.clear();
                if postings::unpack(first, row.get_ref(1)?.as_blob()?, &mut ids).is_some() {
                    ids.iter()
                        .filter(|id| (low..=high).contains(*id))
                        .for_each(|id| note(series, *id));
                }
            }
        }
        from = last.saturating_add(1);
    }
    if from <= high {
        take_loose(from, high, note)
    } else {
        Ok(())
    }
}
