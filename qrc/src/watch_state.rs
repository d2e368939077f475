//! The session's side of a watch: ids of controls, their last readings, until when nothing was missed; no I/O.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use compact_str::CompactString;

use crate::delivery::EventSender;
use crate::discover::{Found, FoundGroup, Wanted};
use crate::method::session::EngineStatus;
use crate::names::Names;
use crate::push::Push;
use crate::watch::{Change, ControlId, Inventory, WatchEvent, WatchedControl};

/// One watch.
#[derive(Debug)]
pub(crate) struct WatchState {
    pub(crate) wanted: Arc<Wanted>,
    pub(crate) events: EventSender<WatchEvent>,
    /// Shared with the watch's user, because the list is long.
    inventory: Arc<Inventory>,
    names: Names,
    /// Each control's last reading as a fingerprint; 0 before the first one.
    last: Vec<u64>,
    /// When the design was read; `None` while the watch is not set up. A watch that matches nothing
    /// has no groups but counts as set up.
    since: Option<SystemTime>,
    groups: Vec<LiveGroup>,
    missed: Missed,
    /// The earliest `complete_until` of the groups, for the consumer's side; microseconds since 1970, UTC.
    complete_until: Arc<AtomicU64>,
}

#[derive(Debug)]
struct LiveGroup {
    id: CompactString,
    /// Its last push: up to then it reported every change.
    complete_until: SystemTime,
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

impl WatchState {
    pub(crate) fn new(
        wanted: Wanted,
        events: EventSender<WatchEvent>,
        complete_until: Arc<AtomicU64>,
    ) -> Self {
        Self {
            wanted: Arc::new(wanted),
            events,
            inventory: Arc::new(Inventory::default()),
            names: Names::default(),
            last: Vec::new(),
            since: None,
            groups: Vec::new(),
            missed: Missed::Nothing,
            complete_until,
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.wanted.number
    }

    pub(crate) fn is_live(&self) -> bool {
        self.since.is_some()
    }

    /// True if the watch was live and has lost its groups.
    pub(crate) fn is_to_be_rebuilt(&self) -> bool {
        !self.is_live() && matches!(self.missed, Missed::Since { .. })
    }

    pub(crate) fn group_ids(self) -> impl Iterator<Item = CompactString> {
        self.groups.into_iter().map(|group| group.id)
    }

    pub(crate) fn owns_group(&self, id: &str) -> bool {
        self.groups.iter().any(|group| group.id == id)
    }

    /// The groups are gone: changes since each group's last push may be missed.
    pub(crate) fn lost(&mut self, why: &str) -> Option<WatchEvent> {
        let since = self.since.take()?;
        let complete_until = self
            .groups
            .drain(..)
            .map(|group| group.complete_until)
            .min();
        let from = complete_until.unwrap_or(since);
        // A second loss before everything was read again only makes the gap longer.
        if let Missed::Nothing = self.missed {
            let why = why.to_owned();
            self.missed = Missed::Since { from, why };
        }
        Some(WatchEvent::Lost {
            from,
            why: why.to_owned(),
        })
    }

    /// Takes over what discovery found at `at`. Returns the events for the watch.
    pub(crate) fn install(
        &mut self,
        found: Found,
        status: EngineStatus,
        at: SystemTime,
    ) -> Vec<WatchEvent> {
        let mut controls = self.inventory.controls.clone();
        for control in &mut controls {
            control.present = false;
        }
        for control in found.controls {
            let component = control.name.component.as_deref().unwrap_or_default();
            let known = self
                .names
                .find(&controls, component, &control.name.name, None);
            let watched = WatchedControl {
                kind: control.info.kind,
                direction: control.info.direction,
                range: control.info.value_min.zip(control.info.value_max),
                group: u8::try_from(control.group).unwrap_or(u8::MAX),
                rate: control.rate,
                present: true,
                name: control.name,
            };
            match known {
                Some(id) => controls[id.0 as usize] = watched,
                // No design has 2^32 controls.
                None => {
                    let id = ControlId(u32::try_from(controls.len()).unwrap_or(u32::MAX));
                    controls.push(watched);
                    self.names.add(&controls, id);
                    self.last.push(0);
                }
            }
        }
        controls.shrink_to_fit();
        let aliases = found.aliases.into_iter().filter_map(|(alias, of)| {
            let component = of.component.as_deref().unwrap_or_default();
            let id = self.names.find(&controls, component, &of.name, None)?;
            Some((alias, id))
        });
        let aliases = aliases.collect();
        self.since = Some(at);
        self.groups = found
            .groups
            .iter()
            .map(|FoundGroup { id, .. }| LiveGroup {
                id: id.clone(),
                complete_until: at,
            })
            .collect();

        self.note_complete_until();
        self.inventory = Arc::new(Inventory {
            status,
            components: found.components,
            controls,
            aliases,
        });
        let mut events = vec![WatchEvent::Inventory(self.inventory.clone())];
        if let Missed::Since { from, why } = std::mem::replace(&mut self.missed, Missed::Nothing) {
            events.push(WatchEvent::Gap { from, to: at, why });
        }
        let mut readings = Vec::with_capacity(found.readings.len());
        let mut previous = None;
        for named in found.readings {
            let component = named.component.as_deref().unwrap_or_default();
            let found = self
                .names
                .find(&self.inventory.controls, component, &named.name, previous);
            if let Some(id) = found {
                previous = found;
                self.last[id.0 as usize] = self.names.fingerprint(&named.reading);
                readings.push((id, named.reading));
            }
        }
        events.push(WatchEvent::State { at, readings });
        events
    }

    fn note_complete_until(&self) {
        if let Some(complete_until) = self.groups.iter().map(|group| group.complete_until).min() {
            let since = complete_until
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
            self.complete_until.store(micros, Ordering::Relaxed);
        }
    }

    /// Takes a push in. Leaves out readings that are not new: a first push repeats the whole group, and writers
    /// repeat values.
    pub(crate) fn push(&mut self, push: Push<'_>, at: SystemTime) -> Option<WatchEvent> {
        let group = self
            .groups
            .iter_mut()
            .find(|group| group.id == push.group.as_ref())?;
        group.complete_until = at;
        self.note_complete_until();
        let mut changes = Vec::with_capacity(push.changes.len());
        let mut previous = None;
        for change in push.changes {
            let found = self.names.find(
                &self.inventory.controls,
                &change.component,
                &change.name,
                previous,
            );
            let Some(id) = found else {
                continue;
            };
            previous = found;
            let fingerprint = self.names.fingerprint(&change.reading);
            let last = &mut self.last[id.0 as usize];
            if *last != fingerprint {
                *last = fingerprint;
                changes.push(Change {
                    control: id,
                    reading: change.reading,
                });
            }
        }
        (!changes.is_empty()).then_some(WatchEvent::Changes { at, changes })
    }
}
