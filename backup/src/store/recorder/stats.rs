//! What the recorder says about itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::store::day::Day;
use crate::store::fresh::Fresh;
use crate::store::word::Word;

/// Whether changes reach the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecorderState {
    /// They do.
    Ok,
    /// Not at the moment; changes are kept in memory, and the recorder tries the disk again and again.
    Failing {
        /// The last error, in words.
        reason: String,
        /// Changes from this moment on are only in memory, Unix milliseconds.
        since_ms: i64,
    },
    /// The recorder has stopped.
    Stopped,
}

/// A moment's numbers of a recorder. Counts are since its start.
#[derive(Debug, Clone, PartialEq)]
pub struct RecorderStats {
    /// Changes committed.
    pub committed: u64,
    /// Changes committed per second, over the last ten seconds.
    pub per_second: f64,
    /// Changes accepted and not committed yet.
    pub queued: u64,
    /// Changes dropped because the disk failed for longer than the queue could hold.
    pub dropped: u64,
    /// Changes that can never be stored, kept aside with the reason.
    pub quarantined: u64,
    /// Gaps written.
    pub gaps: u64,
    /// Milliseconds for which callers waited because the queue was full.
    pub waited_ms: u64,
    /// Whether it works.
    pub state: RecorderState,
    /// Wall time of the last commit, Unix milliseconds.
    pub last_commit_ms: Option<i64>,
    /// The day whose file is open.
    pub day: Option<Day>,
}

const WINDOW: Duration = Duration::from_secs(10);

/// Numbers that the writer thread sets and everybody reads.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) committed: AtomicU64,
    pub(super) queued: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) quarantined: AtomicU64,
    pub(super) gaps: AtomicU64,
    pub(super) waited_ms: AtomicU64,
    last_commit_ms: AtomicI64,
    state: Mutex<RecorderState>,
    day: Mutex<Option<Day>>,
    recent: Mutex<VecDeque<(Instant, u64)>>,
    started: Instant,
    /// True while the disk fails, for those who wait for room in the queue.
    pub(super) failing: watch::Sender<bool>,
    pub(super) word: Arc<Word>,
    pub(super) fresh: Arc<Fresh>,
}

impl Shared {
    pub(super) fn new() -> Shared {
        Shared {
            committed: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            quarantined: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            waited_ms: AtomicU64::new(0),
            last_commit_ms: AtomicI64::new(i64::MIN),
            state: Mutex::new(RecorderState::Ok),
            day: Mutex::new(None),
            recent: Mutex::new(VecDeque::new()),
            started: Instant::now(),
            failing: watch::Sender::new(false),
            word: Arc::default(),
            fresh: Arc::default(),
        }
    }

    pub(super) fn set_state(&self, state: RecorderState) {
        let failing = matches!(state, RecorderState::Failing { .. });
        *lock(&self.state) = state;
        self.failing
            .send_if_modified(|now| std::mem::replace(now, failing) != failing);
    }

    /// Begins or goes on failing; the moment it began stays.
    pub(super) fn set_failing(&self, reason: String, from_ms: i64) {
        let since_ms = match &*lock(&self.state) {
            RecorderState::Failing { since_ms, .. } => *since_ms,
            _ => {
                tracing::error!(
                    reason,
                    "the store cannot be written; changes are kept in memory"
                );
                from_ms
            }
        };
        self.set_state(RecorderState::Failing { reason, since_ms });
    }

    pub(super) fn failing_reason(&self) -> Option<String> {
        match &*lock(&self.state) {
            RecorderState::Failing { reason, .. } => Some(reason.clone()),
            _ => None,
        }
    }

    /// Works, perhaps again.
    pub(super) fn set_ok(&self) {
        if let Some(reason) = self.failing_reason() {
            tracing::info!(reason, "the store can be written again");
        }
        self.set_state(RecorderState::Ok);
    }

    pub(super) fn set_day(&self, day: Option<Day>) {
        *lock(&self.day) = day;
    }

    pub(super) fn committed(&self, changes: u64, now_ms: i64) {
        self.committed.fetch_add(changes, Relaxed);
        self.last_commit_ms.store(now_ms, Relaxed);
        let (mut recent, now) = (lock(&self.recent), Instant::now());
        // One entry per tenth of a second at most, so that the window stays small at any rate.
        match recent.back_mut() {
            Some((at, count)) if now - *at < Duration::from_millis(100) => *count += changes,
            _ => recent.push_back((now, changes)),
        }
        while recent.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            recent.pop_front();
        }
    }

    pub(super) fn snapshot(&self) -> RecorderStats {
        let now = Instant::now();
        let lately: u64 = lock(&self.recent)
            .iter()
            .filter(|(at, _)| now - *at <= WINDOW)
            .map(|(_, count)| count)
            .sum();
        let span = WINDOW.min(now - self.started).max(Duration::from_secs(1));
        let last_commit = self.last_commit_ms.load(Relaxed);
        RecorderStats {
            committed: self.committed.load(Relaxed),
            per_second: lately as f64 / span.as_secs_f64(),
            queued: self.queued.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            quarantined: self.quarantined.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
            waited_ms: self.waited_ms.load(Relaxed),
            state: lock(&self.state).clone(),
            last_commit_ms: (last_commit != i64::MIN).then_some(last_commit),
            day: *lock(&self.day),
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
