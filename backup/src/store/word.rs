//! The recorder's word: up to which moment the room was seen and what was seen is committed.

use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _};

use crate::store::stretches::STEP_MS;

/// What the record vouches for. The clock alone moves none of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vouched {
    /// All that happened up to here is recorded, save in the gaps; Unix milliseconds. `None` where nothing is recorded.
    pub until_ms: Option<i64>,
    /// A gap that has not ended.
    pub open_gap: Option<OpenGap>,
}

/// Since when nothing is recorded, until something is again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenGap {
    /// Up to here nothing was missed, Unix milliseconds.
    pub from_ms: i64,
    /// Why.
    pub why: String,
}

/// A running recorder's word, for all who ask. Only its writer thread gives it.
#[derive(Debug, Default)]
pub(crate) struct Word(Mutex<Vouched>);

impl Word {
    pub(crate) fn give(&self, vouched: Vouched) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = vouched;
    }

    pub(crate) fn now(&self) -> Vouched {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.clone()
    }
}

/// Where the record of a day file ends, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RecordEnd {
    /// The last thing recorded.
    pub(crate) last_ms: Option<i64>,
    /// The recorder's last sign of life.
    pub(crate) alive_ms: Option<i64>,
}

impl RecordEnd {
    /// What a day file says of it.
    pub(crate) fn of(conn: &Connection) -> rusqlite::Result<RecordEnd> {
        let number = |key: &str| -> rusqlite::Result<Option<i64>> {
            let sql = "SELECT value FROM meta WHERE key = ?1 AND typeof(value) = 'integer'";
            conn.query_row(sql, [key], |row| row.get(0)).optional()
        };
        let (alive_ms, stopped) = (number("alive_ms")?, number("stopped")? == Some(1));
        let last: Option<i64> = conn.query_row(
            "SELECT max(id) >> 12 FROM (SELECT max(id) AS id FROM changes
             UNION ALL SELECT max(id) FROM keyframes UNION ALL SELECT max(id) FROM gaps)",
            [],
            |row| row.get(0),
        )?;
        let event: Option<(i64, i64)> = conn
            .query_row(
                "SELECT id >> 12, coalesce(at, id >> 12) FROM changes ORDER BY id DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        // Where the clock was set back, the last id is later than what it names.
        let late = event.filter(|(id_ms, at_ms)| id_ms - at_ms > STEP_MS);
        Ok(match late {
            Some(_) if stopped && alive_ms.is_some() => RecordEnd {
                last_ms: None,
                alive_ms,
            },
            Some((_, at_ms)) => RecordEnd {
                last_ms: Some(at_ms),
                alive_ms: None,
            },
            None => RecordEnd {
                last_ms: last,
                alive_ms,
            },
        })
    }

    /// The later of both.
    pub(crate) fn ms(self) -> Option<i64> {
        self.last_ms.max(self.alive_ms)
    }
}
