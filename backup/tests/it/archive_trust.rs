//! What a backup may take over from the one before, and what the two ways of bringing events back agree on.

use backup::{
    Destination, ExportOptions, Format, Query, RestoreSource, State, Store, export, import, undo,
};

use crate::archive_stage::{DAY_MS, Stage, day_ms, seed_database};
use crate::stage::{NOON, TestClock, change, number, series, start, stop};

fn stored_parts(stage: &Stage) -> usize {
    std::fs::read_dir(stage.backups_dir().join("days"))
        .unwrap()
        .count()
}

/// What the newest backup brings back.
fn comes_back(stage: &Stage) -> Vec<(i64, f64)> {
    let elsewhere = tempfile::tempdir().unwrap();
    let id = stage.archive.list().unwrap()[0].id.clone();
    let plan = stage
        .archive
        .plan(RestoreSource::Id(id), None, elsewhere.path())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    crate::archive_stage::all_in(elsewhere.path())
}

fn backed_up(stage: &Stage) {
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(comes_back(stage), stage.all());
}

#[test]
fn a_change_altered_by_hand_is_in_the_next_backup_and_later_parts_go_on_from_there() {
    let stage = Stage::with(1, 400);
    backed_up(&stage);
    let altered = stage
        .writer(DAY_MS)
        .execute("UPDATE changes SET value = 99 WHERE id % 5 = 0", [])
        .unwrap();
    assert!(altered > 0);
    stage.record(day_ms(0) + 900_000, 10, 1000);
    backed_up(&stage);
    assert!(stage.all().iter().any(|(_, value)| *value == 99.0));
    // From here on the altered day is the known one: only what is new is stored.
    stage.record(day_ms(0) + 1_900_000, 10, 1000);
    let before = stored_parts(&stage);
    let bytes = || {
        let sizes = std::fs::read_dir(stage.backups_dir().join("days")).unwrap();
        let newest = sizes
            .map(|entry| entry.unwrap().path())
            .max_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
        newest.unwrap().to_string_lossy().into_owned()
    };
    backed_up(&stage);
    assert_eq!(stored_parts(&stage), before + 1);
    assert!(bytes().contains("-after-"), "{}", bytes());
}

#[test]
fn a_backup_right_after_a_restore_an_undo_and_an_import_holds_what_is_there() {
    let stage = Stage::with(2, 300);
    backed_up(&stage);
    stage.record(day_ms(1) + 500_000, 40, 1000);
    backed_up(&stage);
    // To a moment within a day, and on from there.
    let plan = stage
        .archive
        .plan(
            RestoreSource::Latest,
            Some(day_ms(1) + 100_000),
            &stage.events_dir(),
        )
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    backed_up(&stage);
    stage.record(day_ms(1) + 100_500, 7, 1000);
    backed_up(&stage);
    undo(&stage.events_dir()).unwrap();
    backed_up(&stage);
    // An import into the past, into the middle, and after the end.
    let file = stage.dir.path().join("more.jsonl");
    let lines: String = [DAY_MS + 1, DAY_MS + 150_500, day_ms(1) + 800_000]
        .iter()
        .map(|at| {
            format!(
                "{{\"timestamp\":{at},\"control_path\":\"Amp 1.gain\",\"component_name\":\"Amp 1\",\"control_name\":\"gain\",\"value\":1.5,\"string_value\":\"1.5dB\"}}\n"
            )
        })
        .collect();
    std::fs::write(&file, lines).unwrap();
    let report = import(Destination::Folder(&stage.events_dir()), &file).unwrap();
    assert_eq!(report.added, 3, "{report:?}");
    backed_up(&stage);
    stage.record(day_ms(1) + 900_000, 5, 1000);
    backed_up(&stage);
}

#[test]
fn a_restored_file_of_the_original_and_its_import_are_the_same_events() {
    let stage = Stage::new();
    let file = stage
        .backups_dir()
        .join("events-backup-2026-03-16T00-00-00-000Z.db");
    seed_database(&file, 5000, day_ms(1) - 20_000);
    // Equal events, and several in one millisecond, each count.
    let original = rusqlite::Connection::open(&file).unwrap();
    original
        .execute(
            "INSERT INTO events (timestamp, change_group_id, control_path, component_name, control_name, value, string_value, source)
             SELECT timestamp, change_group_id, control_path, component_name, control_name, value, string_value, source
             FROM events WHERE id % 7 = 0",
            [],
        )
        .unwrap();
    drop(original);
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    let planned = plan.events;
    plan.build(&()).unwrap().swap().unwrap();
    let restored = stage.all();
    assert_eq!(restored.len() as u64, planned);
    let report = import(Destination::Folder(&stage.events_dir()), &file).unwrap();
    assert_eq!(
        (report.added, report.skipped, report.rejected),
        (0, planned, 0)
    );
    assert_eq!(stage.all(), restored);
    // And up to a moment.
    let at = day_ms(1) + 5_000;
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(at), &stage.events_dir())
        .unwrap();
    let planned = plan.events as usize;
    let elsewhere = tempfile::tempdir().unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(at), elsewhere.path())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(
        crate::archive_stage::all_in(elsewhere.path()),
        restored[..planned]
    );
    assert_eq!(restored[planned - 1].0 >> 12, at);
}

