//! Copies of the store at random: an older one that takes its place, and one that somebody else records into.

use std::fs;

use backup::{Error, Store};

use crate::archive_stage::let_lie;
use crate::histories_room::{Held, Room, StoreCopy, copy_all};
use crate::histories_rows::{nth_change, rows_in};
use crate::stage::{series, start, stop};

impl Room {
    pub(crate) fn copy_store(&mut self) {
        let copy = self.dir.path().join("store-copy");
        let _ = fs::remove_dir_all(&copy);
        copy_all(&self.events(), &copy);
        self.copied_store = Some(StoreCopy {
            live: self.live.clone(),
            lost: self.lost.clone(),
            exchanged: self.exchanged.clone(),
        });
    }

    pub(crate) async fn put_store(&mut self) {
        let Some(copied) = self.copied_store.clone() else {
            return;
        };
        self.end().await;
        fs::remove_dir_all(self.events()).unwrap();
        copy_all(&self.dir.path().join("store-copy"), &self.events());
        self.live = copied.live;
        self.lost = copied.lost;
        self.exchanged = copied.exchanged;
        let before = self.history();
        if self.claimed() {
            self.archive().take_up(&self.events()).unwrap();
        }
        if self.history() != before {
            self.held.anchored = false;
        }
        self.not_known_elsewhere();
        // Or it is taken for a copy beside the agent that shipped last.
        let_lie(&self.backups());
        let_lie(&self.dir.path().join("elsewhere"));
    }

    /// Whether the store's history goes on in other archives shows when they are written.
    fn not_known_elsewhere(&mut self) {
        let others: [Option<&mut Held>; 2] = [Some(&mut self.elsewhere), self.copied.as_mut()];
        for held in others.into_iter().flatten() {
            (held.exact, held.anchored) = (false, false);
        }
    }

    /// Refused while the other one is at work; then it has the archive, and leaves it.
    pub(crate) async fn clone_works(&mut self) {
        if self.held.backups.is_empty() {
            return;
        }
        let dir = self.dir.path().join(format!("clone-{}", self.recorded));
        copy_all(&self.events(), &dir);
        self.touch_newest();
        let archive = self.archive();
        let copy = Store::open(&dir).unwrap();
        let shipped = archive.ship(&copy).map(drop).unwrap_err();
        let backed_up = archive.backup(&copy, &[], &()).unwrap_err();
        for refused in [shipped, backed_up] {
            assert!(matches!(refused, Error::OtherAgent { .. }), "{refused}");
        }
        let_lie(&self.backups());
        archive.take_up(&dir).unwrap();
        let (recorder, thread) = start(&dir, &self.clock);
        self.recorded += 1;
        let change = nth_change(3, recorder.series(series("Clone.level")), self.recorded);
        recorder.changes(self.now_ms, vec![change]).await;
        stop(recorder, thread).await;
        let mut shipper = archive.ship(&copy).unwrap();
        while shipper.step().unwrap().more {}
        let made = archive.backup(&copy, &[], &()).unwrap();
        let rows = rows_in(&dir);
        self.ever.extend(rows.values().cloned());
        self.held.backups.push((made.id, rows.clone()));
        self.held.newest = rows;
        (self.held.exact, self.held.anchored) = (true, false);
        self.not_known_elsewhere();
        let_lie(&self.backups());
    }

    /// As a writer does that is at work.
    fn touch_newest(&self) {
        let (id, _) = self.held.backups.last().unwrap();
        let newest = self.backups().join(format!("backup-{id}.json"));
        let newest = fs::File::options().append(true).open(newest).unwrap();
        newest.set_modified(std::time::SystemTime::now()).unwrap();
    }
}
