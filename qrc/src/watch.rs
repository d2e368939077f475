//! What to watch, and the stream of what changes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use compact_str::CompactString;

use crate::delivery::EventReceiver;
use crate::method::component::ComponentInfo;
use crate::method::session::EngineStatus;
use crate::value::Reading;

/// Bytes of text that take a place of their own.
const TEXT_PLACE: usize = 128;

/// Which controls to watch, and how often to ask for their changes.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Globs on `Component.control` and on Named Controls; `*` is everything.
    pub include: Vec<String>,
    /// Globs of controls to leave out; they win over `include`.
    pub exclude: Vec<String>,
    /// Named Controls. QRC cannot list them, so they are named one by one. One that is
    /// another name for a control that `include` picks is not reported a second time:
    /// its control is, under the component's name, and [`Inventory::aliases`] says so.
    /// (A Core that reports both names in one change group gives no way to tell; then
    /// both are reported.)
    pub named: Vec<String>,
    /// Named Controls whose controls are left out, under every name they have: a client's
    /// own. Where a Core hides which control a Named Control stands for (see `named`), only
    /// the Named Control itself is left out.
    pub exclude_named: Vec<String>,
    /// How often the Core pushes changes. Cores exchange control changes at 30 Hz; less
    /// than 30 ms is of no use.
    pub rate: Duration,
    /// Other rates for some controls: glob, rate; the first that matches counts.
    pub rates: Vec<(String, Duration)>,
    /// Watch meters too; they change at every push.
    pub meters: bool,
    /// How many of the connection's four change groups this watch may use. With fewer
    /// groups than rates, the slowest controls are asked for more often than they need be.
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

/// A watched control's place in [`Inventory::controls`]. The same name keeps the same
/// place for the life of a watch, whatever happens to the link or the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ControlId(pub u32);

/// What a watch found in the design.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The Core and its design.
    pub status: EngineStatus,
    /// All components that Script Access shows.
    pub components: Vec<ComponentInfo>,
    /// Every control this watch has ever watched, by [`ControlId`].
    pub controls: Vec<WatchedControl>,
    /// Named Controls asked for that are other names for watched controls, in no order.
    pub aliases: Vec<(CompactString, ControlId)>,
}

/// A control as a watch knows it.
#[derive(Debug, Clone)]
pub struct WatchedControl {
    /// Its full name.
    pub name: ControlName,
    /// Its type in the Core's words; empty for Named Controls, whose type QRC does not tell.
    pub kind: CompactString,
    /// `Read Only`, `Write Only`, `Read/Write`; empty where unknown.
    pub direction: CompactString,
    /// The range of its values, where it has one.
    pub range: Option<(f64, f64)>,
    /// Which of the watch's change groups reports it.
    pub group: u8,
    /// How often.
    pub rate: Duration,
    /// It is in the present design; `false` for one that an earlier design had.
    pub present: bool,
}

/// What a watch tells, in the order in which it happened.
#[derive(Debug)]
pub enum WatchEvent {
    /// The design was read: the first event of all, and again after every reconnect.
    Inventory(Arc<Inventory>),
    /// Nothing is watched any more; a [`Gap`](Self::Gap) follows when it is again.
    Lost {
        /// The last moment at which nothing was missed.
        from: SystemTime,
        /// Why.
        why: String,
    },
    /// Changes between these moments may have been missed. Comes before the
    /// [`State`](Self::State) that ends it.
    Gap {
        /// The last moment at which nothing was missed.
        from: SystemTime,
        /// When everything was read again.
        to: SystemTime,
        /// Why.
        why: String,
    },
    /// All watched controls, read in full: after every connect.
    State {
        /// When it was read.
        at: SystemTime,
        /// Each control that the Core reported.
        readings: Vec<(ControlId, Reading)>,
    },
    /// Some controls changed. One event for each push that brought news.
    Changes {
        /// When the push was received.
        at: SystemTime,
        /// What changed, each control once.
        changes: Vec<Change>,
    },
}

impl WatchEvent {
    /// The places it takes on its way: one for each change or reading that it brings, and one
    /// for every 128 bytes of its texts.
    pub(crate) fn places(&self) -> usize {
        let of = |reading: &Reading| 1 + reading.text_bytes() / TEXT_PLACE;
        match self {
            Self::Changes { changes, .. } => changes.iter().map(|change| of(&change.reading)).sum(),
            Self::State { readings, .. } => readings.iter().map(|(_, reading)| of(reading)).sum(),
            Self::Inventory(_) | Self::Lost { .. } | Self::Gap { .. } => 1,
        }
    }
}

/// One control's new condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which control.
    pub control: ControlId,
    /// What it is now.
    pub reading: Reading,
}

/// A stream of changes. Dropping it ends the watch.
///
/// A watch whose events are not taken stops the reading of the socket, so that nothing
/// grows and nothing is lost; other watches and requests of the same client wait with it.
#[derive(Debug)]
pub struct Watch {
    pub(crate) events: EventReceiver<WatchEvent>,
    /// Up to this moment the watch missed nothing; microseconds since 1970, UTC.
    pub(crate) complete_until: Arc<AtomicU64>,
}

impl Watch {
    /// The next event; `None` once the client was shut down.
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
