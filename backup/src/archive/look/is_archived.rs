//! Whether a day of the store is safe in the archive as it is now, as far as that is known without reading the archive.

use std::path::Path;

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::look::at_rest::at_rest;
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
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

    /// Since when the newest proved backup is of another history than the store's present one, Unix milliseconds, unless it
    /// holds the store as it is: a restore of the latest state would bring something else. `None` without a backup, too.
    ///
    /// # Errors
    /// When the archive or a day file cannot be read.
    pub fn unanchored_since(&self, store: &Store) -> Result<Option<i64>> {
        let Some(identity) = Identity::read(store.dir())? else {
            return Ok(None);
        };
        let looks = Looks::read(&*self.place);
        let mut manifests = self.manifests()?.into_iter().map(|(made, _)| made);
        let proved = manifests.find(|made| self.info_by(made, &looks).verified);
        let Some((proved, present)) = proved.zip(identity.lineages.last()) else {
            return Ok(None);
        };
        // What an older program made is of the first history.
        let covered = proved
            .lineage
            .map_or(present.left.is_none(), |of| of == present.id);
        if covered || proved.led_to(Some(&identity)) && self.is_all_archived(store)? {
            return Ok(None);
        }
        Ok(Some(present.begun_ms))
    }

    /// Whether the newest proved backup of a history that led to this store holds all of this day. Files of the original
    /// do not count. The archive's copy is not read for it.
    ///
    /// # Errors
    /// When the archive or the day file cannot be read.
    pub fn is_archived(&self, store: &Store, day: Day) -> Result<bool> {
        let _lock = self.place.hold(Hold::Read)?;
        match self.archived_part(store, day)? {
            Some(part) => is_as_archived(&store.day_path(day), &part),
            None => Ok(false),
        }
    }

    /// What the newest proved backup of a history that led to this store has of a day.
    pub(crate) fn archived_part(&self, store: &Store, day: Day) -> Result<Option<DayPart>> {
        let manifests = self.manifests()?;
        let looks = Looks::read(&*self.place);
        let present = Identity::read(store.dir())?;
        let is_proved = |manifest: &Manifest| {
            manifest.led_to(present.as_ref()) && self.info_by(manifest, &looks).verified
        };
        let proved = manifests.into_iter().find(|(made, _)| is_proved(made));
        let Some((proved, _)) = proved else {
            return Ok(None);
        };
        // A backup of a history that did not lead to the present one says nothing of it.
        if let (Some(present), Some(lineage)) = (&present, proved.lineage)
            && !present.has(lineage)
        {
            return Ok(None);
        }
        let name = day.to_string();
        Ok(proved.days.into_iter().find(|part| part.day == name))
    }
}

/// Whether a live day means exactly what was archived of it.
pub(crate) fn is_as_archived(live: &Path, part: &DayPart) -> Result<bool> {
    if part.source.is_some() && part.source == at_rest(live) {
        return Ok(true);
    }
    let conn = open_reader(live)?;
    check_schema(&conn, live)?;
    let whole = || -> rusqlite::Result<bool> {
        conn.execute_batch("BEGIN")?;
        let all = row_digest::until(&conn, "main", i64::MAX, Trust::Kept, &mut |_| Ok(()))?;
        Ok(part.digest == Some(all.now()))
    };
    whole().map_err(Error::sqlite(live, "compare it with the archived day"))
}
