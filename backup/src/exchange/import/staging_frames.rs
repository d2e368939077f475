//! The gaps and keyframes of our own day files, waiting beside their events.

use rusqlite::params;

use crate::error::Result;
use crate::exchange::import::columns::Keyframe;
use crate::exchange::import::staging::Staging;
use crate::store::cell::{
    Cell, position_in, position_out, string_in, string_out, text_in, value_in, value_out,
};
use crate::store::change::Change;
use crate::store::day::Day;
use crate::store::event::Gap;
use crate::store::id::EventId;
use crate::store::names::SeriesId;

/// States handed to the store at a time, about.
const STATES: usize = 20_000;

/// A keyframe as a day file takes it.
pub(super) type Frame = (EventId, String, Vec<Change>);

impl Staging {
    pub(super) fn add_gap(&mut self, id: EventId, gap: &Gap) -> Result<()> {
        let sql = "INSERT INTO gaps (day, id, from_ms, to_ms, why) VALUES (?1, ?2, ?3, ?4, ?5)";
        let day = id.day().start_ms();
        self.conn
            .execute(sql, params![day, id.0, gap.from_ms, gap.to_ms, gap.why])
            .map_err(self.failed())?;
        Ok(())
    }

    pub(super) fn add_keyframe(&mut self, keyframe: Keyframe) -> Result<()> {
        let (id, day) = (keyframe.id, keyframe.id.day().start_ms());
        self.conn
            .execute(
                "INSERT OR REPLACE INTO keyframes (id, day, reason) VALUES (?1, ?2, ?3)",
                params![id.0, day, keyframe.reason],
            )
            .map_err(self.failed())?;
        for state in keyframe.states {
            let series = self.names.intern(state.series);
            let string = match state.string.as_deref() {
                Some(text) => text_in(text),
                None => string_in(&Cell::Absent),
            };
            let position = position_in(state.position.map_or(Cell::Absent, Cell::Stored));
            self.conn
                .prepare_cached("INSERT OR REPLACE INTO states VALUES (?1, ?2, ?3, ?4, ?5)")
                .and_then(|mut insert| {
                    let value = value_in(state.value.as_ref());
                    insert.execute(params![id.0, series.0, value, string, position])
                })
                .map_err(self.failed())?;
        }
        Ok(())
    }

    /// The gaps that came for a day.
    pub(super) fn gaps(&self, day: Day) -> Result<Vec<(EventId, Gap)>> {
        let mut query = self
            .conn
            .prepare("SELECT id, from_ms, to_ms, why FROM gaps WHERE day = ?1 ORDER BY id")
            .map_err(self.failed())?;
        let gaps = query
            .query_map([day.start_ms()], |row| {
                let (from_ms, to_ms, why) = (row.get(1)?, row.get(2)?, row.get(3)?);
                let gap = Gap {
                    from_ms,
                    to_ms,
                    why,
                };
                Ok((EventId(row.get(0)?), gap))
            })
            .map_err(self.failed())?;
        gaps.collect::<rusqlite::Result<_>>().map_err(self.failed())
    }

    /// Some of the day's keyframes after an id, in their order; none that lies within `own`, first and last id of what
    /// the store has of the day.
    pub(super) fn keyframes(
        &self,
        day: Day,
        after: i64,
        own: Option<(i64, i64)>,
    ) -> Result<Vec<Frame>> {
        // Without an own range, one that holds no id.
        let (first, last) = own.unwrap_or((i64::MAX, i64::MIN));
        let mut query = self
            .conn
            .prepare_cached(
                "SELECT id, reason FROM keyframes WHERE day = ?1 AND id > ?2 AND (id < ?3 OR id > ?4) ORDER BY id",
            )
            .map_err(self.failed())?;
        let mut rows = query
            .query(params![day.start_ms(), after, first, last])
            .map_err(self.failed())?;
        let (mut frames, mut states) = (Vec::new(), 0);
        while let Some(row) = rows.next().map_err(self.failed())? {
            let frame = || Ok((EventId(row.get(0)?), row.get(1)?));
            let (id, reason) = frame().map_err(self.failed())?;
            let known = self.states(id)?;
            states += known.len() + 1;
            frames.push((id, reason, known));
            if states >= STATES {
                break;
            }
        }
        Ok(frames)
    }

    fn states(&self, keyframe: EventId) -> Result<Vec<Change>> {
        let mut query = self
            .conn
            .prepare_cached(
                "SELECT series, value, string, position FROM states WHERE keyframe = ?1",
            )
            .map_err(self.failed())?;
        let states = query
            .query_map([keyframe.0], |row| {
                Ok(Change {
                    series: SeriesId(row.get(0)?),
                    value: value_out(row.get_ref(1)?),
                    string: match string_out(row.get_ref(2)?) {
                        Cell::Stored(text) => Some(text),
                        _ => None,
                    },
                    position: match position_out(row.get_ref(3)?) {
                        Cell::Stored(position) => Some(position),
                        _ => None,
                    },
                })
            })
            .map_err(self.failed())?;
        states
            .collect::<rusqlite::Result<_>>()
            .map_err(self.failed())
    }
}
