//! What may go and what must stay.

use backup::{
    Archive, Clock as _, Day, Destination, Retention, Store, StoredDay, TrustedNow, import,
};
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
        let files: Vec<StoredDay> = sizes.iter().enumerate()
            .map(|(n, size)| StoredDay { day: day(n), bytes: *size, came_ms: None }).collect();
        let now = TrustedNow::confirmed(&TestClock::at(day(today).start_ms()));
        let is_archived = |d: Day| archived[((d.start_ms() - first.start_ms()) / DAY) as usize];
        let plan = Retention { days, bytes }.plan(&files, now, &is_archived);
        prop_assert!(plan.remove.is_sorted_by_key(|fate| fate.day));
        for fate in &plan.remove {
            prop_assert!(is_archived(fate.day) && fate.day < day(today));
            prop_assert!(Some(fate.day) != files.last().map(|file| file.day));
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

#[test]
fn an_old_day_stays_as_long_from_when_it_came_into_the_store_as_a_new_one() {
    let (today, old) = (Day::of_ms(NOON), Day::of_ms(NOON - 400 * DAY));
    let retention = Retention {
        days: Some(30),
        bytes: None,
    };
    let came_ms = NOON - 29 * DAY;
    let files = |came_ms| {
        [(old, came_ms), (today, Some(NOON))].map(|(day, came_ms)| StoredDay {
            day,
            bytes: 1,
            came_ms,
        })
    };
    let plan_at = |now_ms: i64, came_ms| {
        let now = TrustedNow::confirmed(&TestClock::at(now_ms));
        retention.plan(&files(came_ms), now, &|_| true)
    };
    let plan = plan_at(NOON, Some(came_ms));
    assert!(plan.remove.is_empty() && plan.kept.is_empty());
    assert_eq!(plan.newcomers[0].day, old);
    assert_eq!(
        plan.newcomers[0].why,
        "older than 30 days, but it came into the store at 2026-01-31 12:00:00 and stays as long from then on"
    );
    // What was said when it came holds to the day.
    let leaves_ms = retention.leaves_at_ms(old, came_ms).unwrap();
    assert_eq!(plan_at(leaves_ms - 1, Some(came_ms)).newcomers.len(), 1);
    assert_eq!(plan_at(leaves_ms, Some(came_ms)).remove[0].day, old);
    assert_eq!(retention.leaves_at_ms(today, came_ms), None);
    // A time in the future says nothing.
    for came_ms in [None, Some(NOON + DAY)] {
        assert_eq!(plan_at(NOON, came_ms).remove[0].day, old);
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
    let now = TrustedNow::confirmed(&TestClock::at(NOON + 4 * DAY));
    let unsafe_day = Day::of_ms(NOON + DAY);
    let plan = store
        .plan_retention(&retention, now, &|day| day != unsafe_day)
        .unwrap();
    assert_eq!(
        plan.remove.iter().map(|fate| fate.day).collect::<Vec<_>>(),
        [Day::of_ms(NOON)]
    );
    assert_eq!(plan.kept[0].day, unsafe_day);
    assert!(plan.kept[0].why.contains("not archived"));
    assert_eq!(store.days().unwrap().len(), 5, "a plan changes nothing");
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    archive.backup(&store, &[], &()).unwrap();
    // The second day gains an event that is not archived.
    let late = NOON + DAY + 1;
    let file = dir.path().join("late.jsonl");
    let line = format!("{{\"timestamp\":{late},\"control_path\":\"A.a\",\"value\":7}}\n");
    std::fs::write(&file, line).unwrap();
    import(Destination::Recorder(&recorder), &file).unwrap();
    let pruned = archive.prune_days(&store, &retention, now, false).unwrap();
    assert_eq!(pruned.remove, plan.remove);
    assert_eq!(pruned.kept[0].day, unsafe_day);
    assert_eq!(store.days().unwrap().len(), 4);
    recorder
        .changes(NOON + 4 * DAY, vec![number(id, 9.0)])
        .await;
    recorder.flush().await.unwrap();
    assert_eq!(store.summary().unwrap().events, 6);
    stop(recorder, thread).await;
}

#[tokio::test]
async fn a_day_that_left_by_a_rule_is_no_loss_and_one_that_a_hand_took_is() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let days: Vec<Day> = (0..4).map(|n| Day::of_ms(NOON + n * DAY)).collect();
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    for day in &days {
        clock.set(day.start_ms() + 1);
        let change = number(id, 1.0);
        recorder.changes(clock.now_ms(), vec![change]).await;
        recorder.flush().await.unwrap();
    }
    let store = Store::open(dir.path()).unwrap();
    let retention = Retention {
        days: Some(2),
        bytes: None,
    };
    let now = TrustedNow::confirmed(&clock);
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    archive.backup(&store, &[], &()).unwrap();
    archive.prune_days(&store, &retention, now, false).unwrap();
    assert_eq!(store.days().unwrap(), days[1..]);
    stop(recorder, thread).await;
    let gaps = || -> Vec<String> {
        let gaps = store.gaps(0, i64::MAX).unwrap();
        gaps.into_iter().map(|gap| gap.why).collect()
    };
    let (recorder, thread) = start(dir.path(), &clock);
    stop(recorder, thread).await;
    assert_eq!(gaps(), [""; 0]);

    std::fs::remove_file(store.day_path(days[1])).unwrap();
    // Told once, however often it starts.
    for _ in 0..2 {
        let (recorder, thread) = start(dir.path(), &clock);
        stop(recorder, thread).await;
        let told = format!("{} was removed by another program", days[1].file_name());
        assert_eq!(gaps(), [told]);
    }
}
