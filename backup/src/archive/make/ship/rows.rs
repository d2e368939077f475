//! The rows of a record in the making: their text, and the series that they are of.

use hashbrown::{HashMap, HashSet};
use rusqlite::Row;

use crate::archive::format::segment::rows::{push_json, push_value};
use crate::archive::make::ship::dictionary::{Dictionary, Key};
use crate::store::cell::StoredChange;

/// Rows taken at once: bounds memory when there is much to catch up.
pub(super) const MOST_ROWS: usize = 10_000;

/// The rows of a record.
pub(super) struct Rows {
    /// What comes before its changes.
    pub(super) head: Vec<u8>,
    /// Its changes.
    pub(super) text: Vec<u8>,
    pub(super) events: u32,
    /// The last event's id; where there is none, that of the last one before.
    pub(super) to: i64,
    /// The latest wall time of its events or, where there are none, the end of the last gap.
    pub(super) to_ms: Option<i64>,
    /// The id of the last gap in it.
    pub(super) gap: Option<i64>,
    /// The keys of the series that it describes.
    pub(super) describes: Vec<Key>,
    /// With events up to the end of what is committed; nothing else lies behind them.
    pub(super) whole: bool,
}

/// Changes in the order of their ids, as lines.
pub(super) struct Changes {
    pub(super) text: Vec<u8>,
    pub(super) events: u32,
    pub(super) to: i64,
    pub(super) to_ms: Option<i64>,
}

impl Changes {
    /// None yet behind the last one before; with room for so many.
    pub(super) fn after(after: i64, events: usize) -> Changes {
        // A number follows from its value mostly.
        const USUAL_LINE: usize = 56;
        Changes {
            text: Vec::with_capacity(events * USUAL_LINE),
            events: 0,
            to: after,
            to_ms: None,
        }
    }

    /// There are no more of them.
    pub(super) fn is_all(&self) -> bool {
        (self.events as usize) < MOST_ROWS
    }

    /// Appends the next one.
    pub(super) fn push(&mut self, list: &mut Listed, change: &StoredChange<'_>) {
        let text = &mut self.text;
        text.extend(b"[\"c\",");
        push_json(text, &change.id);
        text.push(b',');
        push_json(text, &list.place(change.series));
        for cell in [change.value, change.string, change.position, change.at] {
            text.push(b',');
            push_value(text, cell);
        }
        text.extend(b"]\n");
        self.events += 1;
        self.to = change.id;
        self.to_ms = self.to_ms.max(Some(change.at_ms()));
    }
}

/// The series of a record's rows, in the order in which they came.
pub(super) struct Listed {
    places: HashMap<i64, usize>,
    numbers: Vec<i64>,
}

impl Listed {
    /// With room for so many.
    pub(super) fn with_room(series: usize) -> Listed {
        Listed {
            places: HashMap::with_capacity(series),
            numbers: Vec::with_capacity(series),
        }
    }

    fn place(&mut self, number: i64) -> usize {
        *self.places.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() - 1
        })
    }

    /// Appends a state of a keyframe: its id, the series, value, string, position.
    pub(super) fn push_state(&mut self, text: &mut Vec<u8>, row: &Row<'_>) -> rusqlite::Result<()> {
        text.extend(b"[\"f\",");
        push_value(text, row.get_ref(0)?);
        text.push(b',');
        push_json(text, &self.place(row.get(1)?));
        for column in 2..5 {
            text.push(b',');
            push_value(text, row.get_ref(column)?);
        }
        text.extend(b"]\n");
        Ok(())
    }

    /// Appends the descriptions that the file lacks, and the list.
    pub(super) fn describe(
        &self,
        dictionary: &Dictionary,
        described: &HashSet<Key>,
        text: &mut Vec<u8>,
        describes: &mut Vec<Key>,
    ) -> rusqlite::Result<()> {
        let mut list = Vec::with_capacity(self.numbers.len() * 20 + 16);
        list.extend(b"[\"s\"");
        for number in &self.numbers {
            let Some(form) = dictionary.get(*number) else {
                let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
                let what = format!("a change is of series {number}, which the file does not know");
                return Err(rusqlite::Error::SqliteFailure(damaged, Some(what)));
            };
            let key = &form.key;
            if !described.contains(key) {
                for piece in [&b"[\"d\",\""[..], key, b"\",", &form.description, b"]\n"] {
                    text.extend(piece);
                }
                describes.push(*key);
            }
            for piece in [&b",\""[..], key, b"\""] {
                list.extend(piece);
            }
        }
        text.extend(&list);
        text.extend(b"]\n");
        Ok(())
    }
}
