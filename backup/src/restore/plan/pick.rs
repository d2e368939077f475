//! Which stored files a restore builds each day of a backup from.

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::open::Archive;
use crate::error::Result;

/// The days of a backup as they can be brought back.
pub(crate) struct Picked {
    /// Those of which nothing is known to be wrong.
    pub(crate) days: Vec<DayPart>,
    /// Those that are damaged, and what is wrong with each.
    pub(crate) damaged: Vec<(DayPart, String)>,
    /// Where other files than the backup's own are taken.
    pub(crate) notes: Vec<String>,
}

impl Picked {
    /// All days from the backup's own files, whatever is known of them.
    pub(crate) fn as_named(manifest: &Manifest) -> Picked {
        Picked {
            days: manifest.days.clone(),
            damaged: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Every day comes back with the rows that the backup had.
    pub(crate) fn is_whole(&self) -> bool {
        self.damaged.is_empty()
    }
}

impl Archive {
    /// Takes the files of another backup with the same rows for a day that is known to be damaged. `None` where nobody
    /// knows which day is to blame, or no day is left.
    pub(super) fn pick(&self, manifest: &Manifest, looks: &Looks) -> Result<Option<Picked>> {
        let Some(mut bad) = self.bad_days(manifest, looks) else {
            return Ok(None);
        };
        let mut picked = Picked {
            days: Vec::new(),
            damaged: Vec::new(),
            notes: Vec::new(),
        };
        for part in &manifest.days {
            let Some(why) = bad.remove(&part.day) else {
                picked.days.push(part.clone());
                continue;
            };
            match self.held_elsewhere(part)?.into_iter().next() {
                Some((id, other)) => {
                    picked.notes.push(from_elsewhere(&part.day, &id, &why));
                    picked.days.push(other);
                }
                None => picked.damaged.push((part.clone(), why)),
            }
        }
        Ok((!picked.days.is_empty() || picked.is_whole()).then_some(picked))
    }
}

/// Says that a day is built from another backup's files.
pub(crate) fn from_elsewhere(day: &str, id: &str, why: &str) -> String {
    format!(
        "{day} comes from backup {id}, which has the same rows, as its own files are damaged ({why})"
    )
}
