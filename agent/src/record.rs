//! The recording: the Core's changes into the store, what was stored into the archive, and what is known of both.

pub(crate) mod damage;
mod live_facts;
mod shipping;

pub(crate) mod counts;
pub(crate) mod translate;

pub(crate) use counts::{Counted, Counts};
pub(crate) use damage::Damage;
pub(crate) use live_facts::{LiveFacts, PanelState};
pub(crate) use shipping::{Shipped, Shipping};
