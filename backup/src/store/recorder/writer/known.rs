//! The last known content of each control.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;

use crate::store::change::Change;
use crate::store::id::EventId;
use crate::store::names::Names;
use crate::store::state_digest::{self, Control};

struct Known {
    id: EventId,
    change: Change,
}

/// By number of the series.
pub(super) struct KnownStates {
    names: Arc<Names>,
    states: Vec<Option<Known>>,
    /// Somebody else may have written into the store since the last keyframe.
    pub(super) unsure: bool,
}

impl KnownStates {
    pub(super) fn new(names: Arc<Names>) -> KnownStates {
        KnownStates {
            names,
            states: Vec::new(),
            unsure: false,
        }
    }

    pub(super) fn know(&mut self, id: EventId, change: Change) {
        let number = change.series.0 as usize;
        if self.states.len() <= number {
            self.states.resize_with(number + 1, || None);
        }
        self.states[number] = Some(Known { id, change });
    }

    /// Forgets all and knows these.
    pub(super) fn replace(&mut self, id: EventId, states: Vec<Change>) {
        self.states.clear();
        for change in states {
            self.know(id, change);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// An upper bound of how many there are.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// All states, one per control: of several series of a control the newest counts.
    pub(super) fn all(&self) -> Vec<Change> {
        let mut newest: HashMap<CompactString, &Known> = HashMap::new();
        for known in self.states.iter().flatten() {
            let Some(series) = self.names.get(known.change.series) else {
                continue;
            };
            let place = newest.entry(series.path.clone()).or_insert(known);
            if known.id > place.id {
                *place = known;
            }
        }
        let mut states: Vec<Change> = newest
            .into_values()
            .map(|known| known.change.clone())
            .collect();
        states.sort_unstable_by_key(|change| change.series);
        states
    }

    /// The digest of all of them.
    pub(super) fn digest(&self) -> String {
        let states = self.all();
        let named: Vec<_> = states
            .iter()
            .filter_map(|change| Some((self.names.get(change.series)?, change)))
            .collect();
        state_digest::of_controls(named.iter().map(|(series, change)| Control {
            path: &series.path,
            value: change.value.as_ref(),
            string: change.string.as_deref(),
            position: change.position,
        }))
    }
}
