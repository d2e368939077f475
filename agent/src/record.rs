//! The recording: takes the Core's changes into the store, ships them to the archive, and counts what is there.

pub(crate) mod examine;
mod live_facts;
mod shipping;

pub(crate) mod counts;
pub(crate) mod damage;
pub(crate) mod translate;

pub(crate) use counts::{Counted, Counts};
pub(crate) use damage::Damage;
pub(crate) use live_facts::{LiveFacts, PanelState};
pub(crate) use shipping::{Shipped, Shipping};
