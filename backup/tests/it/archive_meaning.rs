//! What comes back says what was recorded: every row under its own control, with its own text, whatever came between.

use std::path::Path;

use backup::{
    Archive, Depth, Destination, Event, ExportOptions, Format, Recorder, RestoreSource, SeriesId,
    Store, export, import,
};

use crate::stage::{NOON, TestClock, all, change, series, start, stop};

/// A store with its archive.
struct Room {
    dir: tempfile::TempDir,
    archive: Archive,
    clock: TestClock,
}

/// Faders, each with a text of another kind, so that every series learns a rule of its own, or none.
fn faders(recorder: &Recorder, names: &[&str]) -> Vec<SeriesId> {
    let paths = names.iter().map(|name| format!("{name}.gain"));
    paths.map(|path| recorder.series(series(&path))).collect()
}

async fn play(recorder: &Recorder, clock: &TestClock, faders: &[SeriesId], from: i64, n: i64) {
    for step in 0..n {
        let at = from + step * 10;
        clock.set(at);
        let which = step as usize % faders.len();
        let value = (step * 37 % 100) as f64 - 60.0;
        let text = match which % 3 {
            0 => format!("{value:.1}dB"),
            1 => format!("{value:.0} units"),
            _ => format!("step {step}"),
        };
        let position = (value + 100.0) / 120.0;
        recorder
            .changes(at, vec![change(faders[which], value, &text, position)])
            .await;
    }
    recorder.flush().await.unwrap();
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

    fn events(&self) -> std::path::PathBuf {
        self.dir.path().join("events")
    }

    fn back_up(&self) -> String {
        let store = Store::open(self.events()).unwrap();
        self.archive.backup(&store, &[], &()).unwrap().id
    }

    /// Ships all that is committed.
    fn ship(&self) {
        let store = Store::open(self.events()).unwrap();
        let mut shipper = self.archive.ship(&store).unwrap();
        while shipper.step().unwrap().more {}
    }

    /// What a restore of the latest state brings into an empty folder.
    fn comes_back(&self) -> Vec<Event> {
        let elsewhere = tempfile::tempdir().unwrap();
        let plan = self
            .archive
            .plan(RestoreSource::Latest, None, elsewhere.path())
            .unwrap();
        plan.build(&()).unwrap().swap().unwrap();
        all(elsewhere.path())
    }

    fn sound(&self) {
        let report = self.archive.verify(None, Depth::Deep);
        assert!(report.ok, "{:#?}", report.findings);
    }
}

fn same(found: &[Event], expected: &[Event]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn after_a_restore_that_kept_newer_events_the_next_backup_brings_back_what_was_there() {
    let room = Room::new();
    let (recorder, thread) = start(&room.events(), &room.clock);
    let first = faders(&recorder, &["A", "B", "C"]);
    play(&recorder, &room.clock, &first, NOON, 60).await;
    let oldest = room.back_up();
    // More controls than the first backup knows, in another order.
    let more = faders(&recorder, &["F", "E", "B", "D", "A", "C"]);
    play(&recorder, &room.clock, &more, NOON + 10_000, 240).await;
    room.back_up();
    stop(recorder, thread).await;
    let before = all(&room.events());
    let plan = room
        .archive
        .plan(RestoreSource::Id(oldest), None, &room.events())
        .unwrap();
    plan.keep_newer().build(&()).unwrap().swap().unwrap();
    same(&all(&room.events()), &before);
    room.back_up();
    same(&room.comes_back(), &before);
    let (recorder, thread) = start(&room.events(), &room.clock);
    let again = faders(&recorder, &["D", "G", "A"]);
    play(&recorder, &room.clock, &again, NOON + 60_000, 90).await;
    room.back_up();
    same(&room.comes_back(), &all(&room.events()));
    play(&recorder, &room.clock, &again, NOON + 90_000, 30).await;
    room.ship();
    same(&room.comes_back(), &all(&room.events()));
    stop(recorder, thread).await;
    room.sound();
}

fn export_to(file: &Path, from: &Path) {
    let options = ExportOptions {
        since_ms: None,
        until_ms: None,
        format: Format::JsonLines,
        gz: false,
        exported_at_ms: NOON,
    };
    let mut out = std::fs::File::create(file).unwrap();
    export(&Store::open(from).unwrap(), &options, &mut out).unwrap();
}

#[tokio::test]
async fn imported_events_come_back_under_their_own_controls() {
    let room = Room::new();
    let (recorder, thread) = start(&room.events(), &room.clock);
    let faders_now = faders(&recorder, &["A", "B", "C", "D"]);
    play(&recorder, &room.clock, &faders_now, NOON, 120).await;
    room.back_up();
    stop(recorder, thread).await;
    let kept = room.dir.path().join("kept");
    std::fs::rename(room.events(), &kept).unwrap();
    std::fs::create_dir(room.events()).unwrap();
    // As the agent does at its start.
    assert!(room.archive.take_up(&room.events()).unwrap());
    // The order in which the controls come is another one now.
    let (recorder, thread) = start(&room.events(), &room.clock);
    let other = faders(&recorder, &["Z", "D", "C"]);
    play(&recorder, &room.clock, &other, NOON + 20_000, 30).await;
    stop(recorder, thread).await;
    let file = kept.join("out.jsonl");
    export_to(&file, &kept);
    import(Destination::Folder(&room.events()), &file).unwrap();
    let (recorder, thread) = start(&room.events(), &room.clock);
    let other = faders(&recorder, &["C", "Z", "A"]);
    play(&recorder, &room.clock, &other, NOON + 40_000, 60).await;
    stop(recorder, thread).await;
    room.back_up();
    same(&room.comes_back(), &all(&room.events()));
    room.sound();
}

#[tokio::test]
async fn an_import_between_a_backup_and_shipping_loses_no_text() {
    let room = Room::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let (recorder, thread) = start(elsewhere.path(), &room.clock);
    let others = faders(&recorder, &["X", "Y", "B", "A"]);
    play(&recorder, &room.clock, &others, NOON + 3_000, 80).await;
    stop(recorder, thread).await;
    let (recorder, thread) = start(&room.events(), &room.clock);
    let own = faders(&recorder, &["A", "B", "C"]);
    play(&recorder, &room.clock, &own, NOON, 60).await;
    room.back_up();
    let file = elsewhere.path().join("out.jsonl");
    export_to(&file, elsewhere.path());
    let into = recorder.clone();
    let imported =
        tokio::task::spawn_blocking(move || import(Destination::Recorder(&into), &file).unwrap());
    assert_eq!(imported.await.unwrap().added, 80);
    play(&recorder, &room.clock, &own, NOON + 30_000, 60).await;
    room.ship();
    // What was shipped after the backup is all there; what was imported into the past comes with the next backup.
    let back = room.comes_back();
    let there = all(&room.events());
    for event in &back {
        assert!(there.contains(event), "never recorded: {event:?}");
    }
    for event in there.iter().filter(|event| event.at_ms >= NOON + 30_000) {
        assert!(back.contains(event), "not there: {event:?}");
    }
    room.back_up();
    same(&room.comes_back(), &there);
    stop(recorder, thread).await;
    room.sound();
}
