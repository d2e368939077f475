//! Damaged and lost days of the store: the recorder moves aside what is damaged and tells of what is lost, and a restore
//! from the archive is offered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backup::{DamagedDay, Day, Recorder};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::documents::{Damaged, Lost};
use crate::failure::Outcome;
use crate::record::counts::Counts;
use crate::site::Site;

/// How often the store's folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What is offered now.
#[derive(Default)]
pub(crate) struct Damage {
    offers: Mutex<Offers>,
}

/// The days that nothing has brought back yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offers {
    pub(crate) damaged: Vec<Damaged>,
    pub(crate) lost: Vec<Lost>,
}

/// What offers are made of: while this stays the same, they do.
#[derive(PartialEq, Default)]
struct Basis {
    damaged: Vec<DamagedDay>,
    lost: Vec<Day>,
    /// Those of them that were told just now and are not counted yet.
    told: Vec<Day>,
    archive_changed: Option<SystemTime>,
}

/// Where is looked.
#[derive(Clone)]
struct Looked {
    site: Arc<Site>,
    recorder: Recorder,
    counts: Arc<Counts>,
}

impl Damage {
    /// Looks once, then goes on looking until told to stop.
    pub(crate) async fn start(
        site: Arc<Site>,
        recorder: Recorder,
        counts: Arc<Counts>,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> Arc<Self> {
        let damage = Arc::new(Self::default());
        let at = Looked {
            site,
            recorder,
            counts,
        };
        let mut basis = damage.look(&at, Basis::default()).await;
        let looking = damage.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                basis = looking.look(&at, basis).await;
            }
        });
        damage
    }

    /// The damaged and lost days that nothing has brought back yet.
    pub(crate) fn offers(&self) -> Offers {
        let offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.clone()
    }

    async fn look(self: &Arc<Self>, at: &Looked, before: Basis) -> Basis {
        let (damage, at) = (self.clone(), at.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let basis = at.basis(&before.told);
            if basis != before
                && let Ok(offers) = offers(&at.site, &basis.lost)
            {
                let mut known = damage.offers.lock().unwrap_or_else(PoisonError::into_inner);
                *known = offers;
            }
            basis
        });
        looked.await.unwrap_or_default()
    }
}

impl Looked {
    /// Offers are made from the archive, which takes long: only when the damaged or lost days or the backups have changed.
    fn basis(&self, told: &[Day]) -> Basis {
        let Some(store) = self.site.store_if_any().ok().flatten() else {
            return Basis::default();
        };
        if !store.has_ledger() {
            self.site.recall_days();
        }
        let mut told = told.to_vec();
        if !store.untold_losses().is_empty() {
            // One that has stopped tells nothing more.
            told.extend(self.recorder.look_for_losses().unwrap_or_default());
        }
        let mut lost = store.lost_days(&self.counts.now(0).gaps);
        told.retain(|day| !lost.contains(day) && !store.day_path(*day).exists());
        lost.extend(&told);
        let damaged = self.site.damaged_days().unwrap_or_default();
        if damaged.is_empty() && lost.is_empty() {
            return Basis::default();
        }
        Basis {
            damaged,
            lost,
            told,
            archive_changed: self.site.archive_changed(),
        }
    }
}

/// Each damaged day of the store, and each of those that are lost, with the command that brings it back.
pub(crate) fn offers(site: &Site, lost: &[Day]) -> Outcome<Offers> {
    Ok(Offers {
        damaged: site.mends()?.iter().map(Damaged::from).collect(),
        lost: site.losses(lost)?.iter().map(Lost::from).collect(),
    })
}
