//! One agent at a time ships into an archive: whoever finds that another one has begun keeps its hands off.

use std::fs;
use std::path::Path;

use backup::{Depth, Error, RestoreSource, Shipper, Store};
use serde_json::Value as Json;

use crate::archive_jobs::copy_tree;
use crate::archive_stage::{Stage, all_in, bytes_in, day_ms, let_lie};
use crate::reader::read;

fn ship_all(shipper: &mut Shipper) {
    while shipper.step().unwrap().more {}
}

fn owner(stage: &Stage) -> Json {
    let bytes = fs::read(stage.backups_dir().join("archive.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// It is refused, names who ships and since when, and nothing in the archive changes.
fn refused(stage: &Stage, shipper: &mut Shipper, other: &Path) {
    let before = bytes_in(&stage.backups_dir());
    for _ in 0..3 {
        let error = shipper.step().unwrap_err();
        assert!(matches!(error, Error::OtherAgent { .. }), "{error}");
        let said = error.to_string();
        let path = other.canonicalize().unwrap();
        for part in [path.to_str().unwrap(), "since 20", "s ago"] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        let hint = error.hint().unwrap();
        assert!(hint.contains("another folder"), "{hint}");
    }
    assert_eq!(bytes_in(&stage.backups_dir()), before);
}

fn all_comes_back(stage: &Stage, store: &Path) {
    let target = tempfile::tempdir().unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(all_in(target.path()), all_in(store));
    let report = stage.archive.verify(None, Depth::Quick);
    assert!(report.ok, "{report:?}");
}

#[test]
fn an_agent_that_wakes_up_leaves_the_archive_to_the_one_that_took_it_over() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut frozen = stage.archive.ship(&stage.store).unwrap();
    stage.record(day_ms(0) + 1_000_000, 10, 100);
    ship_all(&mut frozen);
    let copy = stage.dir.path().join("copy");
    copy_tree(&stage.events_dir(), &copy);
    let error = stage.archive.ship(&Store::open(&copy).unwrap());
    assert!(matches!(error, Err(Error::OtherAgent { .. })));
    let_lie(&stage.backups_dir());
    let mut other = stage.archive.ship(&Store::open(&copy).unwrap()).unwrap();
    ship_all(&mut other);

    stage.record(day_ms(0) + 2_000_000, 10, 100);
    refused(&stage, &mut frozen, &copy);
    ship_all(&mut other);
    // Once that one is quiet, it goes on, and the other one is refused.
    let_lie(&stage.backups_dir());
    let error = frozen.step().unwrap_err();
    assert!(matches!(error, Error::OtherArchive { .. }), "{error}");
    let mut again = stage.archive.ship(&stage.store).unwrap();
    ship_all(&mut again);
    refused(&stage, &mut other, &stage.events_dir());
    all_comes_back(&stage, &stage.events_dir());
}

#[test]
fn of_two_machines_with_one_identity_the_later_one_ships() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut first = stage.archive.ship(&stage.store).unwrap();
    stage.record(day_ms(0) + 1_000_000, 10, 100);
    ship_all(&mut first);
    // To the archive a clone is an agent that started again.
    let mut clone = stage.archive.ship(&stage.store).unwrap();
    ship_all(&mut clone);
    stage.record(day_ms(0) + 2_000_000, 10, 100);
    refused(&stage, &mut first, &stage.events_dir());
    ship_all(&mut clone);
    refused(&stage, &mut first, &stage.events_dir());
    all_comes_back(&stage, &stage.events_dir());
}

#[test]
fn a_clones_backup_is_refused_while_the_other_one_ships() {
    let stage = Stage::with(1, 100);
    let (home, first, clone) = (
        stage.events_dir(),
        stage.dir.path().join("first"),
        stage.dir.path().join("clone"),
    );
    let back_up = || {
        let store = Store::open(&home).unwrap();
        stage.archive.backup(&store, &[], &())
    };
    back_up().unwrap();
    ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    copy_tree(&home, &clone);
    ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    // Its own backup, with shipping or after it.
    back_up().unwrap();
    // The same place of another machine, whose ids are the same.
    fs::rename(&home, &first).unwrap();
    fs::rename(&clone, &home).unwrap();
    let before = bytes_in(&stage.backups_dir());
    let error = back_up().unwrap_err();
    assert!(matches!(error, Error::OtherAgent { .. }), "{error}");
    assert!(error.to_string().contains("shipping since 20"), "{error}");
    assert_eq!(bytes_in(&stage.backups_dir()), before);
    // Once that one is quiet.
    let_lie(&stage.backups_dir());
    back_up().unwrap();
    // The clone began to ship, so the first one may not.
    ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    fs::rename(&home, &clone).unwrap();
    fs::rename(&first, &home).unwrap();
    let error = back_up().unwrap_err();
    assert!(matches!(error, Error::OtherAgent { .. }), "{error}");
}

#[test]
fn each_start_of_shipping_is_a_session_that_backups_leave_alone() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(owner(&stage)["session"], Json::Null);
    let mut ids = Vec::new();
    for number in 1..4 {
        let mut shipper = stage.archive.ship(&stage.store).unwrap();
        ship_all(&mut shipper);
        let says = owner(&stage);
        assert_eq!(says["session"]["number"], number);
        assert!(says["session"]["since_ms"].as_i64().unwrap() > 0);
        let id = says["session"]["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 32);
        assert!(!ids.contains(&id));
        ids.push(id);
        stage.record(day_ms(0) + number * 1_000_000, 10, 100);
        stage.archive.backup(&stage.store, &[], &()).unwrap();
        assert_eq!(owner(&stage), says);
        ship_all(&mut shipper);
    }
}

#[test]
fn an_older_copy_of_the_archive_is_told_from_another_agent() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    let (copy, aside) = (stage.dir.path().join("old"), stage.dir.path().join("gone"));
    copy_tree(&stage.backups_dir(), &copy);
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    stage.record(day_ms(0) + 1_000_000, 10, 100);
    ship_all(&mut shipper);
    fs::rename(stage.backups_dir(), aside).unwrap();
    fs::rename(copy, stage.backups_dir()).unwrap();
    stage.record(day_ms(0) + 2_000_000, 10, 100);
    let error = shipper.step().unwrap_err();
    assert!(matches!(error, Error::OtherArchive { .. }), "{error}");
    assert!(error.to_string().contains("older copy"), "{error}");
    ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    all_comes_back(&stage, &stage.events_dir());
}

