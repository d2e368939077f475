//! What the archive claims is what the recorder vouches for: up to when it has seen the room, and not a moment more.

use std::path::PathBuf;
use std::time::Duration;

use backup::{
    Archive, Depth, Recorder, RecorderOptions, RecorderThread, RestorePlan, RestoreSource, Shipper,
    Store, Vouched,
};
use tempfile::TempDir;

use crate::disks::{turn_read_only, until};
use crate::histories_room::copy_all;
use crate::small_disk::{SmallDisk, remount};
use crate::stage::{NOON, TestClock, number, options, series, start, stop};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A recorded room, its archive, and a clock that stands until it is set.
struct Room {
    dir: TempDir,
    clock: TestClock,
    archive: Archive,
}

impl Room {
    fn new() -> Room {
        let dir = tempfile::tempdir().unwrap();
        Room {
            archive: Archive::open(dir.path().join("backups")).unwrap(),
            clock: TestClock::at(NOON),
            dir,
        }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("events")
    }

    fn start(&self) -> (Recorder, RecorderThread) {
        start(&self.store(), &self.clock)
    }

    /// At this moment the control goes to this level, which is committed.
    async fn level(&self, recorder: &Recorder, at: i64, level: f64) {
        self.clock.set(at);
        let fader = recorder.series(series("Main.gain"));
        recorder.changes(at, vec![number(fader, level)]).await;
        recorder.flush().await.unwrap();
    }

    fn back_up(&self, store: &Store) {
        self.archive.backup(store, &[], &()).unwrap();
    }

    fn plan(&self, at: i64) -> RestorePlan {
        let target = self.dir.path().join("target");
        let latest = RestoreSource::Latest;
        self.archive.plan(latest, Some(at), &target).unwrap()
    }

    fn covered_to(&self) -> i64 {
        self.archive.recoverable().unwrap().unwrap().to_ms
    }
}

/// Ships all there is; gives up to when the archive covers the room now.
fn ship_all(shipper: &mut Shipper) -> i64 {
    loop {
        let shipped = shipper.step().unwrap();
        if !shipped.more {
            return shipped.covers_to_ms;
        }
    }
}

/// The notes of a plan that say that the room was not seen at the moment asked for.
fn unknown(plan: &RestorePlan) -> Vec<&String> {
    let notes = plan.notes.iter();
    notes
        .filter(|note| note.contains("is not known") || note.contains("lies in a gap"))
        .collect()
}

#[tokio::test]
async fn a_backup_of_a_record_that_ended_covers_what_was_recorded_and_not_the_hours_since() {
    let room = Room::new();
    let (recorder, thread) = room.start();
    room.level(&recorder, NOON, 1.0).await;
    room.level(&recorder, NOON + MINUTE, 2.0).await;
    // What a crash leaves, and what a stop leaves.
    let killed = room.dir.path().join("killed");
    copy_all(&room.store(), &killed);
    room.clock.set(NOON + 2 * MINUTE);
    stop(recorder, thread).await;
    for (store, end) in [(killed, NOON + MINUTE), (room.store(), NOON + 2 * MINUTE)] {
        let room = Room {
            archive: Archive::open(room.dir.path().join(format!("backups-{end}"))).unwrap(),
            dir: tempfile::tempdir().unwrap(),
            clock: room.clock.clone(),
        };
        room.back_up(&Store::open(store).unwrap());
        assert_eq!(room.covered_to(), end);
        assert_eq!(unknown(&room.plan(end)), [""; 0]);
        let plan = room.plan(end + HOUR);
        assert_eq!(unknown(&plan).len(), 1, "{:?}", plan.notes);
        assert_eq!(plan.events, 2);
    }
}

