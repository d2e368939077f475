//! What runs in the service, shared by all that ask or tell it something.

use std::sync::Arc;

use crate::audit::{Audit, Design};
use crate::jobs::Jobs;
use crate::qsys_core::Core;
use crate::record::Counts;
use crate::record::Damage;
use crate::record::LiveFacts;
use crate::record::Shipped;
use crate::schedule::History;
use crate::settings::Settings;
use crate::site::Site;

/// All that runs in the service.
pub(crate) struct Context {
    pub(crate) site: Arc<Site>,
    pub(crate) core: Core,
    pub(crate) recorder: backup::Recorder,
    pub(crate) jobs: Jobs,
    pub(crate) live_facts: Arc<LiveFacts>,
    pub(crate) shipped: Arc<Shipped>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) damage: Arc<Damage>,
    pub(crate) audit: Audit,
}

impl Context {
    /// What was set.
    pub(crate) fn settings(&self) -> &Settings {
        &self.site.settings
    }

    /// What the schedule needs to know.
    pub(crate) fn history(&self) -> History {
        let committed = self.recorder.stats().committed;
        History {
            unanchored_since: (self.shipped.unanchored_since())
                .max(self.shipped.archive_changed())
                .max(self.shipped.past_changed()),
            nothing_recorded: committed == 0 && self.counts.now(committed).summary.bytes == 0,
            ..self.jobs.history()
        }
    }

    /// True while an active Core answers.
    pub(crate) fn link_is_up(&self) -> bool {
        matches!(self.core.link().1, qrc::Link::Up(core) if core.is_active())
    }

    /// The design that runs in the Core.
    pub(crate) fn design(&self) -> Option<Design> {
        match self.core.link().1 {
            qrc::Link::Up(core) => Some(Design {
                name: core.design_name.into(),
                code: core.design_code.into(),
            }),
            _ => None,
        }
    }
}
