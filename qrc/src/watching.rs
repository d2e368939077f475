//! A watch as the session keeps it: names to ids, what was last seen, when nothing was missed; no I/O.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use compact_str::CompactString;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::discover::{Found, FoundGroup, Wanted};
use crate::method::session::EngineStatus;
use crate::value::{Reading, WireControl, WireText};
use crate::watch::{Change, ControlId, ControlName, Inventory, WatchEvent, WatchedControl};

/// A push of a change group, borrowed from its frame.
#[derive(Debug, Deserialize)]
pub(crate) struct Push<'a> {
    #[serde(rename = "Id", borrow)]
    pub(crate) id: WireText<'a>,
    #[serde(rename = "Changes", borrow, default)]
    changes: Vec<WireControl<'a>>,
}

/// One watch.
#[derive(Debug)]
pub(crate) struct Watching {
    pub(crate) wanted: Arc<Wanted>,
    pub(crate) events: mpsc::Sender<WatchEvent>,
    controls: Vec<WatchedControl>,
    /// Component (empty for Named Controls), then control.
    ids: HashMap<CompactString, HashMap<CompactString, ControlId>>,
    last: Vec<Option<Reading>>,
    groups: Vec<LiveGroup>,
    missed: Missed,
}

#[derive(Debug)]
struct LiveGroup {
    id: CompactString,
    /// When it last told that it had missed nothing.
    told: SystemTime,
}

/// What may have been missed up to now.
#[derive(Debug)]
enum Missed {
    /// Nothing: never connected, or live.
    Nothing,
    Since {
        from: SystemTime,
        why: String,
    },
}

impl Watching {
    pub(crate) fn new(wanted: Wanted, events: mpsc::Sender<WatchEvent>) -> Self {
        Self {
            wanted: Arc::new(wanted),
            events,
            controls: Vec::new(),
            ids: HashMap::new(),
            last: Vec::new(),
            groups: Vec::new(),
            missed: Missed::Nothing,
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.wanted.number
    }

    pub(crate) fn is_live(&self) -> bool {
        !self.groups.is_empty()
    }

    pub(crate) fn group_ids(self) -> impl Iterator<Item = CompactString> {
        self.groups.into_iter().map(|group| group.id)
    }

    pub(crate) fn owns_group(&self, id: &str) -> bool {
        self.groups.iter().any(|group| group.id == id)
    }

    /// The groups are gone; changes from each group's last word on may be missed.
    pub(crate) fn lost(&mut self, why: &str) {
        if let Some(from) = self.groups.iter().map(|group| group.told).min() {
            self.groups.clear();
            // A second loss before everything was read again only makes the gap longer.
            if let Missed::Nothing = self.missed {
                self.missed = Missed::Since {
                    from,
                    why: why.to_owned(),
                };
            }
        }
    }

    /// Takes over what discovery found at `at`. Returns the events to tell.
    pub(crate) fn install(
        &mut self,
        found: Found,
        status: EngineStatus,
        at: SystemTime,
    ) -> Vec<WatchEvent> {
        for control in &mut self.controls {
            control.present = false;
        }
        for control in found.controls {
            let id = self.intern(&control.name);
            let watched = WatchedControl {
                kind: control.info.kind,
                direction: control.info.direction,
                range: control.info.value_min.zip(control.info.value_max),
                group: u8::try_from(control.group).unwrap_or(u8::MAX),
                rate: control.rate,
                present: true,
                name: control.name,
            };
            match self.controls.get_mut(id.0 as usize) {
                Some(place) => *place = watched,
                None => self.controls.push(watched),
            }
        }
        self.groups = found
            .groups
            .iter()
            .map(|FoundGroup { id, .. }| LiveGroup {
                id: id.clone(),
                told: at,
            })
            .collect();

        let inventory = Inventory {
            status,
            components: found.components,
            controls: self.controls.clone(),
        };
        let mut events = vec![WatchEvent::Inventory(Arc::new(inventory))];
        if let Missed::Since { from, why } = std::mem::replace(&mut self.missed, Missed::Nothing) {
            events.push(WatchEvent::Gap { from, to: at, why });
        }
        let mut readings = Vec::with_capacity(found.readings.len());
        for named in found.readings {
            let component = named.component.as_deref().unwrap_or_default();
            if let Some(id) = self.id(component, &named.name) {
                self.last[id.0 as usize] = Some(named.reading.clone());
                readings.push((id, named.reading));
            }
        }
        events.push(WatchEvent::State { at, readings });
        events
    }

    /// Takes a push in. What says nothing new is left out: a first push repeats the
    /// whole group, and writers repeat values.
    pub(crate) fn push(&mut self, push: Push<'_>, at: SystemTime) -> Option<WatchEvent> {
        let group = self
            .groups
            .iter_mut()
            .find(|group| group.id == push.id.0.as_ref())?;
        group.told = at;
        let mut changes = Vec::with_capacity(push.changes.len());
        for control in push.changes {
            let component = control
                .component
                .as_ref()
                .map_or("", |component| component.0.as_ref());
            let Some(id) = self.id(component, &control.name) else {
                continue;
            };
            let reading = control.into_reading();
            let last = &mut self.last[id.0 as usize];
            if last.as_ref() != Some(&reading) {
                *last = Some(reading.clone());
                changes.push(Change {
                    control: id,
                    reading,
                });
            }
        }
        (!changes.is_empty()).then_some(WatchEvent::Changes { at, changes })
    }

    fn id(&self, component: &str, name: &str) -> Option<ControlId> {
        self.ids.get(component)?.get(name).copied()
    }

    fn intern(&mut self, name: &ControlName) -> ControlId {
        let component = name.component.clone().unwrap_or_default();
        let next = ControlId(u32::try_from(self.last.len()).unwrap_or(u32::MAX));
        let id = *self
            .ids
            .entry(component)
            .or_default()
            .entry(name.name.clone())
            .or_insert(next);
        if id == next {
            self.last.push(None);
        }
        id
    }
}
