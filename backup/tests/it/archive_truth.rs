//! The state of all controls, proved against the recorder's own digest of it.

use std::path::Path;

use backup::{Archive, Depth, Destination, Recorder, Report, RestoreSource, Store, import, undo};
use rusqlite::Connection;

use crate::archive_forge::forge;
use crate::stage::{NOON, TestClock, change, number, series, start, stop};

const DAY: i64 = 86_400_000;

fn deep(archive: &Archive) -> Report {
    archive.verify(None, Depth::Deep)
}

fn proved(archive: &Archive) {
    let report = deep(archive);
    assert!(report.ok, "{:#?}", report.findings);
    assert_eq!(report.notes, [""; 0], "the recorder vouches for every day");
}

async fn backed_up(recorder: &Recorder, archive: &Archive) {
    recorder.flush().await.unwrap();
    archive
        .backup(&Store::open(recorder.dir()).unwrap(), &[], &())
        .unwrap();
}

/// Twenty controls read in full, then changes.
async fn record(recorder: &Recorder, clock: &TestClock, from_ms: i64, changes: i64) {
    let ids: Vec<_> = (0..20)
        .map(|n| recorder.series(series(&format!("Amp {n}.gain"))))
        .collect();
    clock.set(from_ms);
    let states = ids.iter().map(|id| number(*id, -100.0)).collect();
    recorder.keyframe(from_ms, states).await;
    for n in 0..changes {
        let at = from_ms + 1 + n;
        clock.set(at);
        let id = ids[(n % 17) as usize];
        let value = (n * 37 % 1000) as f64 / 10.0 - 50.0;
        let text = format!("{value:.1}dB");
        recorder
            .changes(at, vec![change(id, value, &text, n as f64 / 1e4)])
            .await;
    }
}

#[tokio::test]
async fn what_a_recorder_recorded_is_proved_to_the_state_through_its_whole_life() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events");
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(&events, &clock);
    record(&recorder, &clock, NOON, 300).await;
    backed_up(&recorder, &archive).await;
    proved(&archive);
    // More of the same day, a control that the Core no longer has, and two days' ends.
    record(&recorder, &clock, NOON + 10_000, 100).await;
    let one = recorder.series(series("Amp 1.gain"));
    recorder
        .keyframe(NOON + 20_000, vec![number(one, 3.0)])
        .await;
    backed_up(&recorder, &archive).await;
    record(&recorder, &clock, NOON + DAY, 50).await;
    record(&recorder, &clock, NOON + 2 * DAY, 50).await;
    backed_up(&recorder, &archive).await;
    proved(&archive);
    stop(recorder, thread).await;
    // Nothing recorded since: a start, and a backup.
    let (recorder, thread) = start(&events, &clock);
    backed_up(&recorder, &archive).await;
    proved(&archive);
    // Put back to an earlier moment while recording, then taken back, then recorded on.
    let plan = archive
        .plan(RestoreSource::Latest, Some(NOON + 100), &events)
        .unwrap();
    let built = plan.build(&()).unwrap();
    recorder
        .pause_and(move |_| built.swap())
        .await
        .unwrap()
        .unwrap();
    backed_up(&recorder, &archive).await;
    let report = deep(&archive);
    assert!(report.ok, "{:#?}", report.findings);
    assert!(
        report.notes.len() == 1 && report.notes[0].contains("1 of 2 days"),
        "nobody recorded the day as it was cut: {:?}",
        report.notes
    );
    recorder
        .pause_and(|events: &Path| undo(events))
        .await
        .unwrap()
        .unwrap();
    record(&recorder, &clock, NOON + 2 * DAY + 50_000, 30).await;
    backed_up(&recorder, &archive).await;
    let newest = archive.list().unwrap()[0].id.clone();
    let report = archive.verify(Some(&newest), Depth::Deep);
    assert!(report.ok && report.notes.is_empty(), "{report:#?}");
    stop(recorder, thread).await;
}

