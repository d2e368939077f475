//! What signs of life bring: gaps that no event of their day has followed yet, and one that has not ended.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::types::Value as Sql;

use crate::archive::format::segment::rows::parse_row;
use crate::archive::format::segment::{self, Content, Record};
use crate::archive::place::interface::Place;
use crate::error::Result;
use crate::store::event::Gap;

/// The last sign of life of a day, where no event of that day follows it.
#[derive(Debug)]
pub(super) struct Sign {
    pub(super) place: Arc<dyn Place>,
    pub(super) name: String,
    pub(super) record: Record,
    /// No record at all follows it.
    pub(super) is_last: bool,
    /// Its rows, once they are read.
    pub(super) rows: String,
}

impl Sign {
    pub(super) fn read(&self) -> Result<Content> {
        segment::read(&*self.place, &self.name, &self.record)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.place.path(&self.name)
    }
}

/// The gaps among a record's rows.
pub(super) fn gaps_in(rows: &str) -> impl Iterator<Item = Gap> + '_ {
    let lines = rows.lines().filter(|line| line.starts_with("[\"g\""));
    lines.filter_map(|line| match parse_row(line)?.1.as_slice() {
        [_, columns @ ..] => gap_of(columns),
        _ => None,
    })
}

/// The gap that had not ended when the record was written; its end is that moment.
pub(super) fn open_in(rows: &str) -> Option<Gap> {
    let line = rows.lines().find(|line| line.starts_with("[\"n\""))?;
    gap_of(&parse_row(line)?.1)
}

fn gap_of(columns: &[Sql]) -> Option<Gap> {
    match columns {
        [Sql::Integer(from_ms), Sql::Integer(to_ms), Sql::Text(why)] => Some(Gap {
            from_ms: *from_ms,
            to_ms: *to_ms,
            why: why.clone(),
        }),
        _ => None,
    }
}
