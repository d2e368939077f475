//! The pages under way: what each one is and how far it has got.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use compact_str::CompactString;

use crate::groups::ConnectionId;

/// How long a message, a recorded page or a preamble sounds. The Core plays no files, so all take this long.
pub(super) const PLAYING: Duration = Duration::from_secs(3);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// The pages under way, and the connections that want zone status.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) pages: BTreeMap<i64, Page>,
    pub(super) last: i64,
    pub(super) listeners: BTreeSet<ConnectionId>,
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) connection: ConnectionId,
    pub(super) mode: Mode,
    pub(super) zones: Vec<usize>,
    pub(super) priority: usize,
    pub(super) station: CompactString,
    pub(super) message: Option<CompactString>,
    pub(super) preamble: bool,
    pub(super) cancel_delay: u64,
    pub(super) longest: Option<u64>,
    /// When it stops waiting for its zones.
    pub(super) queued_until: Option<Duration>,
    pub(super) phase: Phase,
    pub(super) due: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Live,
    Delay,
    Auto,
    Message,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Submitted. Waits for PageStart, or in the queue for its zones.
    Ready {
        started: bool,
    },
    Preamble,
    Live {
        left: Option<u64>,
    },
    Record {
        left: Option<u64>,
    },
    /// The time in which the page can be cancelled.
    Cancel {
        left: u64,
    },
    Output,
}

impl Page {
    /// Whether it occupies its zones.
    pub(super) fn sounds(&self) -> bool {
        matches!(
            self.phase,
            Phase::Preamble | Phase::Live { .. } | Phase::Output
        )
    }
}
