//! A store that was put back to an older copy of the same history: its archive knows more than it holds.

use crate::archive::format::looks::Looks;
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::error::{Error, Result};
use crate::store::folder::Store;
use crate::store::identity::Identity;
use crate::store::lost;
use crate::store::schema::open_reader;

impl Archive {
    /// Where a store ends before what a proved backup of its present history and the segments after that backup hold: that
    /// it was put back to an older copy, up to when more was recorded, and which backup has it. To be told to the
    /// recorder that goes on in it. `None` where the store holds all of it, or lacks a day that is lost.
    ///
    /// # Errors
    /// When the archive or a day file cannot be read.
    pub fn older_copy(&self, store: &Store) -> Result<Option<String>> {
        let Some(identity) = Identity::read(store.dir())? else {
            return Ok(None);
        };
        if !store.untold_losses().is_empty() {
            return Ok(None);
        }
        let looks = Looks::read(&*self.place);
        let mut manifests = self.manifests()?.into_iter().map(|(made, _)| made);
        let of_history = manifests.find(|made| {
            made.store.as_ref() == Some(&identity.store)
                && made.lineage == Some(identity.present())
                && self.info_by(made, &looks).verified
        });
        let Some(made) = of_history else {
            return Ok(None);
        };
        let tail = Tail::of(&self.place, &made).readable();
        let shipped = tail.days(None)?.into_values().map(|(_, last)| last).max();
        let held = made.days.iter().filter_map(|part| part.to_id).max();
        if shipped.max(held) <= end_of(store)? {
            return Ok(None);
        }
        let until_ms = tail.covers_to_ms.max(Some(made.covers_to_ms));
        let until = rfc3339(until_ms.unwrap_or(made.covers_to_ms));
        Ok(Some(lost::older_copy(&until, &made.id)))
    }
}

/// The store's last event.
fn end_of(store: &Store) -> Result<Option<i64>> {
    for day in store.days()?.into_iter().rev() {
        let path = store.day_path(day);
        let last: Option<i64> = open_reader(&path)?
            .query_row("SELECT max(id) FROM changes", [], |row| row.get(0))
            .map_err(Error::sqlite(&path, "look for its end"))?;
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}
