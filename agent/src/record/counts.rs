//! What the store holds, in numbers. A task of its own counts, and only the files that changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backup::{ClockStep, Day, DayStamp, Gap, Store, StoreSummary};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::record::examine::examine;

/// How often the task looks for changed files; in between, the recorder's own count is added.
const LOOK: Duration = Duration::from_secs(2);

/// How often the files are counted again if only events came.
const RECOUNT: Duration = Duration::from_secs(6);

/// The store in numbers.
#[derive(Clone, Default)]
pub(crate) struct Counted {
    pub(crate) summary: StoreSummary,
    pub(crate) gaps: Vec<Gap>,
    /// In their order.
    pub(crate) clock_steps: Vec<ClockStep>,
}

/// The numbers of a store that is being recorded into.
#[derive(Default)]
pub(crate) struct Counts {
    last: Mutex<Option<Last>>,
}

struct Last {
    /// The recorder's count when the files were counted.
    committed: u64,
    counted: Counted,
}

impl Counts {
    /// The numbers as of now; `committed` is the recorder's own count.
    pub(crate) fn now(&self, committed: u64) -> Counted {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = &*last else {
            return Counted::default();
        };
        let mut counted = last.counted.clone();
        counted.summary.events += committed.saturating_sub(last.committed);
        counted
    }

    /// Counts once, then goes on counting until told to stop.
    pub(crate) async fn start(
        store: Store,
        recorder: backup::Recorder,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> Arc<Self> {
        let counts = Arc::new(Self::default());
        let mut counter = counts.look(Counter::new(store, recorder)).await;
        let counting = counts.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                counter = counting.look(counter).await;
            }
        });
        counts
    }

    /// Looks once, away from the runtime. If the store cannot be read, the last numbers stay: the
    /// recorder tells of the trouble.
    async fn look(self: &Arc<Self>, mut counter: Counter) -> Counter {
        let counts = self.clone();
        let store = counter.store.clone();
        let recorder = counter.recorder.clone();
        let looked = tokio::task::spawn_blocking(move || {
            // Taken first: what is committed during the count is then counted twice for a moment,
            // and never missed.
            let stats = counter.recorder.stats();
            let committed = stats.committed;
            // The store has just begun, or its file was away at the last look.
            let nothing_yet = committed > 0 && counts.now(0).summary.from_ms.is_none();
            if stats.gaps == counter.gaps
                && !nothing_yet
                && counter.counted.is_some_and(|at| at.elapsed() < RECOUNT)
            {
                // Only events came, and the recorder counts those itself.
                return counter;
            }
            (counter.gaps, counter.counted) = (stats.gaps, Some(Instant::now()));
            if committed != counter.committed {
                // Two commits within one tick of the disk's clock leave the same stamp.
                counter.files.forget_newest();
            }
            counter.committed = committed;
            match counter.files.count(&counter.store) {
                Ok(counted) => {
                    let mut last = counts.last.lock().unwrap_or_else(PoisonError::into_inner);
                    *last = Some(Last { committed, counted });
                }
                // Once the file is moved aside, the next look counts the others.
                Err(error) => drop(examine(&counter.recorder, error.damaged_file())),
            }
            counter
        });
        looked
            .await
            .unwrap_or_else(|_| Counter::new(store, recorder))
    }
}

struct Counter {
    store: Store,
    recorder: backup::Recorder,
    /// The recorder's counts at the last look.
    committed: u64,
    gaps: u64,
    counted: Option<Instant>,
    files: Files,
}

impl Counter {
    fn new(store: Store, recorder: backup::Recorder) -> Self {
        Self {
            store,
            recorder,
            committed: 0,
            gaps: 0,
            counted: None,
            files: Files::default(),
        }
    }
}

/// Counts the files of a store once.
pub(crate) fn count(store: &Store) -> backup::Result<Counted> {
    Files::default().count(store)
}

/// Day files as they were when last counted.
#[derive(Default)]
struct Files {
    days: BTreeMap<Day, File>,
}

struct File {
    stamp: DayStamp,
    summary: StoreSummary,
    gaps: Vec<Gap>,
    clock_steps: Vec<ClockStep>,
}

impl Files {
    /// Makes the next count read the newest file, whatever its stamp.
    fn forget_newest(&mut self) {
        self.days.pop_last();
    }

