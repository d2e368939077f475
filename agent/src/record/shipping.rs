//! Ships what is committed between backups, so that the archive is a fraction of a second behind the store.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use backup::{Day, Error, Past, Shipper};

use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::site::Site;

/// If the store's disk dies, half of this is lost on average. Half the span would cost twice the processor time.
const EVERY: Duration = Duration::from_millis(125);
/// How often the days of the past are looked at. A look reads the names of the backups and asks for each day's size.
const LOOK_AT_PAST: Duration = Duration::from_secs(5);
/// How long a disk that failed is left alone.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// What is known about the shipping; only its thread writes here.
#[derive(Debug, Default)]
pub(crate) struct Shipped {
    covers_to_ms: AtomicI64,
    /// 0: anchored.
    unanchored_since: AtomicI64,
    /// How often the history had broken off at the last step.
    breaks: AtomicU64,
    /// When days of the past were last found otherwise than in the newest backup; 0: they are as there.
    past_changed: AtomicI64,
    /// When shipping last began anew, as the archive was another one; 0: never.
    archive_changed: AtomicI64,
    problem: Mutex<Option<String>>,
}

impl Shipped {
    /// Everything that happened up to here is in the archive, Unix milliseconds.
    pub(crate) fn covers_to_ms(&self) -> Option<i64> {
        // What is shipped follows what is recorded; what else came into the store waits for a backup.
        let covers = Some(self.covers_to_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0);
        covers.filter(|_| self.past_changed().is_none())
    }

    /// When days of the past were last found to have changed since the newest backup, Unix milliseconds: an import, a
    /// repair, or somebody's hand.
    pub(crate) fn past_changed(&self) -> Option<i64> {
        Some(self.past_changed.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    fn note_past(&self, changed: &[Day]) {
        let now = if changed.is_empty() { 0 } else { moment::now() };
        if self.past_changed.swap(now, Ordering::Relaxed) == 0
            && let Some(day) = changed.first()
        {
            tracing::warn!(%day, days = changed.len(), "days of the past changed since the last backup; the next one is due");
        }
    }

    /// Since when the shipped segments are unanchored: the store was put back or a day of it was lost,
    /// and no backup covers that yet. Unix milliseconds.
    pub(crate) fn unanchored_since(&self) -> Option<i64> {
        Some(self.unanchored_since.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// When the archive was last found emptied, replaced, mounted or unmounted: what a backup held may be in it no
    /// more. Unix milliseconds.
    pub(crate) fn archive_changed(&self) -> Option<i64> {
        Some(self.archive_changed.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// Shipping begins anew.
    fn begins_anew(&self, error: &Error) {
        tracing::error!("the archive is not as it was, and shipping begins anew: {error}");
        self.archive_changed.store(moment::now(), Ordering::Relaxed);
        self.covers_to_ms.store(0, Ordering::Relaxed);
    }

    /// Why nothing is shipped at the moment.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn went(&self, outcome: &Outcome<backup::Shipped>) {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(step) => {
                // A backup made between two breaks covers what was before the second.
                let broke = self.breaks.swap(step.breaks, Ordering::Relaxed) != step.breaks;
                let known = self.unanchored_since().filter(|_| !broke);
                let since = match step.unanchored {
                    true => known.unwrap_or_else(moment::now),
                    false => 0,
                };
                self.unanchored_since.store(since, Ordering::Relaxed);
                if step.covers_to_ms > 0 {
                    self.covers_to_ms
                        .store(step.covers_to_ms, Ordering::Relaxed);
                }
                if problem.take().is_some() {
                    tracing::info!("shipping to the archive works again");
                }
            }
            Err(failure) => {
                let text = failure.to_string();
                if problem.as_ref() != Some(&text) {
                    tracing::error!("nothing is shipped to the archive: {text}");
                }
                *problem = Some(text);
            }
        }
    }
}

/// The thread that ships.
pub(crate) struct Shipping {
    thread: JoinHandle<()>,
    bell: Arc<Bell>,
}

/// Wakes the thread for its end.
#[derive(Default)]
struct Bell {
    ending: AtomicBool,
    lock: Mutex<()>,
    rung: Condvar,
}

impl Shipping {
    /// Starts to follow the store. Trouble is told by `shipped` and never keeps the recording from
    /// starting.
    pub(crate) fn start(site: Arc<Site>, shipped: Arc<Shipped>) -> Outcome<Self> {
        let bell = Arc::new(Bell::default());
        let heard = bell.clone();
        let thread = std::thread::Builder::new()
            .name("shipping".to_owned())
            .spawn(move || follow(&site, &shipped, &heard))
            .map_err(|error| {
                Failure::failed(format!("cannot start the shipping thread: {error}"))
            })?;
        Ok(Self { thread, bell })
    }

    /// Ships what is committed by now, then ends the thread. Blocks for a moment.
    pub(crate) fn stop(self) {
        self.bell.ending.store(true, Ordering::Release);
        self.bell.rung.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the shipping thread ended badly");
        }
    }
}

/// Looks now and then at the days of the past.
struct PastLooks {
    past: Past,
    next: Instant,
}

impl PastLooks {
    /// The days that changed, if it is time to look. What cannot be read now is looked at the next time.
    fn look(&mut self, site: &Site) -> Option<Vec<Day>> {
        if Instant::now() < self.next {
            return None;
        }
        self.next = Instant::now() + LOOK_AT_PAST;
        site.changed_in_the_past(&mut self.past).ok()
    }
}

fn follow(site: &Site, shipped: &Shipped, bell: &Bell) {
    let mut shipper: Option<Shipper> = None;
    let mut past = PastLooks {
        past: Past::default(),
        next: Instant::now(),
    };
    loop {
        // Looked at before the step, so that the last step comes after the last commit.
        let ending = bell.ending.load(Ordering::Acquire);
        let outcome = match &mut shipper {
            Some(begun) => match begun.step() {
                Err(error @ Error::OtherArchive { .. }) => {
                    shipped.begins_anew(&error);
                    shipper = None;
                    continue;
                }
                stepped => stepped.map_err(Failure::from),
            },
            None => site
                .shipper()
                .and_then(|begun| Ok(shipper.insert(begun).step()?)),
        };
        shipped.went(&outcome);
        if let Some(changed) = past.look(site) {
            shipped.note_past(&changed);
        }
        let wait = match outcome {
            Ok(step) if step.more => continue,
            _ if ending => return,
            Ok(_) => EVERY,
            Err(_) => AFTER_FAILURE,
        };
        let guard = bell.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let still = |(): &mut ()| !bell.ending.load(Ordering::Acquire);
        drop(bell.rung.wait_timeout_while(guard, wait, still));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_breaks_off_again_is_unanchored_from_then_on() {
        let shipped = Shipped::default();
        let step = |unanchored, breaks| {
            shipped.went(&Ok(backup::Shipped {
                unanchored,
                breaks,
                ..backup::Shipped::default()
            }));
            shipped.unanchored_since()
        };
        assert_eq!(step(false, 0), None);
        assert!(step(true, 1).is_some());
        // As if that had been long ago.
        shipped.unanchored_since.store(5, Ordering::Relaxed);
        assert_eq!(step(true, 1), Some(5));
        // Whatever backup was made meanwhile covers nothing of it.
        assert!(step(true, 2) > Some(5));
        assert_eq!(step(false, 2), None);
    }
}
