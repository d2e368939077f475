//! Snapshots: loaded and saved by bank and number.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method};

/// `Snapshot.Load`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The bank's name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// The snapshot's number in the bank, from 1; the protocol calls it the bank.
    #[serde(rename = "Bank")]
    pub number: u32,
    /// Seconds for the change to take.
    #[serde(rename = "Ramp", default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<f64>,
}

impl Method for Load {
    const NAME: &'static str = "Snapshot.Load";
    type Reply = Done;
}

/// `Snapshot.Save`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Save {
    /// The bank's name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// The snapshot's number in the bank, from 1; the protocol calls it the bank.
    #[serde(rename = "Bank")]
    pub number: u32,
}

impl Method for Save {
    const NAME: &'static str = "Snapshot.Save";
    type Reply = Done;
}
