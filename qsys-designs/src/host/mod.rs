//! The Core's script engine: an embedded Lua 5.3 with the run-time API, and Designer's definition pass.

mod bank;
mod budget;
mod control;
mod json;

mod definition;

mod api;
mod runtime;

pub use bank::{ControlState, Dirty, Look, Shape, SharedBank, Unit};
pub use definition::{ControlDef, Definition, Page, PropertyDef, PropertyValue};
pub use runtime::{Directory, HostError, LogKind, LogLine, Outside, Role, Runtime, RuntimeOptions};
