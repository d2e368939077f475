//! The names of a watch's controls and the place of each in the inventory; no I/O.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::value::{Reading, Value};
use crate::watch::{ControlId, WatchedControl};

/// Finds a control by names borrowed from a frame. The names themselves are kept once: in the
/// inventory's list, which the caller passes in.
#[derive(Debug, Default)]
pub(crate) struct Names {
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Names {
    /// The control's place. A Core reports controls in the order in which they were added, so the
    /// search begins with the one after the last one found.
    pub(crate) fn find(
        &self,
        controls: &[WatchedControl],
        component: &str,
        name: &str,
        last: Option<ControlId>,
    ) -> Option<ControlId> {
        let next = last.map_or(0, |last| last.0.wrapping_add(1));
        if is(controls, next, component, name) {
            return Some(ControlId(next));
        }
        let hash = self.hasher.hash_one((component, name));
        let found = self
            .table
            .find(hash, |at| is(controls, *at, component, name));
        found.copied().map(ControlId)
    }

    /// Adds the place of a control that the list now has.
    pub(crate) fn add(&mut self, controls: &[WatchedControl], id: ControlId) {
        let hash = |at: &u32| match controls.get(*at as usize) {
            Some(control) => self.hasher.hash_one(parts(control)),
            None => 0,
        };
        self.table.insert_unique(hash(&id.0), id.0, hash);
    }

    /// A number for a reading, never zero. Equal readings have the same number; different readings
    /// share one with a chance of one in 2^64.
    pub(crate) fn fingerprint(&self, reading: &Reading) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        match &reading.value {
            None => 0_u8.hash(&mut hasher),
            Some(Value::Number(number)) => (1_u8, bits(*number)).hash(&mut hasher),
            Some(Value::Bool(on)) => (2_u8, on).hash(&mut hasher),
            Some(Value::Text(text)) => (3_u8, text.as_str()).hash(&mut hasher),
        }
        reading.string.as_deref().hash(&mut hasher);
        reading.position.map(bits).hash(&mut hasher);
        reading.looks.hash(&mut hasher);
        hasher.finish().max(1)
    }
}

/// Zero and minus zero are the same reading.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

fn parts(control: &WatchedControl) -> (&str, &str) {
    let component = control.name.component.as_deref().unwrap_or_default();
    (component, &control.name.name)
}

fn is(controls: &[WatchedControl], at: u32, component: &str, name: &str) -> bool {
    controls
        .get(at as usize)
        .is_some_and(|control| parts(control) == (component, name))
}
