//! A small model of restores and undos: no event that was recorded is ever out of reach.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use backup::{Depth, RestoreSource, UndoLimit, plan_undo, undo_steps};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::archive_stage::{Stage, all_in, day_ms};

#[derive(Debug, Clone)]
enum Work {
    Record(i64),
    NextDay,
    Backup,
    /// From one of the backups, to a part of its span, in thousandths.
    Restore(Index, i64, bool),
    /// The next step or a certain one; what was recorded since stays or goes.
    Undo(Option<Index>, bool),
    PruneUndo(usize),
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![
        4 => (1..40_i64).prop_map(Work::Record),
        1 => Just(Work::NextDay),
        2 => Just(Work::Backup),
        4 => (any::<Index>(), 0..=1000_i64, any::<bool>()).prop_map(|(from, at, keep)| Work::Restore(from, at, keep)),
        4 => (proptest::option::of(any::<Index>()), any::<bool>()).prop_map(|(step, force)| Work::Undo(step, force)),
        2 => (0..3_usize).prop_map(Work::PruneUndo),
    ]
}

type Ids = BTreeSet<i64>;

fn ids(dir: &Path) -> Ids {
    all_in(dir).into_iter().map(|(id, _)| id).collect()
}

struct Model {
    stage: Stage,
    /// When the next event comes.
    now: i64,
    recorded: Ids,
    /// What each backup holds.
    backups: BTreeMap<String, Ids>,
}

impl Model {
    fn new() -> Model {
        Model {
            stage: Stage::new(),
            now: day_ms(0) + 1_000_000,
            recorded: Ids::new(),
            backups: BTreeMap::new(),
        }
    }

    fn store(&self) -> Ids {
        ids(&self.stage.events_dir())
    }

    fn run(&mut self, work: &Work) {
        let dir = self.stage.events_dir();
        let archive = &self.stage.archive;
        match work {
            Work::Record(events) => {
                let before = self.store();
                self.stage.record(self.now, *events, 1000);
                self.now += events * 1000;
                self.recorded.extend(self.store().difference(&before));
            }
            Work::NextDay => self.now += 86_400_000,
            Work::Backup => {
                let made = archive.backup(&self.stage.store, &[], &());
                // An empty store is no backup.
                if let Ok(made) = made {
                    self.backups.insert(made.id, self.store());
                }
            }
            Work::Restore(from, at, keep) => {
                if self.backups.is_empty() {
                    return;
                }
                let ids: Vec<&String> = self.backups.keys().collect();
                let id = ids[from.index(ids.len())].clone();
                let held = &self.backups[&id];
                let (first, last) = (held.first().unwrap() >> 12, held.last().unwrap() >> 12);
                let at = first + (last - first) * at / 1000;
                let plan = archive.plan(RestoreSource::Id(id), Some(at), &dir).unwrap();
                let plan = if *keep { plan.keep_newer() } else { plan };
                let before = self.store();
                let (gained, lost) = (plan.events_gained, plan.events_lost);
                plan.build(&()).unwrap().swap().unwrap();
                self.moved(&before, gained, lost);
            }
            Work::Undo(step, force) => {
                let steps = undo_steps(&dir).unwrap();
                if steps.is_empty() {
                    return;
                }
                let step = step.map(|step| steps[step.index(steps.len())].number);
                let plan = plan_undo(&dir, step).unwrap();
                let told = plan.step.clone();
                let plan = if *force { plan.force() } else { plan };
                let before = self.store();
                let report = plan.build(&()).unwrap().swap().unwrap();
                self.moved(&before, report.events_gained, report.events_lost);
                let dropped = if *force { told.events_since } else { 0 };
                assert_eq!(report.events_gained, told.events_gained);
                assert_eq!(report.events_lost, told.events_lost + dropped);
                let left = undo_steps(&dir).unwrap();
                assert_eq!(left.len(), steps.len(), "one is used up and one is left");
                assert!(left.iter().all(|left| left.number != told.number));
            }
            Work::PruneUndo(steps) => {
                let limit = UndoLimit {
                    steps: *steps,
                    bytes: None,
                };
                archive.prune_undo(&dir, &limit, false).unwrap();
            }
        }
    }

    /// What came and went is what was told.
    fn moved(&self, before: &Ids, gained: u64, lost: u64) {
        let after = self.store();
        assert_eq!(after.difference(before).count() as u64, gained);
        assert_eq!(before.difference(&after).count() as u64, lost);
    }

    fn check(&self) {
        let dir = self.stage.events_dir();
        let mut reached = self.store();
        for step in undo_steps(&dir).unwrap() {
            reached.extend(ids(&dir.join(format!(".undo/{}/files", step.number))));
        }
        for held in self.backups.values() {
            reached.extend(held);
        }
        let lost: Vec<_> = self.recorded.difference(&reached).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    /// The backups hold what the model says, and taking back step after step reaches what they do not.
    fn at_last(self) {
        let archive = &self.stage.archive;
        assert!(archive.verify(None, Depth::Quick).ok);
        for (id, held) in &self.backups {
            let elsewhere = tempfile::tempdir().unwrap();
            let source = RestoreSource::Id(id.clone());
            let plan = archive.plan(source, None, elsewhere.path()).unwrap();
            plan.build(&()).unwrap().swap().unwrap();
            assert!(ids(elsewhere.path()) == *held);
        }
        let dir = self.stage.events_dir();
        let mut reached = self.store();
        reached.extend(self.backups.values().flatten());
        let steps: Vec<u64> = undo_steps(&dir)
            .unwrap()
            .iter()
            .map(|step| step.number)
            .collect();
        for step in steps {
            let plan = plan_undo(&dir, Some(step)).unwrap();
            plan.force().build(&()).unwrap().swap().unwrap();
            reached.extend(self.store());
        }
        assert!(self.recorded.is_subset(&reached));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_restored_and_undone_every_event_can_be_reached(works in proptest::collection::vec(work(), 4..24)) {
        let mut model = Model::new();
        for work in [Work::Record(20), Work::Backup, Work::Record(10)] {
            model.run(&work);
        }
        for work in &works {
            model.run(work);
            model.check();
        }
        model.at_last();
    }
}