    fn count(&mut self, store: &Store) -> backup::Result<Counted> {
        let days = store.days()?;
        self.days.retain(|day, _| days.contains(day));
        let mut counted = Counted::default();
        let Some(newest) = days.last().copied() else {
            return Ok(counted);
        };
        for day in days {
            // Taken first: what is committed during the count is then counted the next time.
            let stamp = store.day_stamp(day);
            if self.days.get(&day).is_none_or(|known| known.stamp != stamp) {
                store.require_own(day)?;
                if self.days.contains_key(&day)
                    && day != newest
                    && let Some(found) = store.day_damage(day)?
                {
                    // Nothing is recorded into it any more, so somebody else wrote to it.
                    let path = store.day_path(day);
                    return Err(backup::Error::Damaged { path, found });
                }
                let (summary, gaps) = (store.day_summary(day)?, store.day_gaps(day)?);
                let file = File {
                    stamp,
                    summary,
                    gaps,
                    clock_steps: store.day_clock_steps(day)?,
                };
                self.days.insert(day, file);
            }
        }
        let days: Vec<Day> = self.days.keys().copied().collect();
        for (day, file) in &self.days {
            counted.summary.add_later(&file.summary);
            let standing = file.gaps.iter().filter(|gap| gap.stands(*day, &days));
            counted.gaps.extend(standing.cloned());
            let steps = file.clock_steps.iter().cloned();
            counted.clock_steps.extend(steps);
        }
        counted.gaps.sort_by_key(|gap| (gap.from_ms, gap.to_ms));
        Ok(counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn move_fader(recorder: &backup::Recorder, level: f64) {
        let series = recorder.series(backup::Series {
            path: "Main.gain".into(),
            ..backup::Series::default()
        });
        let change = backup::Change {
            series,
            value: Some(backup::Value::Number(level)),
            string: None,
            position: None,
        };
        recorder.changes(crate::moment::now(), vec![change]).await;
    }

    #[tokio::test]
    async fn a_store_that_was_empty_is_counted_at_the_next_look() {
        let folder = tempfile::tempdir().unwrap();
        let options = backup::RecorderOptions::default();
        let (recorder, writer) = backup::Recorder::start(folder.path(), options).unwrap();
        let counts = Arc::new(Counts::default());
        move_fader(&recorder, 1.0).await;
        recorder.flush().await.unwrap();
        // The look comes while its file is away.
        let day = Store::open(folder.path()).unwrap().days().unwrap()[0];
        let (file, away) = (
            folder.path().join(day.file_name()),
            folder.path().join("away"),
        );
        std::fs::rename(&file, &away).unwrap();
        let store = Store::open(folder.path()).unwrap();
        let counter = Counter::new(store, recorder.clone());
        let counter = counts.look(counter).await;
        assert_eq!(counts.now(1).summary.events, 0);
        std::fs::rename(&away, &file).unwrap();
        counts.look(counter).await;
        let counted = counts.now(1);
        assert_eq!(counted.summary.events, 1);
        assert!(counted.summary.from_ms.is_some());
        recorder.stop().await.unwrap();
        writer.join();
    }

    #[tokio::test]
    async fn a_file_is_counted_again_once_something_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let options = backup::RecorderOptions::default();
        let (recorder, writer) = backup::Recorder::start(folder.path(), options).unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut files = Files::default();
        for round in 1..4 {
            move_fader(&recorder, f64::from(round)).await;
            let now = crate::moment::now();
            recorder.gap(now - 10, now, "test").await;
            recorder.flush().await.unwrap();
            let counted = files.count(&store).unwrap();
            let anew = count(&store).unwrap();
            assert_eq!(counted.summary, anew.summary);
            assert_eq!(counted.summary.events, round as u64);
            assert_eq!(counted.gaps, anew.gaps);
            assert_eq!(counted.gaps.len(), round as usize);
        }
        // As if a commit had left the stamp as it was.
        let file = files.days.values_mut().next_back().unwrap();
        file.summary.events = 99;
        files.forget_newest();
        assert_eq!(files.count(&store).unwrap().summary.events, 3);
        recorder.stop().await.unwrap();
        writer.join();
        let day = store.days().unwrap()[0];
        std::fs::remove_file(folder.path().join(day.file_name())).unwrap();
        assert_eq!(files.count(&store).unwrap().summary.events, 0);
    }
}
