//! Pages under way: what each is about and how far it has got.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use compact_str::CompactString;

use crate::groups::ConnectionId;

/// How long a message, a recorded page or a preamble sounds: no file is read.
pub(super) const PLAYING: Duration = Duration::from_secs(3);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Pages under way and who wants to hear of zones.
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
    /// When it gives up waiting for its zones.
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
    /// Submitted; waits for PageStart, or in the queue for its zones.
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
    /// The time in which a page can be taken back.
    Cancel {
        left: u64,
    },
    Output,
}

impl Page {
    /// Whether its zones are taken by it.
    pub(super) fn sounds(&self) -> bool {
        matches!(
            self.phase,
            Phase::Preamble | Phase::Live { .. } | Phase::Output
        )
    }
}
