//! The Core's script engine: an embedded Lua 5.3 with the run-time API, and Designer's definition pass.

mod bank;
mod budget;
mod control;
mod json;

mod definition;
mod sandbox;

mod pass;

mod output;
mod setup;

mod api;
mod runtime;

pub use bank::{ControlState, Dirty, Look, Shape, SharedBank, Unit};
pub use definition::{ControlDef, Definition, Page, PropertyDef, PropertyValue};
pub use output::{LogKind, LogLine};
pub use runtime::{Outside, Runtime};
pub use sandbox::HostError;
pub use setup::{Directory, Role, RuntimeOptions};
