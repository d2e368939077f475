//! A redundant pair: two Cores with one design; one of them is active.

use std::time::Duration;

use crate::design::Design;
use crate::engine::{CoreState, Estate};
use crate::options::CoreOptions;
use crate::script::Script;
use crate::simulated_core::Core;

/// Two Cores with the same design; serve each on a listener of its own.
///
/// The pair keeps writable controls in step, but not Read Only ones. Scripts run on the active Core only.
#[derive(Clone)]
pub struct Pair {
    /// Active at the start.
    pub first: Core,
    /// On standby at the start.
    pub second: Core,
}

impl Pair {
    /// A pair whose first Core is active.
    pub fn new(design: Design, options: CoreOptions) -> Pair {
        let options = CoreOptions {
            is_redundant: true,
            ..options
        };
        let second = Core::new(design.clone(), options.clone());
        second.set_state(CoreState::Standby);
        let first = Core::new(design, options);
        first.make_partners(&second);
        Pair { first, second }
    }

    /// The Core that runs the design.
    pub fn active(&self) -> &Core {
        if self.second.state() == CoreState::Active {
            &self.second
        } else {
            &self.first
        }
    }

    /// Adds a script. It always runs on the active Core.
    pub fn add_script(&self, script: Box<dyn Script>) {
        self.active().add_script(script);
    }

    /// Makes the other Core take over at once.
    pub fn fail_over(&self) {
        let (to, estate) = self.retire();
        to.take_over(estate);
    }

    /// Makes the other Core take over after a time in which both stand by. Real pairs take about 3 s by hand and 10 s
    /// by themselves.
    pub async fn fail_over_within(&self, gap: Duration) {
        let (to, estate) = self.retire();
        tokio::time::sleep(gap).await;
        to.take_over(estate);
    }

    fn retire(&self) -> (&Core, Estate) {
        let from_second = self.second.state() == CoreState::Active;
        let (from, to) = if from_second {
            (&self.second, &self.first)
        } else {
            (&self.first, &self.second)
        };
        (to, from.retire())
    }
}
