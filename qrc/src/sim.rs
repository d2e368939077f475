//! A simulated Core: the far end of the wire, as strict as a real one, for tests, demonstrations and development.
#![allow(dead_code)] // the engine that uses these rooms follows

mod number;

mod control;
mod design;
mod design_file;
mod table;

mod script;

pub use control::{Direction, Kind, Unit};
pub use design::{
    Component, Control, Design, NamedControl, Paging, Property, ScriptAccess, SnapshotBank, Zone,
};
pub use design_file::DesignError;
pub use script::{ControlState, Controls, Script};
pub use table::{ControlEvent, ControlKey};