#[tokio::test]
async fn a_perfect_forgery_of_hashes_is_found_by_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events");
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(&events, &clock);
    record(&recorder, &clock, NOON, 300).await;
    backed_up(&recorder, &archive).await;
    stop(recorder, thread).await;
    proved(&archive);
    // Somebody who knows the format changes one value and makes every hash and the seal again.
    forge(archive.dir(), |day: &Connection| {
        let changed = day
            .execute(
                "UPDATE changes SET value = -3.5, string = '-3.5dB' WHERE id = (SELECT max(id) FROM changes)",
                [],
            )
            .unwrap();
        assert_eq!(changed, 1);
    });
    let quick = archive.verify(None, Depth::Quick);
    assert!(quick.ok, "every hash is right: {:?}", quick.findings);
    let report = deep(&archive);
    assert_eq!(report.findings.len(), 1, "{report:#?}");
    let finding = &report.findings[0];
    assert_eq!(finding.problem, "another state than was recorded");
    assert!(finding.path.to_string_lossy().contains("events-2026-03-01"));
    assert!(finding.expected.contains("recorder's own digest"));
    assert!(finding.found.contains("after a restore") && !finding.hint.is_empty());
    assert!(
        !archive.list().unwrap()[0].verified,
        "and it is listed as damaged from now on"
    );
}

#[tokio::test]
async fn a_forged_row_that_no_state_shows_is_found_by_the_digest_of_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events");
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(&events, &clock);
    record(&recorder, &clock, NOON, 300).await;
    backed_up(&recorder, &archive).await;
    stop(recorder, thread).await;
    for (n, forgery) in [
        "UPDATE changes SET value = -3.5 WHERE id = (SELECT min(id) FROM changes)",
        "UPDATE changes SET series = (SELECT min(id) + 1 FROM series)
         WHERE id = (SELECT min(id) FROM changes WHERE series <> (SELECT min(id) + 1 FROM series))",
        "UPDATE changes SET at = 1 WHERE id = (SELECT min(id) FROM changes)",
        "UPDATE series SET source = 'somebody' WHERE id = (SELECT min(id) FROM series)",
    ]
    .into_iter()
    .enumerate()
    {
        forge(archive.dir(), |day: &Connection| {
            assert_eq!(day.execute(forgery, []).unwrap(), 1, "{n}");
        });
        let quick = archive.verify(None, Depth::Quick);
        assert!(quick.ok, "every hash is right: {:?}", quick.findings);
        let report = deep(&archive);
        assert_eq!(report.findings.len(), 1, "{n}: {report:#?}");
        assert_eq!(report.findings[0].problem, "other rows than were recorded");
    }
}

#[tokio::test]
async fn an_import_into_the_recorded_day_raises_no_false_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events");
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(&events, &clock);
    record(&recorder, &clock, NOON, 300).await;
    backed_up(&recorder, &archive).await;
    // An event between two recorded ones: of a control that went on changing, and of one that did not.
    let export = dir.path().join("more.jsonl");
    for (n, control) in ["Amp 3.gain", "Amp 19.gain"].iter().enumerate() {
        let line = format!(
            r#"{{"timestamp":{},"change_group_id":"desk","control_path":"{control}","component_name":"Amp","control_name":"gain","value":7.0,"string_value":"7","source":"qrc"}}"#,
            NOON + 50
        );
        std::fs::write(&export, line).unwrap();
        let (recorder, export) = (recorder.clone(), export.clone());
        let report =
            tokio::task::spawn_blocking(move || import(Destination::Recorder(&recorder), &export))
                .await
                .unwrap()
                .unwrap();
        assert_eq!(report.added, 1, "{n} {report:?}");
    }
    backed_up(&recorder, &archive).await;
    let report = deep(&archive);
    assert!(report.ok, "{:#?}", report.findings);
    assert_eq!(
        report.notes.len(),
        1,
        "what the recorder knows and what was imported differ: it does not vouch"
    );
    // The next full reading makes it certain again.
    record(&recorder, &clock, NOON + 60_000, 10).await;
    backed_up(&recorder, &archive).await;
    let report = deep(&archive);
    assert!(report.ok && report.notes.len() == 1, "{report:#?}");
    assert!(
        !report.notes[0].contains(&archive.list().unwrap()[0].id),
        "the newest backup is proved: {:?}",
        report.notes
    );
    stop(recorder, thread).await;
}

#[test]
fn a_backup_without_the_digest_verifies_with_a_note() {
    let stage = crate::archive_stage::Stage::with(2, 50);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let report = deep(&stage.archive);
    assert!(report.ok, "{:?}", report.findings);
    assert!(
        report.notes[0].contains("2 of 2 days"),
        "{:?}",
        report.notes
    );
}