#[tokio::test]
async fn while_the_link_is_down_neither_backups_nor_segments_cover_a_moment_of_it() {
    let room = Room::new();
    let (recorder, thread) = room.start();
    let store = recorder.own_store();
    room.level(&recorder, NOON, 1.0).await;
    room.back_up(&store);
    let mut shipper = room.archive.ship(&store).unwrap();
    room.level(&recorder, NOON + MINUTE, 2.0).await;
    assert_eq!(ship_all(&mut shipper), NOON + MINUTE);
    // The link goes down, is noticed two seconds later, and stays down for three hours.
    let down = NOON + 2 * MINUTE;
    room.clock.set(down + 2_000);
    recorder.flush().await.unwrap();
    recorder.lost(Some(down), "the Core closed the connection");
    recorder.flush().await.unwrap();
    for hours in 0..3 {
        room.clock.set(down + hours * HOUR);
        recorder.flush().await.unwrap();
        assert_eq!(recorder.vouched().until_ms, Some(down));
        assert_eq!(ship_all(&mut room.archive.ship(&store).unwrap()), down);
        assert_eq!(room.covered_to(), down);
    }
    let asked = down + HOUR;
    let beyond = |plan: &RestorePlan| {
        let unknown = unknown(plan);
        assert_eq!(unknown.len(), 1, "{:?}", plan.notes);
        assert!(unknown[0].contains("nothing was recorded after"));
        assert!(unknown[0].contains("the Core closed the connection"));
        assert_eq!(plan.gaps.len(), 1);
        assert_eq!(plan.gaps[0].from_ms, down);
        assert_eq!(plan.events, 2);
    };
    beyond(&room.plan(asked));
    room.back_up(&store);
    assert_eq!(room.covered_to(), down);
    beyond(&room.plan(asked));
    // The link is back: the gap is told before anything changes in the room.
    let back = down + 3 * HOUR;
    room.clock.set(back);
    recorder
        .gap(down, back, "the Core closed the connection")
        .await;
    let fader = recorder.series(series("Main.gain"));
    recorder.keyframe(back, vec![number(fader, 2.0)]).await;
    recorder.flush().await.unwrap();
    room.clock.set(back + HOUR);
    recorder.flush().await.unwrap();
    let mut shipper = room.archive.ship(&store).unwrap();
    assert_eq!(ship_all(&mut shipper), back + HOUR);
    let gap = |plan: &RestorePlan| {
        assert_eq!(unknown(plan).len(), 1, "{:?}", plan.notes);
        assert!(unknown(plan)[0].contains("lies in a gap"));
        let spans: Vec<_> = (plan.gaps.iter().map(|gap| (gap.from_ms, gap.to_ms))).collect();
        assert_eq!(spans, [(down, back)]);
    };
    gap(&room.plan(asked));
    assert_eq!(room.covered_to(), back + HOUR);
    assert_eq!(unknown(&room.plan(back + HOUR / 2)), [""; 0]);
    // Brought back, the store tells of it.
    let restored = room.dir.path().join("target");
    let report = room.plan(asked).build(&()).unwrap().swap().unwrap();
    assert!(report.not_recorded.unwrap().to_ms == Some(back));
    let whole = room.plan(back + HOUR / 2);
    whole.build(&()).unwrap().swap().unwrap();
    let gaps = Store::open(restored).unwrap().gaps(0, i64::MAX).unwrap();
    assert_eq!(
        (gaps.len(), gaps[0].from_ms, gaps[0].to_ms),
        (1, down, back)
    );
    // With the next event and the next backup it is the same.
    room.level(&recorder, back + 2 * HOUR, 3.0).await;
    ship_all(&mut shipper);
    gap(&room.plan(asked));
    room.back_up(&store);
    gap(&room.plan(asked));
    assert!(room.archive.verify(None, Depth::Deep).ok);
    stop(recorder, thread).await;
}

#[tokio::test]
async fn a_gap_before_midnight_is_shipped_though_its_day_has_no_event_after_it() {
    let room = Room::new();
    let (recorder, thread) = room.start();
    let store = recorder.own_store();
    room.level(&recorder, NOON, 1.0).await;
    room.back_up(&store);
    let mut shipper = room.archive.ship(&store).unwrap();
    room.level(&recorder, NOON + MINUTE, 2.0).await;
    ship_all(&mut shipper);
    let (down, back) = (NOON + HOUR, NOON + 2 * HOUR);
    room.clock.set(back);
    recorder.gap(down, back, "test").await;
    recorder.flush().await.unwrap();
    // Nothing is shipped until the next day.
    room.level(&recorder, NOON + 24 * HOUR, 3.0).await;
    assert_eq!(ship_all(&mut shipper), NOON + 24 * HOUR);
    let plan = room.plan(NOON + 24 * HOUR);
    assert_eq!((plan.events, plan.gaps.len()), (3, 1));
    plan.build(&()).unwrap().swap().unwrap();
    let restored = Store::open(room.dir.path().join("target")).unwrap();
    assert_eq!(restored.gaps(0, i64::MAX).unwrap().len(), 1);
    assert_eq!(restored.gaps(down, back).unwrap().len(), 1);
    stop(recorder, thread).await;
}

