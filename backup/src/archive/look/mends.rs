//! Finds what brings back a day that is damaged or lost: the newest proved backup of it, and the segments after that backup.

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::error::Result;
use crate::store::damaged::DamagedDay;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::identity::Identity;
use crate::store::lost;

/// A damaged day and the way to have it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// The file that was moved aside.
    pub damaged: DamagedDay,
    /// The backup to restore from and the moment (Unix milliseconds) that it reaches with the segments after it: the
    /// arguments of a restore that keeps newer events. `None` where no proved backup has the day.
    pub from: Option<(String, i64)>,
    /// The backups that stay until the day is back, by id: that proved one, and each newer one that has the day, too, and is
    /// in doubt. It may turn out whole.
    pub stays: Vec<String>,
}

/// A lost day and the way to have it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The day whose file another program took away.
    pub day: Day,
    /// As of a [damaged day](Mend::from).
    pub from: Option<(String, i64)>,
    /// As of a [damaged day](Mend::stays).
    pub stays: Vec<String>,
}

/// What brings a day back, and what stays until it is.
struct Way {
    from: Option<(String, i64)>,
    stays: Vec<String>,
}

impl Archive {
    /// The damaged days of a store that are not restored yet, each with the newest proved backup made before the
    /// damage.
    ///
    /// # Errors
    /// When the store's or the archive's folder cannot be read.
    pub fn mends(&self, store: &Store) -> Result<Vec<Mend>> {
        let damaged = store.damaged_days()?;
        if damaged.is_empty() {
            return Ok(Vec::new());
        }
        let manifests = self.led_to(Identity::read(store.dir())?.as_ref())?;
        let looks = Looks::read(&*self.place);
        let mend = |damaged: DamagedDay| {
            let undamaged = |part: &DayPart| is_undamaged(part, &damaged);
            let until_ms = Some(damaged.at_ms);
            let Way { from, stays } =
                self.way_back(&manifests, &looks, damaged.day, until_ms, &undamaged);
            Mend {
                damaged,
                from,
                stays,
            }
        };
        Ok(damaged.into_iter().map(mend).collect())
    }

    /// Of lost days of a store, each with the newest proved backup made before the loss.
    ///
    /// # Errors
    /// When the store's or the archive's folder cannot be read.
    pub fn losses(&self, store: &Store, lost: &[Day]) -> Result<Vec<Loss>> {
        self.losses_of(Identity::read(store.dir())?.as_ref(), lost)
    }

    /// The same for a store of this identity.
    pub(crate) fn losses_of(&self, present: Option<&Identity>, lost: &[Day]) -> Result<Vec<Loss>> {
        if lost.is_empty() {
            return Ok(Vec::new());
        }
        let manifests = self.led_to(present)?;
        let looks = Looks::read(&*self.place);
        let loss = |day: Day| {
            let Way { from, stays } = self.way_back(&manifests, &looks, day, None, &is_unlost);
            Loss { day, from, stays }
        };
        Ok(lost.iter().copied().map(loss).collect())
    }

    /// The backups of the histories that led to the present one, newest first.
    fn led_to(&self, present: Option<&Identity>) -> Result<Vec<Manifest>> {
        let manifests = self.manifests()?.into_iter();
        let manifests = manifests.map(|(manifest, _)| manifest);
        Ok(manifests.filter(|it| it.led_to(present)).collect())
    }

    /// What brings back a day, of which records up to `until_ms` count. `is_whole` says whether a backup has it as it was
    /// before.
    fn way_back(
        &self,
        manifests: &[Manifest],
        looks: &Looks,
        day: Day,
        until_ms: Option<i64>,
        is_whole: &dyn Fn(&DayPart) -> bool,
    ) -> Way {
        let name = day.to_string();
        let has = |manifest: &&Manifest| {
            let part = manifest.days.iter().find(|part| part.day == name);
            part.is_some_and(|part| part.events > 0 && is_whole(part))
        };
        let holding = || manifests.iter().filter(has);
        // Where none is proved, one is good enough of which only other days are damaged.
        let is_sound = |manifest: &&Manifest| {
            let bad = self.bad_days(manifest, looks);
            bad.is_some_and(|bad| !bad.contains_key(&name))
        };
        let is_proved = |manifest: &&Manifest| self.info_by(manifest, looks).verified;
        let proved = holding().find(is_proved);
        let older_than_proved =
            |manifest: &&Manifest| proved.is_some_and(|proved| manifest.sequence < proved.sequence);
        let stays = holding().take_while(|manifest| !older_than_proved(manifest));
        let stays = stays.map(|manifest| manifest.id.clone()).collect();
        let holding = proved.or_else(|| holding().find(is_sound));
        let from = holding.map(|manifest| {
            // Without the segments the backup alone is still worth having. Only records with events of the day
            // stay until it is back; others go with the next backup.
            let shipped = Tail::of(&self.place, manifest).readable();
            let days = shipped.days(None).unwrap_or_default();
            let shipped_to = days.get(&day).map(|(_, last)| EventId(*last).ms());
            let shipped_to = shipped_to.map(|ms| ms.min(until_ms.unwrap_or(i64::MAX)));
            (
                manifest.id.clone(),
                manifest.covers_to_ms.max(shipped_to.unwrap_or(i64::MIN)),
            )
        });
        Way { from, stays }
    }
}

/// Whether a day is as it was before the damage. The file that was begun after it has a gap that tells of it.
fn is_undamaged(part: &DayPart, damaged: &DamagedDay) -> bool {
    let mut gaps = part.gaps.iter();
    !gaps.any(|gap| damaged.is_lost_in(gap.from_ms, &gap.why))
}

/// The same of a loss.
fn is_unlost(part: &DayPart) -> bool {
    let mut gaps = part.gaps.iter();
    !gaps.any(|gap| {
        let lost = lost::lost_day(&gap.why).filter(|day| day.to_string() == part.day);
        lost.is_some_and(|day| gap.from_ms <= day.start_ms())
    })
}
