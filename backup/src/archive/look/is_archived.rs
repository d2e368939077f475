//! Whether a day of the store is safe in the archive as it is now.

use crate::archive::look::at_rest::at_rest;
use crate::archive::look::delta;
use crate::archive::open::Archive;
use crate::archive::place::verbs::Hold;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::folder::{Store, count_changes};
use crate::store::schema::{check_schema, open_reader};

impl Archive {
    /// Whether the newest proved backup holds all of this day. Files of the original do not count.
    ///
    /// # Errors
    /// When the archive or the day file cannot be read.
    pub fn is_archived(&self, store: &Store, day: Day) -> Result<bool> {
        let _lock = self.place.hold(Hold::Read)?;
        let manifests = self.manifests()?;
        let proved = manifests
            .iter()
            .map(|(manifest, _)| manifest)
            .find(|manifest| self.info(manifest).verified);
        let name = day.to_string();
        let part = proved.and_then(|manifest| manifest.days.iter().find(|part| part.day == name));
        let Some(part) = part else { return Ok(false) };
        let path = store.day_path(day);
        if part.source.is_some() && part.source == at_rest(&path) {
            return Ok(true);
        }
        let conn = open_reader(&path)?;
        check_schema(&conn, &path)?;
        let whole = || -> rusqlite::Result<bool> {
            conn.execute_batch("BEGIN")?;
            Ok(delta::continues(&conn, "main", part)? && count_changes(&conn)? == part.events)
        };
        whole().map_err(Error::sqlite(&path, "compare it with the archived day"))
    }
}
