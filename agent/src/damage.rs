//! Days of the store whose files were damaged: the recorder moves them aside, and the archive's way back is offered.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backup::{Archive, DamagedDay, Day, Recorder, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::documents::Damaged;
use crate::failure::Outcome;
use crate::settings::Settings;
use crate::work;

/// How often the store's folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What is offered now.
#[derive(Default)]
pub(crate) struct Damage {
    offers: Mutex<Vec<Damaged>>,
}

/// What offers are made of; while it is the same, so are they.
type Basis = (Vec<DamagedDay>, Option<SystemTime>);

impl Damage {
    /// Looks once, then goes on looking until told to stop.
    pub(crate) async fn start(
        settings: Arc<Settings>,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> Arc<Self> {
        let damage = Arc::new(Self::default());
        let mut basis = damage.look(&settings, Basis::default()).await;
        let looking = damage.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                basis = looking.look(&settings, basis).await;
            }
        });
        damage
    }

    /// The damaged days that nothing has brought back yet.
    pub(crate) fn offers(&self) -> Vec<Damaged> {
        let offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.clone()
    }

    async fn look(self: &Arc<Self>, settings: &Arc<Settings>, before: Basis) -> Basis {
        let (damage, settings) = (self.clone(), settings.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let basis = basis(&settings);
            if basis != before
                && let Ok(offers) = offers(&settings)
            {
                let mut known = damage.offers.lock().unwrap_or_else(PoisonError::into_inner);
                *known = offers;
            }
            basis
        });
        looked.await.unwrap_or_default()
    }
}

/// Making offers reads the archive, so it is done only when the damaged files or the backups are others.
fn basis(settings: &Settings) -> Basis {
    let store = Store::open(&settings.store.path);
    let damaged = store.and_then(|store| store.damaged_days());
    let damaged = damaged.unwrap_or_default();
    if damaged.is_empty() {
        return Basis::default();
    }
    let archive = settings.backup.path.metadata();
    let changed = archive.and_then(|folder| folder.modified()).ok();
    (damaged, changed)
}

/// Each damaged day of the store, with the command that puts it back.
pub(crate) fn offers(settings: &Settings) -> Outcome<Vec<Damaged>> {
    if !settings.store.path.exists() {
        return Ok(Vec::new());
    }
    let store = work::open_store(&settings.store.path)?;
    if store.damaged_days().map_err(work::failure)?.is_empty() {
        return Ok(Vec::new());
    }
    let archive = Archive::open(&settings.backup.path).map_err(work::failure)?;
    let mends = archive.mends(&store).map_err(work::failure)?;
    Ok(mends.iter().map(Damaged::from).collect())
}

/// Has the recorder look at a file that is said to be damaged. True where it was a day's, and was moved aside.
/// Blocking.
pub(crate) fn examine(recorder: &Recorder, file: Option<&Path>) -> bool {
    let name = file
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let day = name.and_then(Day::from_file_name);
    day.is_some_and(|day| matches!(recorder.examine(day), Ok(Some(_))))
}