/// Everything a store answers: all events, and the state at many moments.
fn answers(dir: &std::path::Path) -> (Vec<backup::Event>, Vec<State>) {
    let store = Store::open(dir).unwrap();
    let all = store
        .events(&Query {
            limit: usize::MAX,
            ..Query::default()
        })
        .unwrap()
        .events;
    let (first, last) = (all[0].at_ms, all[all.len() - 1].at_ms);
    let states = (0..=40)
        .map(|n| store.state_at(first + (last - first) * n / 40).unwrap())
        .collect();
    (all, states)
}

type Told = Vec<(String, Option<backup::Value>, Option<String>, Option<f64>)>;

fn told(state: &State) -> Told {
    let mut told: Told = state
        .controls
        .iter()
        .map(|control| {
            let string = control.string.as_ref().map(ToString::to_string);
            (
                control.series.path.to_string(),
                control.value.clone(),
                string,
                control.position,
            )
        })
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

/// The guide's second scenario: events were deleted, recording went on.
#[tokio::test]
async fn putting_back_a_deleted_day_answers_every_question_as_if_nothing_had_been_deleted() {
    let stage = Stage::new();
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(&stage.events_dir(), &clock);
    let ids: Vec<_> = (0..30)
        .map(|n| recorder.series(series(&format!("Amp {n}.gain"))))
        .collect();
    let states: Vec<_> = ids.iter().map(|id| number(*id, 0.0)).collect();
    let write = async |from: i64, count: i64| {
        for n in 0..count {
            clock.set(from + n * 20);
            let id = ids[(n * 7 % 30) as usize];
            let value = (n % 400) as f64 / 10.0;
            recorder
                .changes(
                    from + n * 20,
                    vec![change(id, value, &format!("{value:.1}dB"), value / 100.0)],
                )
                .await;
        }
        recorder.flush().await.unwrap();
    };
    recorder.keyframe(NOON, states.clone()).await;
    write(NOON + 1, 3000).await;
    write(NOON + 86_400_000, 3000).await;
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    // The measure: the same events with nothing deleted.
    let whole = tempfile::tempdir().unwrap();
    stop(recorder, thread).await;
    // One day's file is gone, of the other an hour was cut out; then recording goes on.
    let first = stage.store.days().unwrap()[0];
    std::fs::remove_file(stage.store.day_path(first)).unwrap();
    stage
        .writer(NOON + 86_400_000)
        .execute(
            "DELETE FROM changes WHERE id BETWEEN (SELECT min(id) FROM changes) + 4000000 AND (SELECT max(id) FROM changes) - 4000000",
            [],
        )
        .unwrap();
    let (recorder, thread) = start(&stage.events_dir(), &clock);
    clock.set(NOON + 86_400_000 + 100_000);
    for n in 0..500 {
        let at = NOON + 86_400_000 + 100_000 + n * 20;
        clock.set(at);
        let id = recorder.series(series(&format!("Amp {}.gain", n % 30)));
        recorder
            .changes(at, vec![change(id, 40.0 + n as f64, "x", 0.5)])
            .await;
    }
    stop(recorder, thread).await;
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap()
        .keep_newer();
    plan.build(&()).unwrap().swap().unwrap();
    // A fresh store that got the same events by import alone.
    let file = whole.path().join("all.jsonl");
    let options = ExportOptions {
        since_ms: None,
        until_ms: None,
        format: Format::JsonLines,
        gz: false,
        exported_at_ms: 0,
    };
    let mut out = std::fs::File::create(&file).unwrap();
    export(&stage.store, &options, &mut out).unwrap();
    let fresh = whole.path().join("fresh");
    std::fs::create_dir(&fresh).unwrap();
    import(Destination::Folder(&fresh), &file).unwrap();
    let (events, states) = answers(&stage.events_dir());
    let (expected, expected_states) = answers(&fresh);
    assert_eq!(events.len(), 6500);
    assert_eq!(events, expected);
    for (found, expected) in states.iter().zip(&expected_states) {
        let (found_all, expected_all) = (told(found), told(expected));
        // An import does not know what only the first full reading told.
        let named: Told = found_all
            .into_iter()
            .filter(|control| expected_all.iter().any(|other| other.0 == control.0))
            .collect();
        assert_eq!(named, expected_all, "at {}", found.at_ms);
    }
}
