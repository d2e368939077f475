//! kill -9 at every step of backup, prune, restore, undo, verification and shipping: the next start finds everything as before or as after.
//!
//! The test binary runs itself again as a child, which stops itself with SIGKILL at the n-th of the archive's marked
//! steps (`BACKUP_TEST_KILL_AT`), or is killed by its parent at a random moment.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use backup::{Archive, Depth, Policy, RestoreSource, Store, finish_interrupted, undo};

use crate::archive_forge::backdate;
use crate::archive_stage::{Stage, all_in, day_ms};

const JOB: &str = "BACKUP_TEST_JOB";
const DIR: &str = "BACKUP_TEST_DIR";
const KILL_AT: &str = "BACKUP_TEST_KILL_AT";
const RANDOM_KILLS: usize = 30;

/// Not a test of its own: what a child does. Without the variables it does nothing.
#[test]
fn the_child_of_the_kill_tests() {
    let (Ok(job), Ok(dir)) = (std::env::var(JOB), std::env::var(DIR)) else {
        return;
    };
    if let Some(at) = std::env::var(KILL_AT).ok().and_then(|at| at.parse().ok()) {
        backup::kill_at_step(at);
    }
    let dir = Path::new(&dir);
    let (events, backups) = (dir.join("events"), dir.join("backups"));
    finish_interrupted(&events).unwrap();
    let archive = Archive::open(&backups).unwrap();
    match job.as_str() {
        "backup" => drop(
            archive
                .backup(&Store::open(&events).unwrap(), &[], &())
                .unwrap(),
        ),
        "prune" => drop(archive.prune(Policy::count(1), false).unwrap()),
        "restore" => {
            let plan = archive.plan(RestoreSource::Latest, None, &events).unwrap();
            plan.build(&()).unwrap().swap().unwrap();
        }
        "undo" => drop(undo(&events).unwrap()),
        "verify" => assert!(archive.verify(None, Depth::Deep).ok),
        "ship" => ship(&archive, &events),
        other => panic!("no job {other}"),
    }
}

fn child(job: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "archive_kill::the_child_of_the_kill_tests",
            "--nocapture",
        ])
        .env(JOB, job)
        .env(DIR, dir)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    command
}

fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(9)
}

/// Runs the job again and again on fresh copies of a stage, killed one step later each time, until it gets through;
/// `check` looks at what a next start finds.
fn at_every_step(stage: &Stage, job: &str, check: impl Fn(&Path)) {
    let mut steps = 0;
    for at in 1.. {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(stage.dir.path(), copy.path());
        let status = child(job, copy.path())
            .env(KILL_AT, at.to_string())
            .status()
            .unwrap();
        check(copy.path());
        if !was_killed(status) {
            assert!(status.success(), "{job} failed at step {at}");
            break;
        }
        steps += 1;
    }
    assert!(steps >= 4, "{job} has only {steps} steps");
}

/// The same with signals at random moments of the time that the job takes.
fn at_random_moments(stage: &Stage, job: &str, check: impl Fn(&Path)) {
    let mut random = fastrand::Rng::with_seed(20261123);
    let mut longest = Duration::ZERO;
    for n in 0..=RANDOM_KILLS {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(stage.dir.path(), copy.path());
        let begun = Instant::now();
        let mut running = child(job, copy.path()).spawn().unwrap();
        if n == 0 {
            // The first one gets through, to know how long it takes.
            assert!(running.wait().unwrap().success(), "{job}");
            longest = begun.elapsed();
        } else {
            std::thread::sleep(longest.mul_f64(random.f64()));
            let _ = running.kill();
            running.wait().unwrap();
        }
        check(copy.path());
    }
}

fn ship(archive: &Archive, events: &Path) {
    let mut shipper = archive.ship(&Store::open(events).unwrap()).unwrap();
    while shipper.step().unwrap().more {}
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn sound_archive(dir: &Path) -> Archive {
    let archive = Archive::open(dir.join("backups")).unwrap();
    let report = archive.verify(None, Depth::Quick);
    assert!(report.ok, "{:?}", report.findings);
    archive
}

/// What a next start finds in the store.
fn started(dir: &Path) -> Vec<(i64, f64)> {
    let events = dir.join("events");
    finish_interrupted(&events).unwrap();
    for left in [".restore", ".undo-next", ".undo-old"] {
        assert!(!events.join(left).exists(), "{left} is left");
    }
    all_in(&events)
}

#[test]
fn a_backup_killed_anywhere_leaves_the_former_ones_and_no_half() {
    let stage = Stage::with(2, 300);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(1) + 1_000_000, 50, 10);
    stage.record(day_ms(2), 50, 10);
    let check = |dir: &Path| {
        let archive = sound_archive(dir);
        let list = archive.list().unwrap();
        assert!(list.iter().all(|info| info.verified));
        let events: Vec<_> = list.iter().map(|info| info.events.unwrap()).collect();
        assert!(events == [600] || events == [700, 600], "{events:?}");
        // And the next one works.
        let store = Store::open(dir.join("events")).unwrap();
        assert_eq!(archive.backup(&store, &[], &()).unwrap().events, Some(700));
        archive.prune(Policy::count(1), false).unwrap();
        sound_archive(dir);
    };
    at_every_step(&stage, "backup", check);
    at_random_moments(&stage, "backup", check);
}

