//! A day whose stored files are damaged: where else it is, and noting what was found.

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::DayPart;
use crate::archive::look::whole;
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
use crate::error::Result;

impl Archive {
    /// What the newest other backups have stored of a day with the same rows, as far as nothing is known to be wrong with
    /// it; each with the backup's id.
    pub(crate) fn held_elsewhere(&self, part: &DayPart) -> Result<Vec<(String, DayPart)>> {
        let mut held: Vec<(String, DayPart)> = Vec::new();
        for (id, other) in self.others_of(part)? {
            let same_rows = part.digest.is_some() && part.digest == other.digest;
            let alike = |known: &DayPart| known.objects().eq(other.objects());
            if same_rows && !held.iter().any(|(_, known)| alike(known)) {
                held.push((id, other));
            }
        }
        Ok(held)
    }

    /// The newest backup that has most of a damaged day: its id and how many events.
    pub(crate) fn most_of(&self, part: &DayPart) -> Result<Option<(String, u64)>> {
        let others = self.others_of(part)?.into_iter().rev();
        let most = others.max_by_key(|(_, other)| other.events);
        Ok(most.map(|(id, other)| (id, other.events)))
    }

    /// The same day in other files, as far as nothing is known to be wrong with them, the newest backup first.
    fn others_of(&self, part: &DayPart) -> Result<Vec<(String, DayPart)>> {
        let looks = Looks::read(&*self.place);
        let mut others = Vec::new();
        for (manifest, _) in self.manifests()? {
            let days = manifest.days.iter();
            let mut of_day =
                days.filter(|day| day.day == part.day && !day.objects().eq(part.objects()));
            let Some(other) = of_day.next() else { continue };
            let bad = self.bad_days(&manifest, &looks);
            if bad.is_some_and(|bad| !bad.contains_key(&other.day)) {
                others.push((manifest.id.clone(), other.clone()));
            }
        }
        Ok(others)
    }

    /// Finds out which stored files of a day are damaged and notes it, where nobody else is at work.
    pub(crate) fn note_damage(&self, part: &DayPart) {
        let Ok(Some(_held)) = self.place.hold_if_free(Hold::Write) else {
            return;
        };
        let mut looks = Looks::read(&*self.place);
        for object in part.objects() {
            // What is found is what is noted.
            drop(whole::look(&*self.place, object, &mut looks, &mut |_| {}));
        }
        // An archive that may only be read stays as it is.
        if let Err(error) = looks.write(&*self.place) {
            tracing::debug!(%error, "what a restore found damaged could not be noted");
        }
    }
}
