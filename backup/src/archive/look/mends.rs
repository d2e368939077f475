//! Finds what can restore a damaged day: the newest proved backup of it, and the segments after that backup.

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::Manifest;
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::error::Result;
use crate::store::damaged::DamagedDay;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::identity::Identity;

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
        let looks = Looks::read(&*self.place);
        let mut manifests = self.manifests()?;
        let present = Identity::read(store.dir())?;
        manifests.retain(|(manifest, _)| manifest.led_to(present.as_ref()));
        let mend = |damaged: DamagedDay| {
            let holding = || {
                let all = manifests.iter().map(|(manifest, _)| manifest);
                all.filter(|manifest| has_undamaged(manifest, &damaged))
            };
            // Where none is proved, one is good enough of which only other days are damaged.
            let is_sound = |manifest: &&Manifest| {
                let bad = self.bad_days(manifest, &looks);
                bad.is_some_and(|bad| !bad.contains_key(&damaged.day.to_string()))
            };
            let is_proved = |manifest: &&Manifest| self.info_by(manifest, &looks).verified;
            let proved = holding().find(is_proved);
            let older_than_proved = |manifest: &&Manifest| {
                proved.is_some_and(|proved| manifest.sequence < proved.sequence)
            };
            let stays = holding().take_while(|manifest| !older_than_proved(manifest));
            let stays = stays.map(|manifest| manifest.id.clone()).collect();
            let holding = proved.or_else(|| holding().find(is_sound));
            let from = holding.map(|manifest| {
                // Without the segments the backup alone is still worth having. Only records with events of the day
                // stay until it is back; others go with the next backup.
                let shipped = Tail::of(&self.place, manifest).readable();
                let days = shipped.days(None).unwrap_or_default();
                let shipped_to = days
                    .get(&damaged.day)
                    .map(|(_, last)| EventId(*last).ms().min(damaged.at_ms));
                (
                    manifest.id.clone(),
                    manifest.covers_to_ms.max(shipped_to.unwrap_or(i64::MIN)),
                )
            });
            Mend {
                damaged,
                from,
                stays,
            }
        };
        Ok(damaged.into_iter().map(mend).collect())
    }
}

/// Whether a backup has the day as it was before the damage. The file that was begun after it has a gap that tells of
/// it.
fn has_undamaged(manifest: &Manifest, damaged: &DamagedDay) -> bool {
    let name = damaged.day.to_string();
    let part = manifest.days.iter().find(|part| part.day == name);
    part.is_some_and(|part| {
        part.events > 0
            && !part
                .gaps
                .iter()
                .any(|gap| damaged.is_lost_in(gap.from_ms, &gap.why))
    })
}
