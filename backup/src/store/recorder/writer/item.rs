//! What the writer thread writes, in the order of ids.

use std::sync::{Arc, Mutex};

use crate::store::change::{Change, Row};
use crate::store::event::{ClockStep, Gap};
use crate::store::id::EventId;
use crate::store::recorder::queue::Dropped;

/// Something to write.
pub(super) enum Item {
    Change(Row),
    Gap {
        id: EventId,
        gap: Gap,
    },
    /// Came before all items with its id or a greater one.
    Step {
        id: EventId,
        step: ClockStep,
    },
    Keyframe {
        id: EventId,
        reason: &'static str,
        states: Option<Vec<Change>>,
    },
    Dropped {
        id: EventId,
        place: Arc<Mutex<Dropped>>,
    },
}

impl Item {
    pub(super) fn id(&self) -> EventId {
        match self {
            Item::Change(row) => row.id,
            Item::Gap { id, .. }
            | Item::Step { id, .. }
            | Item::Keyframe { id, .. }
            | Item::Dropped { id, .. } => *id,
        }
    }
}
