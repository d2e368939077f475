//! kill -9 at every step of backup, prune, restore, undo, import, verification and shipping: the next start finds everything as before or as after.
//!
//! A child stops itself with SIGKILL at the n-th of the archive's marked steps, or is killed by its parent at a random
//! moment.

use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use backup::{
    Depth, Destination, Policy, RestoreSource, Store, import, plan_undo, undo, undo_steps,
};

use crate::archive_forge::four_backups;
use crate::archive_jobs::{KILL_AT, child, copy_stage, ship, sound_archive, started};
use crate::archive_stage::{Stage, all_in, day_ms, now};

const RANDOM_KILLS: usize = 30;

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
        copy_stage(stage.dir.path(), copy.path());
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
        copy_stage(stage.dir.path(), copy.path());
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
        archive.prune(Policy::count(1), now(), false).unwrap();
        sound_archive(dir);
    };
    at_every_step(&stage, "backup", check);
    at_random_moments(&stage, "backup", check);
}

#[test]
fn an_import_killed_anywhere_leaves_no_half_of_a_new_day_and_the_next_one_ends_it() {
    let stage = Stage::with(1, 100);
    let mut text = "timestamp,control_path,value\n".to_owned();
    for n in 0..60 {
        text += &format!("{},A.new,{n}\n", day_ms(n / 20) + n);
    }
    let file = stage.dir.path().join("in.csv");
    std::fs::write(&file, text).unwrap();
    let check = |dir: &Path| {
        let events = dir.join("events");
        let store = Store::open(&events).unwrap();
        for day in store.days().unwrap().into_iter().skip(1) {
            assert_eq!(store.day_summary(day).unwrap().events, 20, "{day}");
        }
        import(Destination::Folder(&events), &dir.join("in.csv")).unwrap();
        assert_eq!(all_in(&events).len(), 160);
        for entry in events.read_dir().unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with(".tmp-"), "{name} is left");
        }
    };
    at_every_step(&stage, "import", check);
    at_random_moments(&stage, "import", check);
}

#[test]
fn a_prune_killed_anywhere_never_takes_what_a_backup_needs() {
    let stage = four_backups();
    let check = |dir: &Path| {
        let archive = sound_archive(dir);
        assert_eq!(archive.list().unwrap()[0].events, Some(240));
        let report = archive.prune(Policy::count(1), now(), false).unwrap();
        assert_eq!(report.kept.len(), 1);
        assert!(
            archive
                .prune(Policy::count(1), now(), true)
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
    let (stage, then, now) = Stage::restored();
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
fn an_exchange_killed_anywhere_among_several_steps_leaves_all_steps_that_were_there() {
    // The first restore's step below, and events since, so that the undo builds a day.
    let (stage, _, _) = Stage::restored();
    let first = undo_steps(&stage.events_dir()).unwrap()[0].number;
    stage.record(day_ms(1) + 1_500_000, 25, 10);
    let before = stage.all();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(day_ms(1)), &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    stage.record(day_ms(1) + 1_700_000, 5, 10);
    let now = stage.all();
    let with_newer = {
        let mut all = before.clone();
        all.extend(&now[now.len() - 5..]);
        all
    };
    let check = |dir: &Path| {
        let events = dir.join("events");
        let found = started(dir);
        let steps = undo_steps(&events).unwrap();
        let what: Vec<bool> = steps
            .iter()
            .map(|step| step.what.starts_with("undo"))
            .collect();
        assert!(steps.iter().any(|step| step.number == first), "{steps:?}");
        if found == with_newer {
            assert_eq!(what, [true, false]);
        } else {
            assert!(found == now, "{} events", found.len());
            assert_eq!(what, [false, false]);
            undo(&events).unwrap();
            assert!(all_in(&events) == with_newer);
        }
        // Every other state is still in a step.
        let steps = undo_steps(&events).unwrap();
        let plan = plan_undo(&events, Some(steps[0].number)).unwrap();
        plan.build(&()).unwrap().swap().unwrap();
        assert!(all_in(&events) == now);
    };
    at_every_step(&stage, "undo", check);
    at_random_moments(&stage, "undo", check);
    let check = |dir: &Path| {
        let found = started(dir);
        let steps = undo_steps(&dir.join("events")).unwrap();
        assert!(
            steps.len() == 2 && found == now || steps.len() == 3,
            "{steps:?}"
        );
        for _ in 2..steps.len() {
            undo(&dir.join("events")).unwrap();
            assert!(started(dir) == now);
        }
        undo(&dir.join("events")).unwrap();
        assert!(started(dir) == with_newer);
    };
    at_every_step(&stage, "restore", check);
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
    ship(&stage.archive, &stage.events_dir()).unwrap();
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
        ship(&archive, &dir.join("events")).unwrap();
        assert_eq!(latest(), all);
    };
    at_every_step(&stage, "ship", check);
    at_random_moments(&stage, "ship", check);
}