#[test]
fn a_prune_killed_anywhere_never_takes_what_a_backup_needs() {
    let stage = Stage::with(2, 100);
    for n in 0..4 {
        stage.record(day_ms(0) + 500 + n * 10_000, 10, 1000);
        stage.archive.backup(&stage.store, &[], &()).unwrap();
        backdate(&stage.backups_dir(), 4 - n);
    }
    let check = |dir: &Path| {
        let archive = sound_archive(dir);
        assert_eq!(archive.list().unwrap()[0].events, Some(240));
        let report = archive.prune(Policy::count(1), false).unwrap();
        assert_eq!(report.kept.len(), 1);
        assert!(
            archive
                .prune(Policy::count(1), true)
                .unwrap()
                .files
                .is_empty()
        );
        sound_archive(dir);
    };
    at_every_step(&stage, "prune", check);
    at_random_moments(&stage, "prune", check);
}

#[test]
fn a_restore_killed_anywhere_is_all_or_nothing() {
    let stage = Stage::with(3, 200);
    let then = stage.all();
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(2) + 1_000_000, 70, 10);
    stage.record(day_ms(3), 30, 10);
    let now = stage.all();
    let check = |dir: &Path| {
        let found = started(dir);
        assert!(found == then || found == now, "{} events", found.len());
        if found == then {
            undo(&dir.join("events")).unwrap();
            assert_eq!(started(dir), now);
        }
    };
    at_every_step(&stage, "restore", check);
    at_random_moments(&stage, "restore", check);
}

#[test]
fn an_undo_killed_anywhere_is_all_or_nothing() {
    let stage = Stage::with(2, 200);
    let then = stage.all();
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(1) + 1_000_000, 70, 10);
    stage.record(day_ms(2), 30, 10);
    let now = stage.all();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    let check = |dir: &Path| {
        let found = started(dir);
        assert!(found == then || found == now, "{} events", found.len());
        // Either way the other state is one undo away.
        undo(&dir.join("events")).unwrap();
        assert_eq!(started(dir).len() + found.len(), then.len() + now.len());
    };
    at_every_step(&stage, "undo", check);
    at_random_moments(&stage, "undo", check);
}

#[test]
fn a_verification_killed_anywhere_leaves_the_archive_as_proved_as_it_was() {
    let stage = Stage::with(2, 200);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(1) + 1_000_000, 50, 10);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let check = |dir: &Path| {
        let archive = sound_archive(dir);
        assert!(archive.list().unwrap().iter().all(|info| info.verified));
        for left in std::fs::read_dir(archive.dir()).unwrap() {
            let name = left.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with(".tmp-"), "{name} is left");
        }
        assert!(archive.verify(None, Depth::Deep).ok);
    };
    at_every_step(&stage, "verify", check);
    at_random_moments(&stage, "verify", check);
}

#[test]
fn shipping_killed_anywhere_leaves_whole_records_and_the_next_one_goes_on() {
    let stage = Stage::with(1, 200);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    ship(&stage.archive, &stage.events_dir());
    stage.record(day_ms(0) + 1_000_000, 300, 10);
    stage.record(day_ms(1), 30, 10);
    let all = stage.all();
    let check = |dir: &Path| {
        let archive = sound_archive(dir);
        let latest = || {
            let elsewhere = tempfile::tempdir().unwrap();
            let plan = archive
                .plan(RestoreSource::Latest, None, elsewhere.path())
                .unwrap();
            plan.build(&()).unwrap().swap().unwrap();
            all_in(elsewhere.path())
        };
        let found = latest();
        assert!(all.starts_with(&found), "{} events", found.len());
        ship(&archive, &dir.join("events"));
        assert_eq!(latest(), all);
    };
    at_every_step(&stage, "ship", check);
    at_random_moments(&stage, "ship", check);
}
