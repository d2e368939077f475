//! What may go and what must stay.

use backup::{Day, Retention, Store};
use proptest::prelude::*;

use crate::stage::{NOON, TestClock, number, series, start, stop};

const DAY: i64 = 86_400_000;

proptest! {
    #[test]
    fn only_archived_days_of_the_past_go_and_only_as_many_as_needed(
        sizes in proptest::collection::vec(0u64..1000, 0..40),
        archived in proptest::collection::vec(any::<bool>(), 40),
        days in proptest::option::of(0u32..40),
        bytes in proptest::option::of(0u64..20_000),
        today in 0usize..45,
    ) {
        let first = Day::of_ms(NOON);
        let day = |n: usize| Day::of_ms(first.start_ms() + n as i64 * DAY);
        let files: Vec<(Day, u64)> = sizes.iter().enumerate().map(|(n, size)| (day(n), *size)).collect();
        let is_archived = |d: Day| archived[((d.start_ms() - first.start_ms()) / DAY) as usize];
        let plan = Retention { days, bytes }.plan(&files, day(today), &is_archived);
        prop_assert!(plan.remove.is_sorted_by_key(|fate| fate.day));
        for fate in &plan.remove {
            prop_assert!(is_archived(fate.day) && fate.day < day(today));
            prop_assert!(Some(fate.day) != files.last().map(|(day, _)| *day));
        }
        prop_assert!(plan.kept.iter().all(|fate| !is_archived(fate.day)));
        if days.is_none() && bytes.is_none() {
            prop_assert!(plan.remove.is_empty() && plan.kept.is_empty());
        }
        if let (None, Some(limit), Some(last)) = (days, bytes, plan.remove.last()) {
            let left: u64 = sizes.iter().sum::<u64>() - plan.remove.iter().map(|fate| fate.bytes).sum::<u64>();
            prop_assert!(left + last.bytes > limit, "one too many");
        }
    }
}

#[tokio::test]
async fn old_days_go_as_whole_files_while_recording_goes_on() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("A.a"));
    for day in 0..5 {
        clock.set(NOON + day * DAY);
        recorder
            .changes(NOON + day * DAY, vec![number(id, day as f64)])
            .await;
    }
    recorder.flush().await.unwrap();
    let store = Store::open(dir.path()).unwrap();
    let retention = Retention {
        days: Some(2),
        bytes: None,
    };
    let unsafe_day = Day::of_ms(NOON + DAY);
    let plan = store
        .plan_retention(&retention, NOON + 4 * DAY, &|day| day != unsafe_day)
        .unwrap();
    assert_eq!(
        plan.remove.iter().map(|fate| fate.day).collect::<Vec<_>>(),
        [Day::of_ms(NOON)]
    );
    assert_eq!(plan.kept[0].day, unsafe_day);
    assert!(plan.kept[0].why.contains("not archived"));
    assert_eq!(store.days().unwrap().len(), 5, "a plan changes nothing");
    store.remove_days(&plan).unwrap();
    assert_eq!(store.days().unwrap().len(), 4);
    recorder
        .changes(NOON + 4 * DAY, vec![number(id, 9.0)])
        .await;
    recorder.flush().await.unwrap();
    assert_eq!(store.summary().unwrap().events, 5);
    stop(recorder, thread).await;
}