/// As two agents of a program did it that knew no sessions: each believes that the archive is its own.
struct Believer {
    stage_dir: std::path::PathBuf,
    shipper: Shipper,
    says: Vec<u8>,
}

impl Believer {
    fn begin(stage: &Stage, store: &Path) -> Believer {
        let shipper = stage.archive.ship(&Store::open(store).unwrap()).unwrap();
        let mut begun = Believer {
            stage_dir: stage.backups_dir(),
            shipper,
            says: fs::read(stage.backups_dir().join("archive.json")).unwrap(),
        };
        begun.ship();
        begun
    }

    fn ship(&mut self) {
        let file = self.stage_dir.join("archive.json");
        fs::write(&file, &self.says).unwrap();
        ship_all(&mut self.shipper);
        self.says = fs::read(file).unwrap();
    }
}

/// The ids of the events that the script reads.
fn read_by_script(archive: &Path) -> Vec<i64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reader/read.py");
    let ran = std::process::Command::new("python3")
        .arg(script)
        .arg(archive)
        .output()
        .unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    let rows = printed.lines().map(serde_json::from_str::<Json>);
    rows.map(|row| row.unwrap()[0].as_i64().unwrap()).collect()
}

/// A restore brings back what was planned and what the readers read, and the span is told. Gives what comes back.
fn as_the_readers(stage: &Stage) -> Vec<(i64, f64)> {
    let target = tempfile::tempdir().unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    let (planned, gaps, notes) = (plan.events, plan.gaps.clone(), plan.notes.clone());
    let report = plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(report.events, planned);
    let back = all_in(target.path());
    let ids: Vec<i64> = back.iter().map(|(id, _)| *id).collect();
    let reading = read(&stage.backups_dir());
    assert_eq!(ids, reading.rows.keys().copied().collect::<Vec<_>>());
    assert_eq!(ids, read_by_script(&stage.backups_dir()));
    let told = |why: &str| why.contains("shipped twice, by two agents");
    assert!(gaps.iter().any(|gap| told(&gap.why)), "{gaps:?}");
    assert!(notes.iter().any(|note| told(note)), "{notes:?}");
    let verified = stage.archive.verify(None, Depth::Quick);
    let mut found = verified.findings.iter();
    assert!(found.any(|finding| told(&finding.found)), "{verified:?}");
    back
}

