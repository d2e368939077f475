//! What to watch, and the stream of changes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use compact_str::CompactString;

use crate::delivery::EventReceiver;
use crate::method::component::ComponentInfo;
use crate::method::session::EngineStatus;
use crate::value::Reading;

/// How many bytes of text take one more place.
const TEXT_PLACE: usize = 128;

/// Which controls to watch, and how often the Core reports their changes.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Globs for `Component.control` and for Named Controls; `*` is everything.
    pub include: Vec<String>,
    /// Globs of controls to leave out. They win over `include`.
    pub exclude: Vec<String>,
    /// Named Controls to watch, by name: QRC cannot list them. If one is another name for a control
    /// that `include` picks, only the control itself is reported, under the component's name, and
    /// [`Inventory::aliases`] says so. (If a Core reports both names in one change group, they
    /// cannot be matched, and both are reported.)
    pub named: Vec<String>,
    /// Named Controls whose controls are left out under every name, for example a client's own. If
    /// the Core does not show which control a Named Control stands for (see `named`), only the
    /// Named Control itself is left out.
    pub exclude_named: Vec<String>,
    /// How often the Core pushes changes. Less than 30 ms gains nothing: Cores exchange control
    /// changes at 30 Hz.
    pub rate: Duration,
    /// Other rates for some controls, each a glob and its rate. The first glob that matches counts.
    pub rates: Vec<(String, Duration)>,
    /// Whether to watch meters, too; they change at every push.
    pub meters: bool,
    /// How many of the connection's four change groups this watch may use. If there are more rates
    /// than groups, the slowest controls are reported more often than asked for.
    pub max_groups: usize,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            include: vec!["*".to_owned()],
            exclude: Vec::new(),
            named: Vec::new(),
            exclude_named: Vec::new(),
            rate: Duration::from_millis(100),
            rates: Vec::new(),
            meters: false,
            max_groups: 4,
        }
    }
}

/// A control's full name: its component's Code Name and its own, or a Named Control's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ControlName {
    /// The component's Code Name; `None` for a Named Control.
    pub component: Option<CompactString>,
    /// The control's own name.
    pub name: CompactString,
}

impl fmt::Display for ControlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{component}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A watched control's place in [`Inventory::controls`], from 0. A name keeps its place as long as
/// the watch lives, whatever happens to the link or the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ControlId(pub u32);

/// What a watch found in the design.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The status of the Core and its design.
    pub status: EngineStatus,
    /// All components that Script Access shows.
    pub components: Vec<ComponentInfo>,
    /// Every control that this watch has ever watched, by [`ControlId`].
    pub controls: Vec<WatchedControl>,
    /// Named Controls of the selection that are other names for watched controls, in no order.
    pub aliases: Vec<(CompactString, ControlId)>,
}

/// A control as a watch knows it.
#[derive(Debug, Clone)]
pub struct WatchedControl {
    /// Its full name.
    pub name: ControlName,
    /// Its type in the Core's words; empty for a Named Control, whose type QRC does not give.
    pub kind: CompactString,
    /// `Read Only`, `Write Only`, `Read/Write`; empty where unknown.
    pub direction: CompactString,
    /// The lowest and the highest value, in the control's own unit, if it has a range.
    pub range: Option<(f64, f64)>,
    /// The change group that reports it, counted from 0 within the watch.
    pub group: u8,
    /// How often the group reports it.
    pub rate: Duration,
    /// Whether the present design has it; `false` for a control of an earlier design.
    pub present: bool,
}

/// The events of a watch, in the order in which they happened.
#[derive(Debug)]
pub enum WatchEvent {
    /// The design was read: the first event, and again after every reconnect.
    Inventory(Arc<Inventory>),
    /// Nothing is watched any more. A [`Gap`](Self::Gap) follows once the watch is back.
    Lost {
        /// Up to this moment nothing was missed.
        from: SystemTime,
        /// Why.
        why: String,
    },
    /// Changes between these two moments may have been missed. A [`State`](Self::State) follows.
    Gap {
        /// Up to this moment nothing was missed.
        from: SystemTime,
        /// When everything was read again.
        to: SystemTime,
        /// Why.
        why: String,
    },
    /// The readings of all watched controls, after every connect.
    State {
        /// When they were read.
        at: SystemTime,
        /// Each control that the Core reported.
        readings: Vec<(ControlId, Reading)>,
    },
    /// Some controls changed: one event for each push with news.
    Changes {
        /// When the push was received.
        at: SystemTime,
        /// What changed, each control once.
        changes: Vec<Change>,
    },
}

impl WatchEvent {
    /// How many places of the watch's queue it takes: one for each change or reading, and one more
    /// for every 128 bytes of its text.
    pub(crate) fn places(&self) -> usize {
        let of = |reading: &Reading| 1 + reading.text_bytes() / TEXT_PLACE;
        match self {
            Self::Changes { changes, .. } => changes.iter().map(|change| of(&change.reading)).sum(),
            Self::State { readings, .. } => readings.iter().map(|(_, reading)| of(reading)).sum(),
            Self::Inventory(_) | Self::Lost { .. } | Self::Gap { .. } => 1,
        }
    }
}

/// One control's new reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which control.
    pub control: ControlId,
    /// What it is now.
    pub reading: Reading,
}

/// A stream of events. Dropping it ends the watch.
///
/// If nobody takes the events, the client stops reading the socket: nothing grows and nothing is
/// lost, but other watches and calls of the same client wait, too.
#[derive(Debug)]
pub struct Watch {
    pub(crate) events: EventReceiver<WatchEvent>,
    /// Up to this moment the watch missed nothing; microseconds since 1970, UTC.
    pub(crate) complete_until: Arc<AtomicU64>,
}

impl Watch {
    /// The next event; `None` after the client was shut down.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        self.events.next().await
    }

    /// Up to this moment the watch missed nothing.
    pub(crate) fn complete_until(&self) -> SystemTime {
        let micros = self.complete_until.load(Ordering::Relaxed);
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn long_texts_take_the_places_of_many_changes() {
        let reading = |text: &str| Reading {
            value: Some(Value::Text(text.into())),
            string: Some(text.into()),
            ..Reading::default()
        };
        let changes = ["on", &"x".repeat(12_800)].map(|text| Change {
            control: ControlId(0),
            reading: reading(text),
        });
        let at = SystemTime::UNIX_EPOCH;
        let readings = changes
            .iter()
            .map(|change| (change.control, change.reading.clone()))
            .collect();
        assert_eq!(WatchEvent::State { at, readings }.places(), 202);
        let changes = changes.into();
        assert_eq!(WatchEvent::Changes { at, changes }.places(), 202);
    }
}
