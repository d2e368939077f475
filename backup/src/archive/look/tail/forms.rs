//! What the series of records are: each described once in a segment file, and known by a key wherever it is used.

use std::collections::HashMap;

use rusqlite::types::Value as Sql;

use crate::archive::format::segment;
use crate::archive::format::segment::rows::parse_row;
use crate::archive::look::tail::run::Run;
use crate::error::Result;
use crate::store::dictionary;
use crate::store::rule::{Range, TextRule};

/// Names a form: the first 16 digits of a SHA-256 over its description.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) String);

/// A series with the rules that its strings and positions followed.
#[derive(Debug)]
pub(super) struct Form {
    /// As the dictionary's columns.
    pub(super) columns: Vec<Sql>,
    pub(super) text: Option<TextRule>,
    pub(super) range: Option<Range>,
}

/// All forms that were read.
#[derive(Debug, Default)]
pub(super) struct Forms(HashMap<Key, Form>);

impl Forms {
    pub(super) fn get(&self, key: &Key) -> Option<&Form> {
        self.0.get(key)
    }

    /// Takes the descriptions among a record's rows. Where one is missing, as the record that gave it is damaged, it is
    /// looked for in all segments: a key means the same in each.
    pub(super) fn learn(&mut self, rows: &str, run: &Run) -> Result<()> {
        self.take(rows);
        if !self.lacks(rows) {
            return Ok(());
        }
        for (_, name) in segment::files(&*run.place)? {
            let Ok(records) = segment::records(&*run.place, &name, 0) else {
                continue;
            };
            for record in records.flatten().filter(|record| record.link().is_some()) {
                if let Ok(content) = segment::read(&*run.place, &name, &record) {
                    self.take(&content.rows);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, rows: &str) {
        for line in rows.lines().filter(|line| line.starts_with("[\"d\",")) {
            let Some((_, mut columns)) = parse_row(line) else {
                continue;
            };
            if columns.len() != 1 + dictionary::columns().count() {
                continue;
            }
            let Sql::Text(key) = columns.remove(0) else {
                continue;
            };
            let (text, range) = dictionary::rules_of(&columns[dictionary::NAMED.len()..]);
            self.0.entry(Key(key)).or_insert(Form {
                columns,
                text,
                range,
            });
        }
    }

    fn lacks(&self, rows: &str) -> bool {
        rows.lines()
            .filter(|line| line.starts_with("[\"s\","))
            .filter_map(parse_row)
            .flat_map(|(_, keys)| keys)
            .any(|key| !matches!(key, Sql::Text(key) if self.0.contains_key(&Key(key.clone()))))
    }
}