#[test]
fn of_records_with_one_number_the_one_that_goes_on_is_taken() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let copy = Stage::new();
    for (path, bytes) in bytes_in(&stage.events_dir()) {
        fs::write(copy.events_dir().join(path.file_name().unwrap()), bytes).unwrap();
    }
    copy_tree(&stage.backups_dir(), &copy.backups_dir());
    let_lie(&copy.backups_dir());
    let mut first = stage.archive.ship(&stage.store).unwrap();
    let mut second = copy.archive.ship(&copy.store).unwrap();
    for n in 1..6 {
        stage.record(day_ms(0) + n * 1_000_000, 10, 100);
        copy.record(day_ms(0) + n * 1_000_000 + 50, 10, 100 + n % 3);
        if n != 2 {
            ship_all(&mut first);
        }
        if n != 4 {
            ship_all(&mut second);
        }
    }
    let file = |stage: &Stage, number: u64| {
        let name = format!("segments/segment-{number:010}.jsonl.gz");
        stage.backups_dir().join(name)
    };
    fs::copy(file(&copy, 1), file(&stage, 2)).unwrap();
    let back = as_the_readers(&stage);
    let own = stage.all();
    assert!(own.iter().all(|event| back.contains(event)));
}

#[test]
fn what_two_agents_shipped_at_once_comes_back_with_the_span_told() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let copy = Stage::new();
    for (path, bytes) in bytes_in(&stage.events_dir()) {
        fs::write(copy.events_dir().join(path.file_name().unwrap()), bytes).unwrap();
    }
    let mut first = Believer::begin(&stage, &stage.events_dir());
    let_lie(&stage.backups_dir());
    let mut second = Believer::begin(&stage, &copy.events_dir());
    for n in 1..6 {
        // What one room did, with other stamps, and one of the two a little behind the other.
        stage.record(day_ms(0) + n * 1_000_000, 10, 100);
        copy.record(day_ms(0) + n * 1_000_000 + 50, 9 + n % 2, 100 + n % 3);
        if n != 3 {
            first.ship();
        }
        second.ship();
    }
    let back = as_the_readers(&stage);
    // All of one room's time is there, from one or the other.
    let rooms = [stage.all(), copy.all()];
    for n in 1..6 {
        let from = backup::EventId::first_of_ms(day_ms(0) + n * 1_000_000).0;
        let to = backup::EventId::first_of_ms(day_ms(0) + (n + 1) * 1_000_000).0;
        let count = |events: &[(i64, f64)]| {
            let within = events.iter().filter(|(id, _)| (from..to).contains(id));
            within.count()
        };
        let least = rooms.iter().map(|room| count(room)).min().unwrap();
        assert!(
            count(&back) >= least,
            "round {n}: {} of {least}",
            count(&back)
        );
    }
    // The next backup closes it.
    let_lie(&stage.backups_dir());
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    all_comes_back(&stage, &stage.events_dir());
}
