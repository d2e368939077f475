//! Segments: what was committed between two backups comes back as well.

use backup::{Depth, RestoreSource, Shipper, Store};

use crate::archive_stage::{Stage, all_in, day_ms};

fn ship_all(shipper: &mut Shipper) -> u64 {
    let mut events = 0;
    loop {
        let shipped = shipper.step().unwrap();
        events += shipped.events;
        if !shipped.more {
            return events;
        }
    }
}

fn segments(stage: &Stage) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(stage.backups_dir().join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn restored(stage: &Stage, at: Option<i64>) -> Vec<(i64, f64)> {
    let target = stage.dir.path().join("restored");
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, at, &target)
        .unwrap();
    let expected = plan.events;
    let report = plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(report.events, expected);
    let all = all_in(&target);
    assert_eq!(all.len() as u64, expected);
    all
}

#[test]
fn what_was_shipped_after_a_backup_comes_back_over_midnight_too() {
    let stage = Stage::with(1, 300);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    for n in 0..5 {
        stage.record(day_ms(0) + 80_000_000 + n * 10_000, 20, 100);
        assert_eq!(ship_all(&mut shipper), 20);
    }
    stage.record(day_ms(1), 50, 1000);
    stage.record(day_ms(2), 50, 1000);
    assert_eq!(ship_all(&mut shipper), 100);
    assert_eq!(ship_all(&mut shipper), 0);
    let all = stage.all();
    assert_eq!(all.len(), 500);
    assert_eq!(restored(&stage, None), all);
    // To moments inside a record, between records, and on another day.
    for count in [300, 301, 325, 330, 399, 400, 407, 450, 451] {
        let at = all[count - 1].0 >> 12;
        assert_eq!(restored(&stage, Some(at)), all[..count], "{count}");
    }
    assert!(stage.archive.verify(None, Depth::Quick).ok);
    let range = stage.archive.recoverable().unwrap().unwrap();
    assert!(range.from_ms == day_ms(0) && range.to_ms >= all[499].0 >> 12 && range.hole.is_none());
}

#[test]
fn a_shipper_goes_on_after_a_crash_that_tore_its_last_record() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    stage.record(day_ms(0) + 1_000_000, 10, 100);
    ship_all(&mut shipper);
    stage.record(day_ms(0) + 2_000_000, 10, 100);
    ship_all(&mut shipper);
    drop(shipper);
    let file = segments(&stage).pop().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    assert_eq!(restored(&stage, None).len(), 110);
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    assert_eq!(ship_all(&mut shipper), 10);
    assert_eq!(restored(&stage, None), stage.all());
}

#[test]
fn a_missing_segment_is_a_hole_that_is_shown() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    for n in 1..4 {
        // Each shipper begins a file of its own.
        stage.record(day_ms(0) + n * 1_000_000, 10, 100);
        ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    }
    std::fs::remove_file(&segments(&stage)[1]).unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    // What lies behind it comes back, too, and the store tells of the gap.
    assert_eq!(plan.events, 120);
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("missing between")),
        "{:?}",
        plan.notes
    );
    assert_eq!(plan.gaps.len(), 1);
    assert!(
        plan.gaps[0].why.contains("segment-0000000002"),
        "{:?}",
        plan.gaps
    );
    let all = stage.all();
    assert_eq!(restored(&stage, None), [&all[..110], &all[120..]].concat());
    let gaps = Store::open(stage.dir.path().join("restored"))
        .unwrap()
        .gaps(0, i64::MAX)
        .unwrap();
    assert_eq!(gaps, plan.gaps);
    let range = stage.archive.recoverable().unwrap().unwrap();
    assert_eq!(
        (range.gaps, range.hole.is_some()),
        (plan.gaps.clone(), true)
    );
    let report = stage.archive.verify(None, Depth::Quick);
    assert_eq!(report.findings[0].problem, "hole in the segments");
    // The next backup closes it.
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert!(stage.archive.verify(None, Depth::Quick).ok);
    assert_eq!(restored(&stage, None), stage.all());
}

