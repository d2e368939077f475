//! Whether a store and its archive have parted: the archive holds events of a history that the store lacks, since the
//! store is an older copy of itself, or another copy of it was recorded into.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::{self, Record};
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::delta::continues;
use crate::archive::open::Archive;
use crate::error::{Error, Result};
use crate::parting::Parting;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::identity::{Identity, LineageId};

impl Archive {
    /// What the archive holds of this store's record that the store lacks. Where another one may have written it, two records
    /// may have grown from one end, with events of the same ids.
    ///
    /// # Errors
    /// When the archive or the store cannot be read.
    pub(crate) fn parting(&self, store: &Store, by_another: bool) -> Result<Option<Parting>> {
        let Some(identity) = Identity::read(store.dir())? else {
            return Ok(None);
        };
        let manifests = self.manifests()?;
        let manifests: Vec<&Manifest> = manifests.iter().map(|(manifest, _)| manifest).collect();
        let last = self.last_records(&identity)?;
        let (newest, unknown) = (manifests.first().copied(), |of: &LineageId| {
            !identity.knows(*of)
        });
        let of_unknown = newest.filter(|newest| newest.lineage.as_ref().is_some_and(unknown));
        let ends = [
            of_unknown.map(|newest| newest.covers_to_ms),
            last.of_unknown.map(|record| record.covers.at_ms),
            lacking(store, &manifests, &identity, by_another)?,
            last.own
                .filter(|record| !has_rows(store, record))
                .map(|record| record.covers.at_ms),
        ];
        let Some(end) = ends.into_iter().flatten().max() else {
            return Ok(None);
        };
        let lineages = manifests.iter().filter_map(|manifest| manifest.lineage);
        let lineages = lineages.chain(self.shipped_lineages()?);
        let unknown: BTreeSet<u64> = lineages.filter(unknown).map(|of| of.0).collect();
        let own = manifests
            .iter()
            .find(|made| made.lineage == Some(identity.present()));
        let backup = of_unknown.or(own.copied()).map(|made| made.id.clone());
        Ok(Some(Parting {
            archive_to: rfc3339(end),
            backup,
            unknown: unknown.into_iter().collect(),
        }))
    }

    /// The histories of all records.
    fn shipped_lineages(&self) -> Result<Vec<LineageId>> {
        let files = segment::files(&*self.place)?.into_iter();
        // What cannot be read tells of nothing.
        let records = files.filter_map(|(_, name)| segment::records(&*self.place, &name, 0).ok());
        let links = records.flat_map(|records| records.flatten().filter_map(|it| it.link()));
        let mut lineages: Vec<LineageId> = links.map(|link| link.lineage).collect();
        lineages.dedup();
        Ok(lineages)
    }

    /// The last record of the present history, and of one that the store does not know.
    fn last_records(&self, identity: &Identity) -> Result<Last> {
        let mut last = Last::default();
        for (_, name) in segment::files(&*self.place)?.iter().rev() {
            // What cannot be read tells of nothing.
            let Ok(records) = segment::records(&*self.place, name, 0) else {
                continue;
            };
            for record in records.flatten() {
                let Some(link) = record.link() else { continue };
                if link.lineage == identity.present() {
                    last.own = Some(record);
                } else if !identity.knows(link.lineage) {
                    last.of_unknown = Some(record);
                }
            }
            if last.own.is_some() || last.of_unknown.is_some() {
                break;
            }
        }
        Ok(last)
    }
}

#[derive(Default)]
struct Last {
    own: Option<Record>,
    of_unknown: Option<Record>,
}

/// Up to when the newest backup of the present history reaches, where the store lacks events of its last day.
fn lacking(
    store: &Store,
    manifests: &[&Manifest],
    identity: &Identity,
    by_another: bool,
) -> Result<Option<i64>> {
    let own = |manifest: &&&Manifest| manifest.lineage == Some(identity.present());
    let Some(newest) = manifests.iter().find(own) else {
        return Ok(None);
    };
    let last = newest.days.iter().rev().find_map(|part| {
        let day = part.day.parse::<Day>().ok()?;
        part.to_id.map(|to| (part, day, to))
    });
    let Some((part, day, to)) = last else {
        return Ok(None);
    };
    let path = store.day_path(day);
    if !path.exists() {
        return Ok(is_behind(store, day)?.then_some(newest.covers_to_ms));
    }
    let conn = store.day_reader(day)?;
    let lacks = || -> rusqlite::Result<bool> {
        if continues(&conn, "main", part)? {
            return Ok(false);
        }
        let count = "SELECT count(*) FROM changes WHERE id <= ?1";
        let count: u64 = conn.query_row(count, [to], |row| row.get(0))?;
        // An import may have added events.
        let others = (count == part.events || by_another) && part.digest.is_some();
        Ok(others || count < part.events || !has(&conn, to)?)
    };
    let lacks = lacks().map_err(Error::sqlite(&path, "look for what a backup holds"))?;
    Ok(lacks.then_some(newest.covers_to_ms))
}

/// Whether a store ends before a day that was not lost.
fn is_behind(store: &Store, day: Day) -> Result<bool> {
    let newest = store.days()?.pop();
    Ok(newest < Some(day) && !store.untold_losses().contains(&day))
}

/// Whether the store has the rows of a record.
fn has_rows(store: &Store, record: &Record) -> bool {
    let covers = record.covers;
    if !store.day_path(covers.day).exists() {
        return !is_behind(store, covers.day).unwrap_or(false);
    }
    let Ok(conn) = store.day_reader(covers.day) else {
        return true;
    };
    let ends = |id: i64| id < 0 || has(&conn, id).unwrap_or(true);
    let count = "SELECT count(*) FROM changes WHERE id > ?1 AND id <= ?2";
    let count = conn.query_row(count, [covers.after, covers.to], |row| row.get::<_, u32>(0));
    ends(covers.after) && ends(covers.to) && count.map_or(true, |count| count >= covers.events)
}

fn has(conn: &Connection, id: i64) -> rusqlite::Result<bool> {
    let found = conn.query_row("SELECT 1 FROM changes WHERE id = ?1", [id], |_| Ok(()));
    found.optional().map(|found| found.is_some())
}
