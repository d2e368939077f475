//! The archive's work in a process of its own, which a test may stop or starve at any of the marked steps: the test
//! binary runs itself again as a child.

use std::path::Path;
use std::process::Command;

use backup::{
    Archive, Depth, Destination, Policy, RestoreSource, Shipper, Store, finish_interrupted, import,
    undo,
};

use crate::archive_stage::{all_in, let_lie, now};

const JOB: &str = "BACKUP_TEST_JOB";
const DIR: &str = "BACKUP_TEST_DIR";
/// The step to be killed at.
pub(crate) const KILL_AT: &str = "BACKUP_TEST_KILL_AT";
/// The step at which the disk is full.
pub(crate) const FULL_AT: &str = "BACKUP_TEST_FULL_AT";
/// What the disk refuses.
pub(crate) const REFUSED: &str = "BACKUP_TEST_REFUSED";
/// What came of a full disk: whether the job reached that step, and what its error said.
pub(crate) const SAID: &str = "said.txt";

/// Not a test of its own: what a child does. Without the variables it does nothing.
#[test]
fn the_child_of_the_tests_of_steps() {
    let (Ok(job), Ok(dir)) = (std::env::var(JOB), std::env::var(DIR)) else {
        return;
    };
    let dir = Path::new(&dir);
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    if let Some(at) = number(KILL_AT) {
        backup::kill_at_step(at);
    }
    if let Ok(what) = std::env::var(REFUSED) {
        return std::fs::write(dir.join(SAID), refused(&what, &job, dir)).unwrap();
    }
    let Some(at) = number(FULL_AT) else {
        return run(&job, dir).unwrap();
    };
    backup::full_at_step(at);
    let said = match run(&job, dir) {
        Ok(()) => String::new(),
        Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
    };
    let came = backup::steps_left() == 0;
    std::fs::write(dir.join(SAID), format!("{came}\n{said}")).unwrap();
}

/// Does a job on disks that refuse something: the error, and a line for each lesser way that was gone.
fn refused(what: &str, job: &str, dir: &Path) -> String {
    backup::refuse(match what {
        "folder sync" => backup::Refused::FolderSync,
        "lock" => backup::Refused::Lock,
        other => panic!("nothing refuses {other}"),
    });
    let error = run(job, dir).map_or_else(
        |error| format!("{error}; {}", error.hint().unwrap_or_default()),
        |()| String::new(),
    );
    let ways = backup::lesser_ways().into_iter();
    ways.fold(error, |said, way| format!("{said}\n{way}"))
}

fn run(job: &str, dir: &Path) -> backup::Result<()> {
    let (events, backups) = (dir.join("events"), dir.join("backups"));
    finish_interrupted(&events)?;
    let archive = Archive::open(&backups)?;
    match job {
        "backup" => archive.backup(&Store::open(&events)?, &[], &()).map(drop),
        "prune" => archive.prune(Policy::count(1), now(), false).map(drop),
        "restore" => {
            let plan = archive.plan(RestoreSource::Latest, None, &events)?;
            plan.build(&())?.swap().map(drop)
        }
        "restore and keep" => {
            let plan = archive.plan(RestoreSource::Latest, None, &events)?;
            plan.keep_newer().build(&())?.swap().map(drop)
        }
        "undo" => undo(&events).map(drop),
        "verify" => {
            assert!(archive.verify(None, Depth::Deep).ok);
            Ok(())
        }
        "lock the store" => backup::StoreLock::take(&events, backup::StoreUse::Import).map(drop),
        "import" => import(Destination::Folder(&events), &dir.join("in.csv")).map(drop),
        "ship" => ship_on(&archive, &events),
        other => panic!("no job {other}"),
    }
}

/// Ships everything. A step that fails is tried once more, as a running agent does; gives that failure.
fn ship_on(archive: &Archive, events: &Path) -> backup::Result<()> {
    let store = Store::open(events)?;
    let (mut shipper, mut outcome) = (None, Ok(()));
    loop {
        let stepped = match &mut shipper {
            Some(begun) => Shipper::step(begun),
            None => archive
                .ship(&store)
                .and_then(|begun| shipper.insert(begun).step()),
        };
        match stepped {
            Ok(shipped) if !shipped.more => return outcome,
            Err(error) if outcome.is_ok() => outcome = Err(error),
            stepped => drop(stepped?),
        }
    }
}

pub(crate) fn child(job: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "archive_jobs::the_child_of_the_tests_of_steps",
            "--nocapture",
        ])
        .env(JOB, job)
        .env(DIR, dir)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    command
}

pub(crate) fn ship(archive: &Archive, events: &Path) -> backup::Result<()> {
    let mut shipper = archive.ship(&Store::open(events)?)?;
    while shipper.step()?.more {}
    Ok(())
}

/// A copy of a stage, whose agent has been at rest for a while.
pub(crate) fn copy_stage(from: &Path, to: &Path) {
    copy_tree(from, to);
    let_lie(&to.join("backups"));
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
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

pub(crate) fn sound_archive(dir: &Path) -> Archive {
    let archive = Archive::open(dir.join("backups")).unwrap();
    let report = archive.verify(None, Depth::Quick);
    assert!(report.ok, "{:?}", report.findings);
    archive
}

/// What a next start finds in the store.
pub(crate) fn started(dir: &Path) -> Vec<(i64, f64)> {
    let events = dir.join("events");
    finish_interrupted(&events).unwrap();
    for left in [".restore", ".undo-next", ".undo-old"] {
        assert!(!events.join(left).exists(), "{left} is left");
    }
    all_in(&events)
}
