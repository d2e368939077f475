//! What happens to the archive at random, and the comparison of what it brings back.

use std::collections::BTreeSet;
use std::fs;

use backup::{Depth, Destination, Error, Policy, RestoreSource, Store, import};

use crate::archive_stage::{bytes_in, let_lie, now};
use crate::histories_room::{Room, copy_all};
use crate::histories_rows::{rows_in, same};
use crate::reader::read;
use crate::stage::NOON;

impl Room {
    pub(crate) fn other_agent(&mut self) {
        if !self.claimed() {
            return;
        }
        let other = self.dir.path().join("other");
        if !other.exists() {
            fs::create_dir(&other).unwrap();
            let file = self.dir.path().join("other.csv");
            let line = format!("timestamp,control_path,value\n{NOON},Other.gain,1\n");
            fs::write(&file, line).unwrap();
            import(Destination::Folder(&other), &file).unwrap();
        }
        let other = Store::open(other).unwrap();
        // Whoever opens it takes away what a killed backup left.
        let archive = self.archive();
        let before = bytes_in(&self.backups());
        let refused = archive.backup(&other, &[], &()).unwrap_err();
        assert!(matches!(refused, Error::OtherStore { .. }), "{refused}");
        let refused = archive.ship(&other).map(drop).unwrap_err();
        assert!(matches!(refused, Error::OtherStore { .. }), "{refused}");
        assert_eq!(bytes_in(&self.backups()), before);
    }

    pub(crate) fn swap_archive(&mut self) {
        let (here, there) = (self.backups(), self.dir.path().join("elsewhere"));
        let between = self.dir.path().join("between");
        for (from, to) in [(&here, &between), (&there, &here), (&between, &there)] {
            fs::rename(from, to).unwrap();
        }
        std::mem::swap(&mut self.held, &mut self.elsewhere);
    }

    pub(crate) fn copy_archive(&mut self) {
        let copy = self.dir.path().join("copy");
        if copy.exists() {
            fs::remove_dir_all(&copy).unwrap();
        }
        copy_all(&self.backups(), &copy);
        self.copied = Some(self.held.clone());
    }

    pub(crate) fn put_copy(&mut self) {
        let Some(held) = self.copied.clone() else {
            return;
        };
        fs::remove_dir_all(self.backups()).unwrap();
        copy_all(&self.dir.path().join("copy"), &self.backups());
        // A clone may have written it last, and is not at work.
        let_lie(&self.backups());
        self.held = held;
    }

    pub(crate) fn prune(&mut self, keep: usize) {
        if !self.claimed() {
            return;
        }
        let report = self
            .archive()
            .prune(Policy::count(keep), now(), false)
            .unwrap();
        for gone in report.removed {
            self.held.backups.retain(|(id, _)| *id != gone.id);
        }
    }

    /// Compares what the program brings back with what a reader of the format reads, and with what is known.
    pub(crate) fn compare(&mut self, depth: Depth) {
        let reading = read(&self.backups());
        let target = tempfile::tempdir_in(self.dir.path()).unwrap();
        let plan = self
            .archive()
            .plan(RestoreSource::Latest, None, target.path());
        if self.held.backups.is_empty() {
            assert_eq!(reading.backup, None);
            assert!(plan.is_err());
            return;
        }
        let plan = plan.unwrap();
        assert_eq!(reading.found, [""; 0], "{:?}", plan.notes);
        plan.build(&()).unwrap().swap().unwrap();
        same(
            &rows_in(target.path()),
            &reading.rows,
            "the program, beside the reader",
        );
        let gaps = Store::open(target.path())
            .unwrap()
            .gaps(0, i64::MAX)
            .unwrap();
        let gaps: BTreeSet<_> = gaps
            .into_iter()
            .map(|gap| (gap.from_ms, gap.to_ms, gap.why))
            .collect();
        assert_eq!(gaps, reading.gaps, "the gaps of the program, of the reader");
        if self.held.is_exact() {
            same(
                &reading.rows,
                &self.held.newest,
                "the reader, beside what was recorded",
            );
        }
        for (id, row) in &self.held.newest {
            assert_eq!(reading.rows.get(id), Some(row), "recorded, and not there");
        }
        for row in reading.rows.values() {
            assert!(self.ever.contains(row), "never recorded: {row:?}");
        }
        let report = self.archive().verify(None, depth);
        // Where the store was put back since the backup, or rows came or went by other ways, a verification says so.
        let sound = self.held.anchored && self.held.is_exact();
        assert!(report.ok || !sound, "{:#?}", report.findings);
    }
}
