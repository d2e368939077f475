//! How the recorder works.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

/// When the recorder commits, how much it keeps in memory, and where its time comes from.
#[derive(Clone)]
pub struct RecorderOptions {
    /// A change is committed at the latest this long after it arrived (the disk permitting).
    pub flush_interval: Duration,
    /// Or as soon as this many have arrived.
    pub flush_events: usize,
    /// Places in memory for uncommitted changes. A change takes one place, and one more for every 128 bytes of its
    /// texts, so that a place is about 250 bytes at most. When all are taken, callers wait; while the disk fails,
    /// changes are dropped and a gap is written.
    pub queue_places: usize,
    /// Changes between two keyframes; more where thousands of controls are known, as a keyframe holds all of them. The
    /// time to read the state at a moment grows with this.
    pub keyframe_every: u64,
    /// How old a change may be when it arrives: the polling interval and the time in transit. A stop or crash may lose
    /// changes that are older than the last commit by this much, so the gap begins that much earlier.
    pub arrival: Duration,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Default for RecorderOptions {
    fn default() -> RecorderOptions {
        RecorderOptions {
            flush_interval: Duration::from_millis(100),
            flush_events: 1000,
            queue_places: 50_000,
            keyframe_every: 50_000,
            arrival: Duration::ZERO,
            clock: Arc::new(SystemClock),
        }
    }
}

impl std::fmt::Debug for RecorderOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecorderOptions")
            .field("flush_interval", &self.flush_interval)
            .field("flush_events", &self.flush_events)
            .field("queue_places", &self.queue_places)
            .field("keyframe_every", &self.keyframe_every)
            .field("arrival", &self.arrival)
            .finish_non_exhaustive()
    }
}
