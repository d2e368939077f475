//! Whether a day of the store is safe in the archive as it is now.

use crate::archive::look::at_rest::at_rest;
use crate::archive::open::Archive;
use crate::archive::place::verbs::Hold;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::identity::Identity;
use crate::store::row_digest::{self, Trust};
use crate::store::schema::{check_schema, open_reader};

impl Archive {
    /// Whether the newest proved backup of a history that led to this store holds all of every day.
    ///
    /// # Errors
    /// When the archive or a day file cannot be read.
    pub fn is_all_archived(&self, store: &Store) -> Result<bool> {
        for day in store.days()? {
            if !self.is_archived(store, day)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the newest proved backup of a history that led to this store holds all of this day. Files of the original do not count.
    ///
    /// # Errors
    /// When the archive or the day file cannot be read.
    pub fn is_archived(&self, store: &Store, day: Day) -> Result<bool> {
        let _lock = self.place.hold(Hold::Read)?;
        let manifests = self.manifests()?;
        let present = Identity::read(store.dir())?;
        let proved = manifests
            .iter()
            .map(|(manifest, _)| manifest)
            .find(|manifest| manifest.led_to(present.as_ref()) && self.info(manifest).verified);
        let name = day.to_string();
        let part = proved.and_then(|manifest| manifest.days.iter().find(|part| part.day == name));
        let Some(part) = part else { return Ok(false) };
        // A backup of a history that did not lead to the present one says nothing of it.
        let identity = Identity::read(store.dir())?;
        let lineage = proved.and_then(|manifest| manifest.lineage);
        if let (Some(identity), Some(lineage)) = (identity, lineage)
            && !identity.has(lineage)
        {
            return Ok(false);
        }
        let path = store.day_path(day);
        if part.source.is_some() && part.source == at_rest(&path) {
            return Ok(true);
        }
        let conn = open_reader(&path)?;
        check_schema(&conn, &path)?;
        let whole = || -> rusqlite::Result<bool> {
            conn.execute_batch("BEGIN")?;
            let all = row_digest::until(&conn, "main", i64::MAX, Trust::Kept, &mut |_| Ok(()))?;
            Ok(part.digest == Some(all.now()))
        };
        whole().map_err(Error::sqlite(&path, "compare it with the archived day"))
    }
}
