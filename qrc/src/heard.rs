//! When the Core was heard last, for whoever has to know up to when silence means that nothing changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Written by the session, read by the client's handles. Microseconds since 1970, UTC; 0: never.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<AtomicU64>);

impl Heard {
    /// A frame has come.
    pub(crate) fn now(&self) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let micros = u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX);
        self.0.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn last(&self) -> Option<SystemTime> {
        let micros = self.0.load(Ordering::Relaxed);
        (micros > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
    }
}
