//! What root makes in somebody's folders belongs to them.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use backup::{Depth, Destination, RestoreSource, StoreLock, StoreUse, import, undo};

use crate::archive_jobs::ship;
use crate::archive_stage::{DAY_MS, Stage, day_ms, seed_database};

/// No user of any machine.
const USER: u32 = 54_321;

fn all_is_the_users(path: &Path) {
    let meta = path.symlink_metadata().unwrap();
    assert_eq!((meta.uid(), meta.gid()), (USER, USER), "{}", path.display());
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            all_is_the_users(&entry.unwrap().path());
        }
    }
}

#[test]
fn what_root_makes_in_somebodys_folders_belongs_to_them() {
    let stage = Stage::new();
    for folder in [stage.dir.path(), &stage.events_dir(), &stage.backups_dir()] {
        if let Err(why) = chown(folder, Some(USER), Some(USER)) {
            panic!(
                "NOT RUN: this test gives files to a second user: run it as root, or with \
                 `unshare --user --map-root-user --map-auto --mount cargo test …` ({why})"
            );
        }
    }
    let check = || {
        all_is_the_users(&stage.events_dir());
        all_is_the_users(&stage.backups_dir());
    };
    stage.record(day_ms(0), 50, 1000);
    // With what SQLite keeps beside an open database.
    let open = stage.writer(day_ms(1));
    check();
    drop(open);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    check();
    stage.record(day_ms(0) + 1_000_000, 10, 10);
    ship(&stage.archive, &stage.events_dir()).unwrap();
    check();
    assert!(stage.archive.verify(None, Depth::Deep).ok);
    let plan = (stage.archive)
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    let built = plan.build(&()).unwrap();
    check();
    built.swap().unwrap();
    check();
    undo(&stage.events_dir()).unwrap();
    check();
    let original = stage.dir.path().join("seed.db");
    seed_database(&original, 10, DAY_MS + 5_000_000);
    import(Destination::Folder(&stage.events_dir()), &original).unwrap();
    check();
    let made = stage.dir.path().join("new/deep/store");
    drop(StoreLock::take(&made, StoreUse::Restore).unwrap());
    all_is_the_users(&stage.dir.path().join("new"));
}
