//! Questions to the store: events in a span, the state at a moment, what changed between two, counts per minute.

pub(crate) mod controls;
pub(crate) mod moments;
pub(crate) mod reader;

pub(crate) mod ids;

pub(crate) mod counts;

pub(crate) mod events;
pub(crate) mod state;

pub(crate) mod diff;
