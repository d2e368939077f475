//! Days whose files somebody takes away: told, brought back, and not forgotten before that.

use std::fs;
use std::path::PathBuf;

use backup::{
    Archive, Clock as _, Day, Destination, Gap, Policy, Recorder, RecorderThread, RestorePlan,
    RestoreSource, Retention, Store, TrustedNow, import, undo,
};

use crate::archive_forge::backdate;
use crate::archive_jobs::copy_tree;
use crate::stage::{NOON, TestClock, number, numbers, series, start, stop};

const DAY: i64 = 86_400_000;

/// Several recorded days, and an archive beside them.
struct Site {
    dir: tempfile::TempDir,
    clock: TestClock,
    days: Vec<Day>,
    running: Option<(Recorder, RecorderThread)>,
}

impl Site {
    /// Of so many days, the n-th with events of value n at noon and n + 0.5 an hour later.
    async fn of(days: i64) -> Site {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("events")).unwrap();
        let mut site = Site {
            dir,
            clock: TestClock::at(NOON),
            days: (0..days).map(|n| Day::of_ms(NOON + n * DAY)).collect(),
            running: None,
        };
        for n in 0..days {
            site.clock.set(NOON + n * DAY);
            site.record(n as f64).await;
            site.clock.set(NOON + n * DAY + 3_600_000);
            site.record(n as f64 + 0.5).await;
        }
        site
    }

    fn events(&self) -> PathBuf {
        self.dir.path().join("events")
    }

    fn archive(&self) -> Archive {
        Archive::open(self.dir.path().join("backups")).unwrap()
    }

    fn store(&self) -> Store {
        match &self.running {
            Some((recorder, _)) => recorder.own_store(),
            None => Store::open(self.events()).unwrap(),
        }
    }

    async fn record(&mut self, value: f64) {
        let (dir, clock) = (self.events(), &self.clock);
        let (recorder, _) = self.running.get_or_insert_with(|| start(&dir, clock));
        let id = recorder.series(series("Lobby.gain"));
        recorder
            .changes(self.clock.now_ms(), vec![number(id, value)])
            .await;
        recorder.flush().await.unwrap();
    }

    async fn end(&mut self) {
        if let Some((recorder, thread)) = self.running.take() {
            stop(recorder, thread).await;
        }
    }

    fn back_up(&self) -> String {
        self.archive().backup(&self.store(), &[], &()).unwrap().id
    }

    fn ship(&self) {
        let mut shipper = self.archive().ship(&self.store()).unwrap();
        while shipper.step().unwrap().more {}
    }

    fn remove(&self, day: Day) {
        fs::remove_file(self.store().day_path(day)).unwrap();
    }

    fn look_for_losses(&self) -> Vec<Day> {
        let (recorder, _) = self.running.as_ref().unwrap();
        recorder.look_for_losses().unwrap()
    }

    fn gaps(&self) -> Vec<Gap> {
        self.store().gaps(0, i64::MAX).unwrap()
    }

    fn lost(&self) -> Vec<Day> {
        self.store().lost_days(&self.gaps())
    }

    fn plan(&self, from: RestoreSource, at: Option<i64>) -> RestorePlan {
        self.archive().plan(from, at, &self.events()).unwrap()
    }

    /// Does what is said to bring a lost day back.
    async fn bring_back(&mut self, day: Day) {
        let losses = self.archive().losses(&self.store(), &[day]).unwrap();
        let (id, to_ms) = losses[0].from.clone().expect("a backup holds it");
        self.end().await;
        let plan = self.plan(RestoreSource::Id(id), Some(to_ms));
        plan.keep_newer().build(&()).unwrap().swap().unwrap();
    }

    fn lineages(&self) -> usize {
        let text = fs::read_to_string(self.events().join("store.json")).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        document["lineages"].as_array().unwrap().len()
    }
}

fn over(gap: &Gap, day: Day) -> bool {
    gap.lost_day() == Some(day) && gap.from_ms == day.start_ms() && gap.to_ms == day.end_ms() - 1
}

