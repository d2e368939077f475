//! A disk that has room and no inode: said as what it is, with the way out.

use backup::{Archive, Change, Error, Recorder, RecorderState, RestoreSource, StoreLock, StoreUse};

use crate::archive_stage::Stage;
use crate::disks::until;
use crate::small_disk::SmallDisk;
use crate::stage::{NOON, TestClock, number, series, start, stop};

fn names_inodes(error: &Error) {
    let text = error.to_string();
    assert!(text.contains("no inode left for another file"), "{text}");
    assert!(text.contains(" MB are free"), "{text}");
    assert!(!text.contains("the disk is full"), "{text}");
    assert!(error.hint().unwrap().contains("more inodes"), "{error:?}");
}

#[test]
fn a_disk_without_inodes_is_told_from_a_full_one() {
    let stage = Stage::with(2, 50);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let disk = SmallDisk::of_few_files();
    let backups = disk.path().join("backups");
    let archive = Archive::open(&backups).unwrap();
    let target = disk.path().join("restored");
    std::fs::create_dir(&target).unwrap();
    disk.use_up_inodes();

    names_inodes(&archive.backup(&stage.store, &[], &()).unwrap_err());
    let plan = stage.archive.plan(RestoreSource::Latest, None, &target);
    names_inodes(&plan.unwrap().build(&()).unwrap_err());
    names_inodes(&StoreLock::take(&target, StoreUse::Import).unwrap_err());
}

#[tokio::test]
async fn a_recorder_without_inodes_says_so_and_goes_on_by_itself() {
    let disk = SmallDisk::of_few_files();
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(&disk.store(), &clock);
    let id = recorder.series(series("Room.level"));
    let record = async |recorder: &Recorder, ms, value| {
        let changes: Vec<Change> = vec![number(id, value)];
        recorder.changes(ms, changes).await;
    };
    disk.use_up_inodes();
    record(&recorder, NOON, 1.0).await;
    until(&recorder, "it says that there is no inode", |stats| {
        let RecorderState::Failing { reason, .. } = &stats.state else {
            return false;
        };
        assert!(reason.contains("inode"), "{reason}");
        true
    })
    .await;
    for n in 0..10 {
        std::fs::remove_file(disk.path().join(format!("empty-{n}"))).unwrap();
    }
    recorder.flush().await.unwrap();
    stop(recorder, thread).await;
}
