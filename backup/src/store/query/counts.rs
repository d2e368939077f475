//! How often controls changed, minute by minute, for plots.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::error::Result;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::query::controls::matcher;
use crate::store::query::ids::each_id;
use crate::store::query::reader::DayReader;
use crate::store::stretches;

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
        let (low, high) = self.span(Some(since_ms), Some(until_ms))?;
        let days = EventId(low).day()..=EventId(high).day();
        let mut counts: BTreeMap<CompactString, BTreeMap<i64, u64>> = BTreeMap::new();
        for day in self.days()?.into_iter().filter(|day| days.contains(day)) {
            let reader = DayReader::open(&self.day_path(day))?;
            let wanted = reader.matching(globs.as_ref());
            let mut found = vec![Vec::new(); reader.series.len()];
            each_id(&reader, wanted.as_deref(), low, high, &mut |series, ids| {
                let known = usize::try_from(series).ok();
                if let Some(minutes) = known.and_then(|number| found.get_mut(number)) {
                    count(minutes, ids);
                }
            })
            .map_err(reader.failed())?;
            by_wall_time(&reader, low, high, &mut found).map_err(reader.failed())?;
            for (entry, minutes) in reader.series.iter().zip(found) {
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

/// Moves the events whose wall time is not that of their id into their own minutes.
fn by_wall_time(
    reader: &DayReader,
    low: i64,
    high: i64,
    found: &mut [Vec<(i64, u64)>],
) -> rusqlite::Result<()> {
    let minute = |ms: i64| ms.div_euclid(MINUTE_MS) * MINUTE_MS;
    let place_of =
        |minutes: &[(i64, u64)], ms| minutes.binary_search_by_key(&ms, |(minute, _)| *minute);
    stretches::each_late(&reader.conn, low, high, &mut |id, series, at_ms| {
        let (counted, own) = (minute(EventId(id).ms()), minute(at_ms));
        let known = usize::try_from(series).ok();
        let Some(minutes) = known.and_then(|number| found.get_mut(number)) else {
            return;
        };
        if let (true, Ok(place)) = (counted != own, place_of(minutes, counted)) {
            minutes[place].1 -= 1;
            if minutes[place].1 == 0 {
                minutes.remove(place);
            }
            match place_of(minutes, own) {
                Ok(place) => minutes[place].1 += 1,
                Err(place) => minutes.insert(place, (own, 1)),
            }
        }
    })
}

/// Ids of a series come in order, so the last minute is the one to count in, up to the first id of the next.
fn count(minutes: &mut Vec<(i64, u64)>, mut ids: &[i64]) {
    while let Some(first) = ids.first() {
        let minute = EventId(*first).ms().div_euclid(MINUTE_MS) * MINUTE_MS;
        let next = EventId::first_of_ms(minute + MINUTE_MS).0;
        let within = ids.iter().take_while(|id| **id < next).count();
        match minutes.last_mut() {
            Some((last, count)) if *last == minute => *count += within as u64,
            _ => minutes.push((minute, within as u64)),
        }
        ids = &ids[within..];
    }
}
