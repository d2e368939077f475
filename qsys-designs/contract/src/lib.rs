//! What the agent and the plugin agree on: the names of the controls, the documents that they put into
//! them, what may be asked for, and the proof of a PIN.
//!
//! The plugin's half is Lua (`qsys-designs/plugin`); a test of `qsys-designs` compares the two.

mod ack;
pub mod control;
mod pin;

mod request;

mod state;

pub use ack::{Ack, AckResult};
pub use pin::pin_proof;
pub use request::{Request, RequestKind};
pub use state::{
    Agent, Backup, Core, Disk, Events, Job, JobState, Message, Point, Range, SCHEMA, Span, State,
    Undo,
};
