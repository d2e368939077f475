//! The Core's script engine: an embedded Lua 5.3 with the run-time API, and Designer's definition pass.

mod bank;
mod budget;
mod control;
mod definition;
mod json;
mod runtime;

pub use bank::{ControlState, Dirty, Look, Shape, SharedBank, Unit};
pub use definition::{ControlDef, Definition, Page, PropertyDef, PropertyValue};
pub use runtime::{Directory, HostError, LogKind, LogLine, Outside, Role, Runtime, RuntimeOptions};
