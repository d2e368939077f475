//! What the walks over the segments come to.

use std::collections::BTreeMap;

use crate::archive::look::tail::hole::Hole;
use crate::archive::look::tail::run::Run;
use crate::archive::look::tail::signs::Sign;
use crate::store::day::Day;

/// The records that follow a backup, as far as their headers tell.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub(super) runs: Vec<Run>,
    /// Moments up to here can be reached.
    pub(super) covers_to_ms: Option<i64>,
    /// Where records are missing, in order.
    pub(super) holes: Vec<Hole>,
    /// Signs of life that no event of their day follows.
    pub(super) signs: BTreeMap<Day, Sign>,
}
