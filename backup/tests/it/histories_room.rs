//! A store with its archive to which anything may happen, and what is known of both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use backup::{
    Archive, Day, Depth, Error, Event, EventId, Recorder, RecorderThread, Shipped, Shipper, Store,
};

use crate::histories_rows::{Rows, control, meaning, nth_change, row, rows_in, same};
use crate::histories_steps::Step;
use crate::reader::Row;
use crate::stage::{NOON, TestClock, series, start, stop};

/// What is known of an archive.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    /// What its newest state brings back.
    pub(crate) newest: Rows,
    /// Nothing else than that comes back.
    pub(crate) exact: bool,
    /// Beyond that it may hold what was recorded since: shipping was killed.
    pub(crate) torn: bool,
    /// The present history is the one of the newest backup.
    pub(crate) anchored: bool,
    /// Its backups, and what each brings back.
    pub(crate) backups: Vec<(String, Rows)>,
}

impl Held {
    /// What it brings back is known to the row.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact && !self.torn
    }
}

pub(crate) struct Room {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: TestClock,
    pub(crate) now_ms: i64,
    pub(crate) recorder: Option<(Recorder, RecorderThread)>,
    /// What ships as long as this recorder runs, or none does.
    shipper: Option<Shipper>,
    pub(crate) recorded: i64,
    pub(crate) live: Rows,
    /// Days that somebody took away since the last recording.
    pub(crate) lost: BTreeSet<Day>,
    /// All that was ever in the store.
    pub(crate) ever: BTreeSet<Row>,
    /// What was there before and after each restore and undo, by the step that it left.
    pub(crate) exchanged: BTreeMap<u64, (Rows, Rows)>,
    pub(crate) held: Held,
    pub(crate) elsewhere: Held,
    pub(crate) copied: Option<Held>,
    pub(crate) exported: Option<Rows>,
    pub(crate) copied_store: Option<StoreCopy>,
}

/// What is known of a copy of the store.
#[derive(Debug, Clone)]
pub(crate) struct StoreCopy {
    pub(crate) live: Rows,
    pub(crate) lost: BTreeSet<Day>,
    pub(crate) exchanged: BTreeMap<u64, (Rows, Rows)>,
}

/// A folder in memory where there is enough of it: nothing here is about disks, and most of the time would go to them. All that
/// are played at once take 30 MB.
fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let roomy = rustix::fs::statvfs(memory)
        .is_ok_and(|room| room.f_bavail.saturating_mul(room.f_frsize) > 60 << 20);
    if roomy {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .unwrap()
}

pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl Room {
    pub(crate) fn new() -> Room {
        let dir = in_memory();
        fs::create_dir(dir.path().join("events")).unwrap();
        for archive in ["backups", "elsewhere"] {
            fs::create_dir(dir.path().join(archive)).unwrap();
        }
        Room {
            clock: TestClock::at(NOON),
            now_ms: NOON,
            recorder: None,
            shipper: None,
            recorded: 0,
            live: Rows::new(),
            lost: BTreeSet::new(),
            ever: BTreeSet::new(),
            exchanged: BTreeMap::new(),
            held: Held::default(),
            elsewhere: Held::default(),
            copied: None,
            exported: None,
            copied_store: None,
            dir,
        }
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.dir.path().join("events")
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    pub(crate) fn archive(&self) -> Archive {
        Archive::open(self.backups()).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        match &self.recorder {
            Some((recorder, _)) => recorder.own_store(),
            None => Store::open(self.events()).unwrap(),
        }
    }

    pub(crate) fn claimed(&self) -> bool {
        self.backups().join("archive.json").exists()
    }

    /// The present history is another one from here on.
    pub(crate) fn another_history(&mut self) {
        for held in [&mut self.held, &mut self.elsewhere]
            .into_iter()
            .chain(&mut self.copied)
        {
            held.anchored = false;
        }
    }

    /// From here on until the next backup it is not known which rows are shipped.
    pub(crate) fn inexact(&mut self) {
        for held in [&mut self.held, &mut self.elsewhere]
            .into_iter()
            .chain(&mut self.copied)
        {
            held.exact = false;
        }
    }

    pub(crate) async fn end(&mut self) {
        self.shipper = None;
        if let Some((recorder, thread)) = self.recorder.take() {
            stop(recorder, thread).await;
        }
    }

    pub(crate) async fn take(&mut self, step: &Step) {
        if self.events().exists() {
            self.not_lost_any_more();
        }
        match step {
            Step::Record(changes) => self.record(changes).await,
            Step::Clock(by) => {
                self.now_ms += by;
                self.clock.set(self.now_ms);
            }
            Step::Backup => self.back_up(),
            Step::Ship => {
                self.shipper = None;
                self.ship();
            }
            Step::ShipOn => self.ship(),
            Step::Outage { seconds, back } => self.outage(*seconds, *back).await,
            Step::Stop => self.end().await,
            Step::Kill => self.kill().await,
            Step::Restore {
                backup,
                at,
                keep_newer,
            } => self.restore(*backup, *at, *keep_newer).await,
            Step::Undo => self.undo().await,
            Step::Import { hours, events } => self.import_others(*hours, *events).await,
            Step::Export => self.export(),
            Step::ImportExport => self.import_export().await,
            Step::LoseDay(which) => self.lose_day(*which).await,
            Step::LoseStore => self.lose_store().await,
            Step::OtherAgent => self.other_agent(),
            Step::SwapArchive => self.swap_archive(),
            Step::CopyArchive => self.copy_archive(),
            Step::PutCopy => self.put_copy(),
            Step::Prune(keep) => self.prune(usize::from(*keep)),
            Step::CopyStore => self.copy_store(),
            Step::PutStore => self.put_store().await,
            Step::Clone => self.clone_works().await,
            Step::Killed(job, at) => self.killed(*job, *at).await,
            Step::Compare => self.compare(Depth::Quick),
        }
    }

    pub(crate) async fn record(&mut self, changes: &[(u8, u16)]) {
        if self.recorder.is_none() {
            self.begin_recording();
        }
        let (recorder, _) = self.recorder.as_ref().unwrap();
        let mut expected = Vec::new();
        for (which, pause) in changes {
            self.now_ms += i64::from(*pause);
            self.clock.set(self.now_ms);
            self.recorded += 1;
            let named = series(&control(*which));
            let change = nth_change(*which, recorder.series(named.clone()), self.recorded);
            expected.push(Event {
                id: EventId(0),
                at_ms: self.now_ms,
                series: named.into(),
                value: change.value.clone(),
                string: change.string.clone(),
                position: change.position,
            });
            recorder.changes(self.now_ms, vec![change]).await;
        }
        recorder.flush().await.unwrap();
        let live = rows_in(&self.events());
        let last = self.live.keys().last().copied().unwrap_or(-1);
        let new: Vec<Row> = live
            .range(last + 1..)
            .map(|(_, row)| meaning(row))
            .collect();
        let expected: Vec<Row> = expected.iter().map(row).collect();
        assert_eq!(new, expected, "recorded");
        let old: Rows = live
            .range(..=last)
            .map(|(id, row)| (*id, row.clone()))
            .collect();
        same(&old, &self.live, "what was there while it was recorded");
        self.lives(live);
    }

    /// A day that is back is not lost, and may leave again with a reason.
    pub(crate) fn not_lost_any_more(&mut self) {
        let days = self.store().days().unwrap();
        self.lost.retain(|day| !days.contains(day));
    }

    /// Starts the recorder, which tells of days that somebody took away, and of no others.
    fn begin_recording(&mut self) {
        self.not_lost_any_more();
        let lost = std::mem::take(&mut self.lost);
        if !lost.is_empty() {
            self.another_history();
        }
        if self.claimed() {
            self.archive().take_up(&self.events()).unwrap();
        }
        let told = self.losses();
        self.shipper = None;
        self.recorder = Some(start(&self.events(), &self.clock));
        let lost: Vec<String> = lost.iter().map(|day| day.file_name()).collect();
        let mut now = self.losses();
        for before in told {
            let place = now.iter().position(|why| *why == before);
            now.remove(place.expect("a gap is gone"));
        }
        assert_eq!(now.len(), lost.len(), "told {now:?}, lost {lost:?}");
        for file in &lost {
            assert!(now.iter().any(|why| why.starts_with(file)), "{now:?}");
        }
    }

    /// What gaps say of days that were taken away.
    fn losses(&self) -> Vec<String> {
        let store = self.store();
        let days = store.days().unwrap().into_iter();
        days.flat_map(|day| store.day_gaps(day).unwrap())
            .map(|gap| gap.why)
            .filter(|why| why.ends_with("was removed by another program"))
            .collect()
    }

    /// Where no recorder runs, nobody notices.
    async fn outage(&mut self, seconds: u16, back: bool) {
        let from_ms = self.now_ms;
        self.now_ms += i64::from(seconds) * 1_000;
        self.clock.set(self.now_ms);
        let Some((recorder, _)) = &self.recorder else {
            return;
        };
        recorder.lost(Some(from_ms), "the link was down");
        if back {
            recorder
                .gap(from_ms, self.now_ms, "the link was down")
                .await;
        }
        recorder.flush().await.unwrap();
    }

    pub(crate) fn lives(&mut self, live: Rows) {
        self.ever.extend(live.values().cloned());
        self.live = live;
    }

    pub(crate) fn back_up(&mut self) {
        let (archive, store) = (self.archive(), self.store());
        let made = match self.together(|| archive.backup(&store, &[], &())) {
            Err(Error::NoEvents { .. }) if self.live.is_empty() => return,
            made => made.unwrap(),
        };
        assert!(made.verified);
        self.held.newest = self.live.clone();
        (self.held.exact, self.held.torn, self.held.anchored) = (true, false, true);
        self.held.backups.push((made.id, self.live.clone()));
    }

    /// A backup that was killed is there or not.
    pub(crate) fn was_backed_up(&mut self) {
        let list = self.archive().list().unwrap();
        let new = list.into_iter().find(|info| {
            let mut known = self.held.backups.iter();
            known.all(|(id, _)| *id != info.id)
        });
        if let Some(made) = new {
            self.held.newest = self.live.clone();
            (self.held.exact, self.held.torn, self.held.anchored) = (true, false, true);
            self.held.backups.push((made.id, self.live.clone()));
        }
    }

    pub(crate) fn ship(&mut self) {
        let mut shipper = self.shipper.take();
        let more = |step: backup::Result<Shipped>| match step {
            Err(Error::OtherArchive { .. }) => None,
            step => Some(step.unwrap().more),
        };
        loop {
            let begun = match &mut shipper {
                Some(begun) => begun,
                none => {
                    let (archive, store) = (self.archive(), self.store());
                    none.insert(self.together(|| archive.ship(&store)).unwrap())
                }
            };
            match more(begun.step()) {
                Some(true) => {}
                Some(false) => break,
                None => shipper = None,
            }
        }
        self.shipper = shipper;
        if self.held.anchored && self.held.exact {
            self.held.newest = self.live.clone();
            self.held.torn = false;
        }
    }

    /// Works as an agent does: its recorder begins another history where the archive holds what the store lacks.
    fn together<T>(&self, work: impl Fn() -> backup::Result<T>) -> backup::Result<T> {
        match (work(), &self.recorder) {
            (Err(Error::Parted { parting, .. }), Some((recorder, _))) => {
                // Waits for the recorder's thread.
                std::thread::scope(|scope| {
                    let begun = scope.spawn(|| recorder.begin_history(&parting));
                    begun.join().unwrap()
                })?;
                work()
            }
            (done, _) => done,
        }
    }

    /// What is on the disk at this moment is all that the next start finds.
    pub(crate) async fn kill(&mut self) {
        if self.recorder.is_none() {
            return;
        }
        let aside = self.dir.path().join("killed");
        copy_all(&self.events(), &aside);
        self.end().await;
        fs::remove_dir_all(self.events()).unwrap();
        fs::rename(aside, self.events()).unwrap();
    }
}
