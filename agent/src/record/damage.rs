//! Damaged days of the store: the recorder moves their files aside, and a restore from the archive is offered.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backup::{DamagedDay, Day, Recorder};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::documents::Damaged;
use crate::failure::Outcome;
use crate::site::Site;

/// How often the store's folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What is offered now.
#[derive(Default)]
pub(crate) struct Damage {
    offers: Mutex<Vec<Damaged>>,
}

/// What offers are made of: while this stays the same, they do.
type Basis = (Vec<DamagedDay>, Option<SystemTime>);

impl Damage {
    /// Looks once, then goes on looking until told to stop.
    pub(crate) async fn start(
        site: Arc<Site>,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> Arc<Self> {
        let damage = Arc::new(Self::default());
        let mut basis = damage.look(&site, Basis::default()).await;
        let looking = damage.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                basis = looking.look(&site, basis).await;
            }
        });
        damage
    }

    /// The damaged days that nothing has brought back yet.
    pub(crate) fn offers(&self) -> Vec<Damaged> {
        let offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.clone()
    }

    async fn look(self: &Arc<Self>, site: &Arc<Site>, before: Basis) -> Basis {
        let (damage, site) = (self.clone(), site.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let basis = basis(&site);
            if basis != before
                && let Ok(offers) = offers(&site)
            {
                let mut known = damage.offers.lock().unwrap_or_else(PoisonError::into_inner);
                *known = offers;
            }
            basis
        });
        looked.await.unwrap_or_default()
    }
}

/// Offers are made from the archive, which takes long: only when the damaged files or the backups have changed.
fn basis(site: &Site) -> Basis {
    let damaged = site.damaged_days().unwrap_or_default();
    if damaged.is_empty() {
        return Basis::default();
    }
    (damaged, site.archive_changed())
}

/// Each damaged day of the store, with the command that puts it back.
pub(crate) fn offers(site: &Site) -> Outcome<Vec<Damaged>> {
    Ok(site.mends()?.iter().map(Damaged::from).collect())
}

/// Has the recorder examine a file that is said to be damaged. True if it was a day file and was moved aside.
/// Blocks.
pub(crate) fn examine(recorder: &Recorder, file: Option<&Path>) -> bool {
    let name = file
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let day = name.and_then(Day::from_file_name);
    day.is_some_and(|day| matches!(recorder.examine(day), Ok(Some(_))))
}