#[test]
fn a_store_that_was_put_back_begins_another_history() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    stage.record(day_ms(0) + 1_000_000, 50, 100);
    ship_all(&mut shipper);
    let at = day_ms(0) + 50_000;
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(at), &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(
        shipper.step().unwrap().covers_to_ms,
        0,
        "the backup is of another history"
    );
    stage.record(day_ms(0) + 2_000_000, 7, 100);
    ship_all(&mut shipper);
    for shipper in [&mut shipper, &mut stage.archive.ship(&stage.store).unwrap()] {
        assert_eq!(
            shipper.step().unwrap().covers_to_ms,
            0,
            "no backup stands under it"
        );
    }
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    assert!(
        plan.notes.iter().any(|note| note.contains("put back")),
        "{:?}",
        plan.notes
    );
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(0) + 3_000_000, 5, 100);
    // The one before ended when the other one began.
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    ship_all(&mut shipper);
    let fresh = stage.archive.ship(&stage.store).unwrap().step().unwrap();
    assert!(fresh.covers_to_ms > 0, "the backup holds the beginning");
    assert_eq!(restored(&stage, None), stage.all());
    assert_eq!(stage.all().len(), 51 + 7 + 5);
}

#[test]
fn a_backup_makes_older_segments_superfluous() {
    let stage = Stage::with(1, 100);
    for n in 1..5 {
        stage.record(day_ms(0) + n * 1_000_000, 10, 100);
        ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    }
    assert_eq!(segments(&stage).len(), 4);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(
        segments(&stage).len(),
        1,
        "only the newest, which a shipper may be writing"
    );
    assert_eq!(restored(&stage, None), stage.all());
}

#[test]
fn a_damaged_record_is_found_and_never_restored() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    stage.record(day_ms(0) + 1_000_000, 100, 100);
    ship_all(&mut shipper);
    let file = segments(&stage).pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 8;
    std::fs::write(&file, bytes).unwrap();
    let report = stage.archive.verify(None, Depth::Quick);
    assert_eq!(report.findings[0].problem, "damaged segment");
    let target = stage.dir.path().join("x");
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &target)
        .unwrap();
    assert!(plan.notes[0].contains("cannot be read"), "{:?}", plan.notes);
    // What comes before the unreadable segment still restores.
    assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, 100);
    assert_eq!(all_in(&target), stage.all()[..100]);
}

#[test]
fn one_flipped_bit_anywhere_in_a_record_costs_that_record_alone_and_is_told() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    let mut ends = Vec::new();
    for n in 1..=5 {
        stage.record(day_ms(0) + n * 1_000_000, 10, 100);
        ship_all(&mut shipper);
        let file = segments(&stage).pop().unwrap();
        ends.push(std::fs::metadata(file).unwrap().len() as usize);
    }
    let all = stage.all();
    let file = segments(&stage).pop().unwrap();
    let sound = std::fs::read(&file).unwrap();
    for record in 1..4 {
        let expected = [&all[..100 + record * 10], &all[110 + record * 10..]].concat();
        // Bytes of gzip's header that nobody reads are without effect: time, flags, system.
        let begin = ends[record - 1];
        let header = (record - 1..96)
            .step_by(3)
            .filter(|at| !(4..10).contains(at));
        let rest = (96..ends[record] - begin).step_by(97);
        for at in header.chain(rest) {
            let mut bytes = sound.clone();
            bytes[begin + at] ^= 4;
            std::fs::write(&file, bytes).unwrap();
            let plan = stage
                .archive
                .plan(RestoreSource::Latest, None, &stage.events_dir())
                .unwrap();
            assert_eq!(plan.gaps.len(), 1, "record {record}, byte {at}");
            assert!(plan.notes[0].contains("segments"), "{:?}", plan.notes);
            assert_eq!(
                restored(&stage, None),
                expected,
                "record {record}, byte {at}"
            );
            assert!(!stage.archive.verify(None, Depth::Quick).ok);
        }
    }
    std::fs::write(&file, sound).unwrap();
    assert_eq!(restored(&stage, None), all);
    assert!(stage.archive.verify(None, Depth::Quick).ok);
}