#[tokio::test]
async fn while_the_disk_of_the_store_fails_nothing_that_happens_is_covered() {
    for disk in [SmallDisk::in_memory("size=4m"), SmallDisk::in_a_file()] {
        let room = Room::new();
        let (recorder, thread) = start(&disk.store(), &room.clock);
        let store = recorder.own_store();
        room.level(&recorder, NOON, 1.0).await;
        room.back_up(&store);
        let mut shipper = room.archive.ship(&store).unwrap();
        turn_read_only(&disk, &recorder).await;
        let fader = recorder.series(series("Main.gain"));
        let happened = NOON + MINUTE;
        room.clock.set(happened);
        recorder.changes(happened, vec![number(fader, 2.0)]).await;
        recorder.flush().await.unwrap_err();
        room.clock.set(happened + HOUR);
        recorder.flush().await.unwrap_err();
        assert_eq!(recorder.vouched().until_ms, Some(NOON));
        assert_eq!(ship_all(&mut shipper), NOON);
        room.back_up(&store);
        assert_eq!(room.covered_to(), NOON);
        remount(disk.path(), "rw");
        until(&recorder, "it works again", |stats| stats.queued == 0).await;
        recorder.flush().await.unwrap();
        assert_eq!(recorder.vouched().until_ms, Some(happened + HOUR));
        assert_eq!(ship_all(&mut shipper), happened + HOUR);
        stop(recorder, thread).await;
    }
}

#[tokio::test]
async fn in_a_quiet_room_coverage_goes_on_though_nothing_changes() {
    let room = Room::new();
    let options = RecorderOptions {
        arrival: Duration::from_secs(1),
        ..options(&room.clock)
    };
    let (recorder, thread) = Recorder::start(room.store(), options).unwrap();
    let store = recorder.own_store();
    room.level(&recorder, NOON, 1.0).await;
    assert_eq!(recorder.vouched().until_ms, Some(NOON));
    room.back_up(&store);
    for minutes in 1..=60 {
        let now = NOON + minutes * MINUTE;
        room.clock.set(now);
        recorder.flush().await.unwrap();
        // A change takes up to a second to arrive.
        assert_eq!(
            ship_all(&mut room.archive.ship(&store).unwrap()),
            now - 1_000
        );
        assert_eq!(room.covered_to(), now - 1_000);
        assert_eq!(unknown(&room.plan(now - 1_000)), [""; 0]);
    }
    room.back_up(&store);
    assert_eq!(room.covered_to(), NOON + HOUR - 1_000);
    stop(recorder, thread).await;
    assert_eq!(
        Store::open(room.store())
            .unwrap()
            .vouched()
            .unwrap()
            .until_ms,
        Some(NOON + HOUR - 1_000)
    );
}

#[tokio::test]
async fn a_recorder_vouches_for_nothing_new_before_the_room_is_seen_again() {
    let room = Room::new();
    let (recorder, thread) = room.start();
    assert_eq!(recorder.vouched(), Vouched::default());
    room.level(&recorder, NOON, 1.0).await;
    stop(recorder, thread).await;
    room.clock.set(NOON + HOUR);
    let (recorder, thread) = room.start();
    recorder.flush().await.unwrap();
    let vouched = recorder.vouched();
    assert_eq!(vouched.until_ms, Some(NOON));
    assert!(vouched.open_gap.unwrap().why.contains("not running"));
    room.back_up(&recorder.own_store());
    assert_eq!(room.covered_to(), NOON);
    room.level(&recorder, NOON + HOUR, 1.0).await;
    assert_eq!(
        recorder.vouched(),
        Vouched {
            until_ms: Some(NOON + HOUR),
            open_gap: None
        }
    );
    stop(recorder, thread).await;
}

#[tokio::test]
async fn silence_counts_as_a_quiet_room_only_as_far_as_the_room_was_heard() {
    let room = Room::new();
    let (recorder, thread) = room.start();
    room.level(&recorder, NOON, 1.0).await;
    room.clock.set(NOON + MINUTE);
    recorder.heard(NOON + MINUTE);
    recorder.flush().await.unwrap();
    assert_eq!(recorder.vouched().until_ms, Some(NOON + MINUTE));
    // Nobody has noticed yet that the link is dead.
    room.clock.set(NOON + 2 * MINUTE);
    recorder.flush().await.unwrap();
    room.back_up(&recorder.own_store());
    assert_eq!(room.covered_to(), NOON + MINUTE);
    // What is committed was seen, whatever was heard before.
    room.level(&recorder, NOON + 3 * MINUTE, 2.0).await;
    assert_eq!(recorder.vouched().until_ms, Some(NOON + 3 * MINUTE));
    stop(recorder, thread).await;
}