#[tokio::test]
async fn a_day_that_is_removed_while_the_recorder_runs_is_told_once_and_another_history_begins() {
    let mut site = Site::of(3).await;
    site.back_up();
    let lost = site.days[1];
    site.remove(lost);
    // The open one, too: that is put back.
    site.remove(site.days[2]);
    assert_eq!(site.store().untold_losses(), site.days[1..]);
    assert_eq!(site.lost(), site.days[1..]);
    let before = site.lineages();
    assert_eq!(site.look_for_losses(), [lost]);
    for _ in 0..2 {
        assert!(site.gaps().iter().any(|gap| over(gap, lost)));
        assert_eq!(site.gaps().len(), 1, "{:?}", site.gaps());
        assert_eq!(site.lost(), [lost]);
        assert_eq!(site.lineages(), before + 1);
        assert_eq!(site.look_for_losses(), []);
    }
    site.record(9.0).await;
    assert_eq!(numbers(&site.events()), [0.0, 0.5, 2.0, 2.5, 9.0]);
    let word = site.store().vouched().unwrap();
    assert!(word.until_ms >= Some(NOON + 2 * DAY), "{word:?}");
    // A start tells nothing more.
    site.end().await;
    site.record(10.0).await;
    let told = site
        .gaps()
        .into_iter()
        .filter(|gap| gap.lost_day().is_some());
    assert_eq!(told.count(), 1);
    site.end().await;
}

#[tokio::test]
async fn a_restore_to_a_moment_of_a_lost_day_uses_the_backup_that_holds_it_and_says_which() {
    for running in [true, false] {
        let mut site = Site::of(3).await;
        let held = site.back_up();
        let lost = site.days[1];
        if !running {
            site.end().await;
        }
        site.remove(lost);
        match running {
            true => drop(site.look_for_losses()),
            false => site.record(8.0).await,
        }
        let newest = site.back_up();
        site.record(9.0).await;
        site.ship();
        site.end().await;
        let plan = site.plan(RestoreSource::Latest, Some(NOON + DAY + 60_000));
        assert_eq!(plan.from, format!("backup {held}"));
        assert!(plan.not_recorded.is_none());
        assert_eq!(plan.lost().count(), 0);
        let told = |note: &String| note.contains(&held) && note.contains(&lost.to_string());
        assert!(plan.notes.iter().any(told), "{:?}", plan.notes);
        let target = tempfile::tempdir().unwrap();
        let plan = site.archive().plan(
            RestoreSource::Latest,
            Some(NOON + DAY + 60_000),
            target.path(),
        );
        plan.unwrap().build(&()).unwrap().swap().unwrap();
        assert_eq!(numbers(target.path()), [0.0, 0.5, 1.0]);

        // What the newest one lacks is said, with what brings it back.
        for (from, at) in [
            (RestoreSource::Latest, None),
            (RestoreSource::Latest, Some(NOON + 2 * DAY + 60_000)),
            (RestoreSource::Id(newest.clone()), None),
        ] {
            let plan = site.plan(from, at);
            assert_eq!(plan.from, format!("backup {newest}"));
            let lacks: Vec<_> = plan.lost().cloned().collect();
            assert_eq!(lacks.len(), 1);
            assert_eq!(lacks[0].day, lost);
            assert_eq!(lacks[0].from.as_ref().unwrap().0, held);
            let done = plan.build(&()).unwrap().swap().unwrap();
            assert_eq!(done.lost, lacks);
        }
        // A moment before it lacks nothing.
        let plan = site.plan(RestoreSource::Latest, Some(NOON + 60_000));
        assert_eq!(plan.lost().count(), 0);
    }
}

#[tokio::test]
async fn what_was_shipped_of_a_lost_day_comes_back_with_it() {
    let mut site = Site::of(2).await;
    let held = site.back_up();
    site.record(7.0).await;
    site.ship();
    site.clock.set(NOON + 2 * DAY);
    site.record(8.0).await;
    site.ship();
    let lost = site.days[1];
    site.remove(lost);
    assert_eq!(site.look_for_losses(), [lost]);
    site.back_up();
    site.back_up();
    let at = Some(NOON + DAY + 3_600_000);
    let plan = site.plan(RestoreSource::Latest, at);
    assert_eq!(plan.from, format!("backup {held}"));
    site.bring_back(lost).await;
    assert_eq!(numbers(&site.events()), [0.0, 0.5, 1.0, 1.5, 7.0, 8.0]);
}

