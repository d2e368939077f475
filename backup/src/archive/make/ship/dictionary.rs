//! The series of the day being shipped, each with the description that a record gives of it.

use hashbrown::HashMap;
use rusqlite::Connection;

use crate::archive::format::segment::rows::push_columns;
use crate::digest::sha256;
use crate::store::dictionary;

/// First 16 digits of the SHA-256 over a description.
pub(super) type Key = [u8; 16];

/// A series with the rules that it has learned so far.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) key: Key,
    /// Its columns as JSON, without the brackets.
    pub(super) description: Box<[u8]>,
}

/// By number in the day's file. A series comes once and learns the rule of its strings and the range of its positions
/// once, so that three counts tell whether there is anything new.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    counts: [i64; 3],
    forms: HashMap<i64, Form>,
}

impl Dictionary {
    /// Takes what is new since the last time, in the open transaction.
    pub(super) fn refresh(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let counts = conn
            .prepare_cached(dictionary::COUNTS)?
            .query_row([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        if counts == self.counts {
            return Ok(());
        }
        let columns = dictionary::listed(str::to_owned);
        let mut query = conn.prepare_cached(&format!("SELECT id, {columns} FROM series"))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let mut description = Vec::new();
            push_columns(&mut description, row, 1..1 + dictionary::columns().count())?;
            let mut key = Key::default();
            key.copy_from_slice(&sha256(&description).as_bytes()[..16]);
            let description = description.into();
            self.forms.insert(row.get(0)?, Form { key, description });
        }
        self.counts = counts;
        Ok(())
    }

    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.forms.len()
    }

    pub(super) fn get(&self, number: i64) -> Option<&Form> {
        self.forms.get(&number)
    }
}
