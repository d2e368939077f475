//! Days leave the store: each only once the archive's copy of it has just been read back whole.

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::DayPart;
use crate::archive::look::is_archived::is_as_archived;
use crate::archive::look::whole;
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::{companions, names};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::ledger;
use crate::store::retention::{DayFate, Retention, RetentionPlan};
use crate::trusted_now::TrustedNow;

/// What becomes of a damaged copy.
const ANEW: &str = "the next backup stores it anew";

/// A day of a store whose archived copy has just been read back whole, and means what the live day means. Only
/// [`Archive::read_back`] makes one, and nothing else takes a day out of a store.
struct JustRead<'a> {
    store: &'a Store,
    day: Day,
}

impl JustRead<'_> {
    /// Removes the day's file. A running recorder never has it open, as the newest day always stays.
    fn leave(self, why: &str) -> Result<()> {
        ledger::note_leaving(self.store.dir(), &[self.day], why, SystemClock.now_ms())?;
        for file in companions::and_database(&self.store.day_path(self.day)) {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io(&file, "remove the day file")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Archive {
    /// Removes the days of a store that retention wants to go, oldest first. Before each goes, the archive's copy of it is
    /// read back whole and compared with it. A day whose copy is damaged stays, which the report says; from then on that
    /// copy does not count as held, and the next backup stores the day anew. With `dry_run` nothing is read back or
    /// removed: the report says what retention wants.
    ///
    /// # Errors
    /// When the store's folder cannot be read, another process is at work in the archive, or a file cannot be removed.
    pub fn prune_days(
        &self,
        store: &Store,
        retention: &Retention,
        now: TrustedNow,
        dry_run: bool,
    ) -> Result<RetentionPlan> {
        let archived = |day: Day| {
            self.is_archived(store, day).unwrap_or_else(|error| {
                tracing::warn!(%day, "not known to be archived: {error}");
                false
            })
        };
        let mut plan = store.plan_retention(retention, now, &archived)?;
        if dry_run || plan.remove.is_empty() {
            return Ok(plan);
        }
        let _held = self.place.hold(Hold::Write)?;
        let mut looks = Looks::read(&*self.place);
        let wanted = std::mem::take(&mut plan.remove);
        let mut left = Ok(());
        for DayFate { day, bytes, why } in wanted {
            let read = self.read_back(store, day, &mut looks);
            let (list, why) = match read {
                Ok(read) => {
                    left = read.leave(&why);
                    (&mut plan.remove, why)
                }
                Err(stays) => (&mut plan.kept, format!("{why}, but {stays}")),
            };
            if left.is_err() {
                break;
            }
            list.push(DayFate { day, bytes, why });
        }
        plan.kept.sort_by_key(|fate| fate.day);
        // An archive that may only be read stays as it is.
        if let Err(error) = looks.write(&*self.place) {
            tracing::warn!(%error, "what was seen in the archive could not be noted");
        }
        left?;
        names::in_folder(store.dir()).map_err(Error::io(store.dir(), "sync the store's folder"))?;
        Ok(plan)
    }

    /// Reads the archived copy of a day, the whole one and its later parts, and compares it with the manifest and with
    /// the live day. The error says in words why the day must stay.
    fn read_back<'a>(
        &self,
        store: &'a Store,
        day: Day,
        looks: &mut Looks,
    ) -> std::result::Result<JustRead<'a>, String> {
        let unread = |error: &Error| format!("its copy could not be read back: {error}");
        let part = self.archived_part(store, day).map_err(|e| unread(&e))?;
        let part = part.ok_or("it is not archived any more")?;
        if let Err(damage) = self.read_files(&part, looks) {
            return Err(format!("its copy is damaged: {damage}; {ANEW}"));
        }
        let other_rows = self.rows_differ(&part).map_err(|error| unread(&error))?;
        if let Some(differs) = other_rows {
            self.note_forged(&part, &differs, looks);
            return Err(format!("its copy is damaged: {differs}; {ANEW}"));
        }
        // Compared last: it may have changed while its copy was read.
        match is_as_archived(&store.day_path(day), &part) {
            Ok(true) => Ok(JustRead { store, day }),
            Ok(false) => Err("it is not archived as it is now".into()),
            Err(error) => Err(format!("it could not be compared with its copy: {error}")),
        }
    }

    /// Reads each stored file of a day; gives the first that is damaged.
    fn read_files(&self, part: &DayPart, looks: &mut Looks) -> std::result::Result<(), Finding> {
        let all = part.objects();
        let read: Vec<_> = all
            .map(|object| whole::look(&*self.place, object, looks, &mut |_| {}))
            .collect();
        read.into_iter().collect()
    }

    /// A day whose files have the right hashes, and other rows than were archived.
    fn note_forged(&self, part: &DayPart, differs: &str, looks: &mut Looks) {
        let newest = part.objects().last().unwrap_or(&part.object);
        if let Ok(Some(found)) = self.place.look(&newest.file) {
            let damage = format!("{}: {differs}", newest.file);
            looks.note(newest, found, SystemClock.now_ms(), Some(damage));
        }
    }
}
