//! A simulated Core: the far end of the wire, as strict as a real one, for tests, demonstrations and development.

mod number;

mod control;
mod design;
mod design_file;
mod table;

mod script;

mod engine;
mod groups;
mod options;
mod reading;
mod wall;

mod bench;
pub mod faults;

mod core;
mod outbox;
mod outgoing;
mod pair;
mod server;

#[cfg(test)]
mod laws;

pub use control::{Direction, Kind, Unit};
pub use core::{Core, Faults};
pub use design::{
    Component, Control, Design, NamedControl, Paging, Property, ScriptAccess, SnapshotBank, Zone,
};
pub use design_file::DesignError;
pub use engine::{CoreState, CoreStats};
pub use faults::{Fault, FaultError, FaultKind};
pub use options::{
    CoreOptions, MetadataKeys, OpenPoints, OutOfRange, PushShape, Reply, Standby, Unusable,
};
pub use pair::Pair;
pub use script::{ControlState, Controls, Script};
pub use table::{ControlEvent, ControlKey};
