//! A real restore of a backup into scratch, and verification that does one.

use std::path::PathBuf;

use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::look::report::{Depth, Report};
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::restore::plan::pick::Picked;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::row_digest::{self, Trust};
use crate::store::schema::open_reader;
use crate::store::state_digest;

impl Archive {
    /// Checks one backup (by id or file name), or with `None` the whole archive, and remembers the outcome beside each
    /// backup. Every finding is reported; trouble in reading is a finding too.
    pub fn verify(&self, what: Option<&str>, depth: Depth) -> Report {
        self.check(what, depth, &|manifest| self.drill(manifest))
    }

    /// Restores into scratch and compares what came back with what the recorder said of it.
    fn drill(&self, manifest: &Manifest) -> Result<Vec<Finding>> {
        let scratch = self.place.scratch_to_read()?;
        // Does not ask for an earlier proof.
        let picked = Picked::as_named(manifest);
        let nothing = Tail::default();
        let plan = self.plan_backup(manifest, picked, nothing, None, scratch.path(), Vec::new())?;
        let report = plan.thorough().build(&())?.swap()?;
        if report.events != manifest.events {
            let path = self.place.path(&Manifest::file_name(&manifest.id));
            return Err(Finding::new(&path, "not what was backed up")
                .expected(format!("{} events", manifest.events))
                .found(format!("{} events after a restore", report.events))
                .hint("use another backup")
                .into());
        }
        let restored = Store::open(scratch.path())?;
        let mut differing = Vec::new();
        for part in &manifest.days {
            let state = self.other_state(&restored, part)?;
            let finding = match state {
                None => self.other_rows(&restored, part)?,
                found => found,
            };
            differing.extend(finding);
        }
        Ok(differing)
    }

    /// Whether a restored day has the state that its recorder left the digest of.
    fn other_state(&self, restored: &Store, part: &DayPart) -> Result<Option<Finding>> {
        let Some(own) = &part.state else {
            return Ok(None);
        };
        let found = state_digest::of_state(&restored.state_until(EventId(own.id))?);
        Ok((found != own.sha256).then(|| {
            Finding::new(&self.newest_file(part), "another state than was recorded")
                .expected(format!(
                    "the recorder's own digest {} of all controls' state on {} after {}",
                    own.sha256, part.day, own.id
                ))
                .found(format!("the digest {found} after a restore"))
                .hint(FORGED)
        }))
    }

    /// Whether every row of a restored day means what the manifest's digest was made from.
    fn other_rows(&self, restored: &Store, part: &DayPart) -> Result<Option<Finding>> {
        let Some(own) = &part.digest else {
            return Ok(None);
        };
        let path = restored.dir().join(format!("events-{}.db", part.day));
        let conn = open_reader(&path)?;
        let found = row_digest::until(&conn, "main", i64::MAX, Trust::None, &mut |_| Ok(()))
            .map_err(Error::sqlite(&path, "compare its rows"))?
            .now();
        Ok((found != *own).then(|| {
            Finding::new(&self.newest_file(part), "other rows than were recorded")
                .expected(format!(
                    "{} changes on {} with the digest {}",
                    own.count, part.day, own.sha256
                ))
                .found(format!(
                    "{} changes with the digest {} after a restore",
                    found.count, found.sha256
                ))
                .hint(FORGED)
        }))
    }

    /// The file that the day was completed with.
    fn newest_file(&self, part: &DayPart) -> PathBuf {
        let file = part.objects().last().map_or("", |object| &object.file);
        self.place.path(file)
    }
}

const FORGED: &str =
    "values were altered and hashes made again: use another backup, from a copy kept elsewhere";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::archive::make::settings::{SettingsFile, SettingsSource};
    use crate::archive::place::memory::Memory;
    use crate::archive::retention::policy::Policy;
    use crate::clock::SystemClock;
    use crate::restore::plan::outline::RestoreSource;
    use crate::store::day::Day;
    use crate::store::schema::open_writer;
    use crate::trusted_now::TrustedNow;

    const NOON: i64 = 1_773_489_600_000;

    fn record(store: &Store, from_ms: i64, events: i64) {
        let conn = open_writer(&store.day_path(Day::of_ms(from_ms))).unwrap();
        conn.execute_batch(
            "INSERT OR IGNORE INTO series (id, change_group, path, component, control, source)
             VALUES (1, 'g', 'a.gain', 'a', 'gain', 'qrc')",
        )
        .unwrap();
        for n in 0..events {
            let id = EventId::first_of_ms(from_ms + n).0;
            conn.execute(
                "INSERT INTO changes (id, series, value) VALUES (?1, 1, ?2)",
                [id, n],
            )
            .unwrap();
        }
    }

    #[test]
    fn an_archive_is_made_shipped_to_verified_restored_and_pruned_in_any_place() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("store"), dir.path().join("restored"));
        std::fs::create_dir(&from).unwrap();
        let store = Store::open(&from).unwrap();
        let archive = Archive::at(Arc::new(Memory::default())).unwrap();
        let settings = [SettingsFile {
            name: "a.toml".into(),
            source: SettingsSource::Text("a = 1\n".into()),
        }];
        record(&store, NOON, 100);
        archive.backup(&store, &settings, &()).unwrap();
        record(&store, NOON + 1000, 50);
        archive.backup(&store, &settings, &()).unwrap();
        record(&store, NOON + 2000, 25);
        let mut shipper = archive.ship(&store).unwrap();
        assert_eq!(shipper.step().unwrap().events, 25);
        record(&store, NOON + 3000, 5);
        assert_eq!(shipper.step().unwrap().events, 5);
        let report = archive.verify(None, Depth::Deep);
        assert!(report.ok, "{report:?}");
        let plan = archive.plan(RestoreSource::Latest, None, &to).unwrap();
        plan.build(&()).unwrap().swap().unwrap();
        assert_eq!(Store::open(&to).unwrap().summary().unwrap().events, 180);
        assert_eq!(archive.list().unwrap().len(), 2);
        let pruned = archive
            .prune(Policy::count(1), TrustedNow::confirmed(&SystemClock), false)
            .unwrap();
        assert_eq!(archive.list().unwrap().len(), pruned.kept.len());
        assert!(archive.verify(None, Depth::Quick).ok);
        assert!(!std::path::Path::new("memory").exists());
    }
}
