//! What the store and the archive hold, as the sections of the status need it.

use std::sync::Arc;

use backup::{BackupInfo, ClockStep, Gap, OpenGap, RecorderState, RecorderStats, StoreSummary};

use crate::context::Context;
use crate::failure::Outcome;
use crate::moment;
use crate::record::damage::Offers;
use crate::record::{Counted, counts, damage};
use crate::site::Site;

/// What both hold; moments are Unix milliseconds.
pub(super) struct Files {
    pub(super) summary: StoreSummary,
    pub(super) gaps: Vec<Gap>,
    /// A gap that has not ended.
    pub(super) open_gap: Option<OpenGap>,
    pub(super) clock_steps: Vec<ClockStep>,
    /// The newest first.
    pub(super) backups: Arc<[BackupInfo]>,
    /// Everything that was committed up to here is in the archive.
    pub(super) shipped_to: Option<i64>,
    /// Since when the newest backup does not lead to what the store holds, as that was put back since.
    pub(super) unanchored_since: Option<i64>,
    /// Changes from here on are in neither.
    pub(super) in_memory_from: Option<i64>,
    pub(super) offers: Offers,
    /// Why the archive is not this store's, where it is another one's.
    pub(super) refused: Option<String>,
}

impl Files {
    /// As the running agent knows them.
    pub(super) fn of_agent(context: &Context, stats: &RecorderStats) -> Self {
        let Counted {
            mut summary,
            gaps,
            clock_steps,
        } = context.counts.now(stats.committed);
        summary.to_ms = summary.to_ms.max(stats.last_commit_ms);
        Self {
            summary,
            gaps,
            open_gap: context.recorder.vouched().open_gap,
            clock_steps,
            backups: context.jobs.backups(),
            shipped_to: context.shipped.covers_to_ms(),
            unanchored_since: context.shipped.unanchored_since(),
            in_memory_from: in_memory_from(stats),
            offers: context.damage.offers(),
            // Shipping tells.
            refused: None,
        }
    }

    /// Read from the disk.
    pub(super) fn of_site(site: &Site) -> Outcome<Self> {
        let backups = site.own_backups()?.into();
        let store = site.store_if_any()?;
        let Counted {
            summary,
            gaps,
            clock_steps,
        } = match &store {
            Some(store) => counts::count(store)?,
            None => Counted::default(),
        };
        let lost = store.as_ref().map(|store| store.lost_days(&gaps));
        let vouched = store.map(|store| store.vouched()).transpose()?;
        Ok(Self {
            summary,
            gaps,
            open_gap: vouched.and_then(|vouched| vouched.open_gap),
            clock_steps,
            backups,
            shipped_to: site.recoverable()?.map(|range| range.to_ms),
            unanchored_since: site.unanchored_since()?,
            in_memory_from: None,
            offers: damage::offers(site, &lost.unwrap_or_default())?,
            refused: site.archive_refused()?.map(|failure| failure.to_string()),
        })
    }

    /// Whether there is a backup, and the newest one is proved.
    pub(super) fn newest_is_proved(&self) -> bool {
        self.backups.first().is_some_and(|newest| newest.verified)
    }

    /// When the last change came.
    pub(super) fn received_to(&self) -> Option<i64> {
        match self.in_memory_from {
            Some(_) => Some(moment::now()),
            None => self.summary.to_ms,
        }
    }
}

/// Since when changes are in memory alone, if the store cannot be written.
fn in_memory_from(stats: &RecorderStats) -> Option<i64> {
    match &stats.state {
        RecorderState::Failing { since_ms, .. } if stats.queued > 0 => Some(*since_ms),
        _ => None,
    }
}
