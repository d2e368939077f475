//! The state of all controls at a moment: the keyframe before it and the changes since.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;
use rusqlite::OptionalExtension;

use crate::error::{Error, Result};
use crate::store::event::{Gap, Series};
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::moment::{At, Cut};
use crate::store::query::ids::each_id;
use crate::store::query::reader::{DayReader, content};
use crate::store::value::Value;

/// One control's content at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlState {
    /// Which control.
    pub series: Arc<Series>,
    /// Its value.
    pub value: Option<Value>,
    /// Its text.
    pub string: Option<CompactString>,
    /// Its position.
    pub position: Option<f64>,
    /// The change that brought it here; `None` when it is known from a keyframe alone.
    pub changed: Option<EventId>,
    /// Wall time of that change, Unix milliseconds.
    pub changed_ms: Option<i64>,
}

/// All controls at a moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The moment, Unix milliseconds.
    pub at_ms: i64,
    /// When the full state was last read before the moment; `None` when only single changes are known.
    pub keyframe_ms: Option<i64>,
    keyframe: Option<EventId>,
    /// Every control that is known, by path.
    pub controls: Vec<ControlState>,
    /// Gaps between the keyframe and the moment: changes in them may be missing here.
    pub gaps: Vec<Gap>,
}

impl Store {
    /// The state of all controls at the end of a millisecond; what a moment means, and whether it happened more than
    /// once, says [`Store::repeated`].
    ///
    /// # Errors
    /// When a day file cannot be read, or the moment did not happen as often as asked.
    pub fn state_at(&self, at: impl Into<At>) -> Result<State> {
        let cut = self.cut(at.into())?;
        let mut state = self.state_until(cut.until)?;
        state.at_ms = cut.at_ms;
        state.gaps = match state.keyframe {
            // A gap that ended right at the keyframe is healed by it.
            Some(keyframe) => self.gaps_after(keyframe, &cut)?,
            None => Vec::new(),
        };
        Ok(state)
    }

    /// The gaps after a keyframe that began before a moment.
    fn gaps_after(&self, keyframe: EventId, cut: &Cut) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        let days = self.days()?;
        for &day in days.iter().filter(|day| **day >= keyframe.day()) {
            let path = self.day_path(day);
            let conn = self.day_reader(day)?;
            let failed = || Error::sqlite(&path, "read its gaps");
            // Of those written after the moment, the one that holds it.
            let mut query = conn
                .prepare(
                    "SELECT from_ms, to_ms, why FROM gaps
                     WHERE id > ?1 AND (id <= ?2 OR from_ms <= ?3 AND to_ms >= ?3) ORDER BY id",
                )
                .map_err(failed())?;
            let rows = query
                .query_map([keyframe.0, cut.until.0, cut.at_ms], |row| {
                    Ok(Gap {
                        from_ms: row.get(0)?,
                        to_ms: row.get(1)?,
                        why: row.get(2)?,
                    })
                })
                .map_err(failed())?;
            for gap in rows {
                let gap = gap.map_err(failed())?;
                gaps.extend(Some(gap).filter(|gap| gap.stands(day, &days)));
            }
        }
        gaps.sort_by_key(|gap| (gap.from_ms, gap.to_ms));
        Ok(gaps)
    }

    /// The state after the change with this id. Its gaps are not looked up.
    pub(crate) fn state_until(&self, until: EventId) -> Result<State> {
        let mut found = Found::default();
        // From the moment back to the first day file with a keyframe; then forward again from there.
        let mut readers = Vec::new();
        for day in self
            .days()?
            .into_iter()
            .rev()
            .filter(|day| *day <= until.day())
        {
            let reader = DayReader::open(&self.day_path(day))?;
            let keyframe = found
                .keyframe_before(&reader, until)
                .map_err(reader.failed())?;
            readers.push(day);
            if let Some(keyframe) = keyframe {
                found
                    .take_keyframe(&reader, keyframe)
                    .map_err(reader.failed())?;
                break;
            }
        }
        let from = found.keyframe.unwrap_or(EventId(0));
        for day in readers.into_iter().rev() {
            let reader = DayReader::open(&self.day_path(day))?;
            found
                .take_changes(&reader, from, until)
                .map_err(reader.failed())?;
        }
        let mut controls: Vec<ControlState> = found.controls.into_values().collect();
        controls.sort_unstable_by(|a, b| a.series.path.cmp(&b.series.path));
        Ok(State {
            at_ms: until.ms(),
            keyframe_ms: found.keyframe.map(EventId::ms),
            keyframe: found.keyframe,
            controls,
            gaps: Vec::new(),
        })
    }
}

#[derive(Default)]
struct Found {
    keyframe: Option<EventId>,
    controls: HashMap<CompactString, ControlState>,
}

impl Found {
    fn keyframe_before(
        &self,
        reader: &DayReader,
        until: EventId,
    ) -> rusqlite::Result<Option<EventId>> {
        let newest = "SELECT id FROM keyframes WHERE id <= ?1 ORDER BY id DESC LIMIT 1";
        let id: Option<i64> = reader
            .conn
            .query_row(newest, [until.0], |row| row.get(0))
            .optional()?;
        Ok(id.map(EventId))
    }

    fn take_keyframe(&mut self, reader: &DayReader, keyframe: EventId) -> rusqlite::Result<()> {
        self.keyframe = Some(keyframe);
        let mut query = reader.conn.prepare(
            "SELECT series, value, string, position FROM keyframe_states WHERE keyframe = ?1",
        )?;
        let mut rows = query.query([keyframe.0])?;
        while let Some(row) = rows.next()? {
            let Some(entry) = reader.series(row.get(0)?) else {
                continue;
            };
            let (value, string, position) = content(entry, row, 1)?;
            let state = ControlState {
                series: entry.series.clone(),
                value,
                string,
                position,
                changed: None,
                changed_ms: None,
            };
            self.controls.insert(entry.series.path.clone(), state);
        }
        Ok(())
    }

    /// Takes the last change of each series in the span. First the ids alone, mostly from postings; then only the
    /// changes that count.
    fn take_changes(
        &mut self,
        reader: &DayReader,
        from: EventId,
        until: EventId,
    ) -> rusqlite::Result<()> {
        let mut last = vec![-1i64; reader.series.len()];
        each_id(reader, None, from.0, until.0, &mut |series, ids| {
            let known = usize::try_from(series).ok();
            if let Some(last) = known.and_then(|number| last.get_mut(number)) {
                *last = ids.last().map_or(*last, |id| (*last).max(*id));
            }
        })?;
        last.retain(|id| *id >= 0);
        last.sort_unstable();
        let mut query = reader
            .conn
            .prepare("SELECT series, value, string, position, coalesce(at, id >> 12) FROM changes WHERE id = ?1")?;
        for id in last {
            let mut rows = query.query([id])?;
            let Some(row) = rows.next()? else { continue };
            let Some(entry) = reader.series(row.get(0)?) else {
                continue;
            };
            let (value, string, position) = content(entry, row, 1)?;
            let (changed, changed_ms) = (Some(EventId(id)), Some(row.get(4)?));
            let state = ControlState {
                series: entry.series.clone(),
                value,
                string,
                position,
                changed,
                changed_ms,
            };
            self.controls.insert(entry.series.path.clone(), state);
        }
        Ok(())
    }
}