#[tokio::test]
async fn the_last_backup_that_holds_a_lost_day_stays_until_the_day_is_back() {
    let mut site = Site::of(3).await;
    // In another hour each: those of one hour have rules of their own.
    let back_up = |site: &Site, hours_ago: i64| {
        let made = site.back_up();
        backdate(&site.dir.path().join("backups"), hours_ago);
        made
    };
    let held = back_up(&site, 9);
    let lost = site.days[1];
    site.remove(lost);
    site.look_for_losses();
    let prune = |site: &Site| {
        let now = TrustedNow::confirmed(&backup::SystemClock);
        let (store, policy) = (site.store(), Policy::count(1));
        let report = site.archive().prune_beside(&store, policy, now, false);
        report.unwrap().kept
    };
    for hours_ago in [8, 7, 6] {
        back_up(&site, hours_ago);
        assert!(prune(&site).contains(&held));
    }
    site.bring_back(lost).await;
    back_up(&site, 5);
    assert!(!prune(&site).contains(&held));
}

#[tokio::test]
async fn a_lost_day_that_came_back_is_no_gap_any_more_nor_in_later_backups() {
    let mut site = Site::of(3).await;
    site.back_up();
    let lost = site.days[1];
    site.remove(lost);
    site.look_for_losses();
    site.back_up();
    let tells = |gaps: &[Gap]| gaps.iter().any(|gap| gap.lost_day() == Some(lost));
    let recoverable = |site: &Site| site.archive().recoverable().unwrap().unwrap().gaps;
    assert!(tells(&site.gaps()) && tells(&recoverable(&site)));
    site.bring_back(lost).await;
    assert!(!tells(&site.gaps()));
    assert_eq!(site.lost(), []);
    assert_eq!(numbers(&site.events()), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
    site.record(9.0).await;
    assert_eq!(site.look_for_losses(), []);
    site.back_up();
    assert!(!tells(&recoverable(&site)));
    assert!(!tells(&site.plan(RestoreSource::Latest, None).gaps));
    site.end().await;
    // Taken back, it is lost again.
    undo(&site.events()).unwrap();
    assert_eq!(site.lost(), [lost]);
    assert!(tells(&site.gaps()));
    site.bring_back(lost).await;
    assert_eq!(site.lost(), []);
}

#[tokio::test]
async fn a_lost_day_that_begins_again_is_lost_until_what_was_before_is_back() {
    for by_import in [false, true] {
        let mut site = Site::of(2).await;
        let held = site.back_up();
        let lost = site.days[1];
        if by_import {
            site.clock.set(NOON + 2 * DAY);
            site.record(5.0).await;
            site.remove(lost);
            let file = site.dir.path().join("late.csv");
            let text = format!(
                "timestamp,control_path,value\n{},Bar.gain,6\n",
                NOON + DAY + 7_200_000
            );
            fs::write(&file, text).unwrap();
            let (recorder, _) = site.running.as_ref().unwrap();
            let into = recorder.clone();
            let import = move || import(Destination::Recorder(&into), &file).unwrap();
            assert_eq!(tokio::task::spawn_blocking(import).await.unwrap().added, 1);
        } else {
            site.end().await;
            site.remove(lost);
            site.clock.set(NOON + DAY + 7_200_000);
            site.record(6.0).await;
        }
        assert_eq!(site.lost(), [lost], "by import: {by_import}");
        site.back_up();
        // The backup since has the day, too, but not what was lost of it.
        let losses = site.archive().losses(&site.store(), &[lost]).unwrap();
        assert_eq!(losses[0].from.as_ref().unwrap().0, held);
        let plan = site.plan(RestoreSource::Latest, Some(NOON + DAY));
        assert_eq!(plan.from, format!("backup {held}"));
        site.bring_back(lost).await;
        assert_eq!(site.lost(), []);
        let there = numbers(&site.events());
        assert_eq!(there[..5], [0.0, 0.5, 1.0, 1.5, 6.0]);
        let gaps = site.gaps();
        let told = gaps
            .iter()
            .find(|gap| gap.lost_day() == Some(lost))
            .unwrap();
        assert_eq!(
            told.from_ms,
            NOON + DAY + 3_600_000,
            "where what came back ends"
        );
        site.end().await;
    }
}

#[tokio::test]
async fn a_day_that_is_lost_with_the_ledger_is_known_from_the_backups() {
    let mut site = Site::of(4).await;
    site.back_up();
    site.end().await;
    let now_days = (backup::SystemClock.now_ms() - NOON) / DAY;
    let keeps = |days: i64| Retention {
        days: Some(u32::try_from(now_days + days).unwrap()),
        bytes: None,
    };
    site.remove(site.days[0]);
    site.remove(site.days[2]);
    fs::remove_file(site.events().join("ledger.jsonl")).unwrap();
    assert_eq!(site.lost(), []);
    let recall = |site: &Site, retention| {
        let archive = site.archive();
        archive.recall_days(&site.store(), &retention).unwrap()
    };
    // The first one may have left by its age.
    assert_eq!(recall(&site, keeps(-1)), [site.days[2]]);
    assert_eq!(recall(&site, keeps(-1)), []);
    assert_eq!(site.lost(), [site.days[2]]);
    site.record(9.0).await;
    assert_eq!(site.lost(), [site.days[2]]);
    site.bring_back(site.days[2]).await;
    assert_eq!(site.lost(), []);
    // What the restore has brought begins another history, of which no backup tells.
    fs::remove_file(site.events().join("ledger.jsonl")).unwrap();
    assert_eq!(recall(&site, keeps(9)), []);
    site.record(10.0).await;
    site.back_up();
    site.end().await;
    // Size takes the oldest first.
    let by_size = Retention {
        days: None,
        bytes: Some(1 << 30),
    };
    fs::remove_file(site.events().join("ledger.jsonl")).unwrap();
    site.remove(site.days[0]);
    assert_eq!(recall(&site, by_size), []);
    fs::remove_file(site.events().join("ledger.jsonl")).unwrap();
    site.remove(site.days[2]);
    assert_eq!(recall(&site, by_size), [site.days[2]]);
}

#[tokio::test]
async fn a_day_that_left_by_a_rule_or_a_restore_is_recalled_by_no_backup() {
    let mut site = Site::of(4).await;
    let first = site.back_up();
    site.back_up();
    let retention = Retention {
        days: Some(1),
        bytes: None,
    };
    let now = TrustedNow::confirmed(&site.clock);
    let archive = site.archive();
    archive
        .prune_days(&site.store(), &retention, now, false)
        .unwrap();
    let all = Retention::default();
    assert_eq!(archive.recall_days(&site.store(), &all).unwrap(), []);
    site.end().await;
    let plan = site.plan(RestoreSource::Id(first), Some(NOON));
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(archive.recall_days(&site.store(), &all).unwrap(), []);
    assert_eq!(site.lost(), []);
}

#[tokio::test]
async fn a_store_put_back_to_an_older_copy_says_what_was_recorded_since_and_which_backup_has_it() {
    let mut site = Site::of(2).await;
    site.back_up();
    site.end().await;
    site.archive().take_up(&site.events()).unwrap();
    let before = site.lineages();
    let copy = site.dir.path().join("copy");
    copy_tree(&site.events(), &copy);

    let at = |hours: i64| NOON + DAY + hours * 3_600_000;
    for (hours, value) in [(2, 7.0), (26, 8.0)] {
        site.clock.set(at(hours));
        site.record(value).await;
    }
    let held = site.back_up();
    site.clock.set(at(27));
    site.record(9.0).await;
    site.ship();
    site.end().await;
    site.archive().take_up(&site.events()).unwrap();
    assert_eq!(site.lineages(), before);
    fs::remove_dir_all(site.events()).unwrap();
    fs::rename(&copy, site.events()).unwrap();
    let archive = site.archive();
    let recalled = archive.recall_days(&site.store(), &Retention::default());
    assert_eq!(recalled.unwrap(), []);

    archive.take_up(&site.events()).unwrap();
    site.clock.set(at(30));
    site.record(10.0).await;
    let told = format!(
        "the store was put back to an older copy, or a copy of it was recorded into elsewhere; what was recorded until 2026-03-03T15:00:00.000Z is in backup {held}"
    );
    let gap = Gap {
        from_ms: at(1),
        to_ms: at(30),
        why: told,
    };
    assert_eq!(site.gaps(), [gap]);
    assert_eq!(site.lineages(), before + 1);
    crate::archive_stage::let_lie(archive.dir());
    site.back_up();
    site.end().await;
    archive.take_up(&site.events()).unwrap();
    assert_eq!(site.lineages(), before + 1);
    for (hours, from, last) in [(26, held.as_str(), 8.0), (27, held.as_str(), 9.0)] {
        let target = tempfile::tempdir().unwrap();
        let plan = archive.plan(RestoreSource::Latest, Some(at(hours)), target.path());
        let plan = plan.unwrap();
        assert_eq!(plan.from, format!("backup {from}"));
        plan.build(&()).unwrap().swap().unwrap();
        assert_eq!(numbers(target.path()).last(), Some(&last));
    }
}
