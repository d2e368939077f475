//! The sign of life: another number each second.

use std::time::Duration;

use qrc::Value;
use tokio::time::Instant;

/// The plugin calls the agent offline after three missed ones.
pub(super) const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// It counts up to this and begins again at 0. A Core keeps values in single precision: from
/// 2^24 on, one more would change nothing.
const LIMIT: u32 = (1 << 24) - 1;

/// A counter and when it last beat.
#[derive(Debug)]
pub(super) struct Heartbeat {
    count: u32,
    beaten: Option<Instant>,
}

impl Heartbeat {
    pub(super) fn new() -> Self {
        Self {
            // Not 0: a panel that still shows an older agent's 0 would see no beat.
            count: std::process::id() % LIMIT,
            beaten: None,
        }
    }

    /// The next number, if it is time for one.
    pub(super) fn due(&mut self) -> Option<Value> {
        let due = self
            .beaten
            .is_none_or(|beaten| beaten.elapsed() >= HEARTBEAT_EVERY);
        due.then(|| {
            self.count = (self.count + 1) % (LIMIT + 1);
            self.beaten = Some(Instant::now());
            Value::Number(f64::from(self.count))
        })
    }
}
