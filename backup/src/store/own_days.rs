//! Whose the day files of a store are: its own, or another store's that somebody laid among them.

use std::path::{Path, PathBuf};

use crate::disk::companions;
use crate::error::{Error, RecordIn, Result, Stores};
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::identity::{Identity, StoreId};
use crate::store::schema::open_reader;

/// What a file of another store is called once it is set aside.
const ASIDE: &str = "other-store-";

impl Store {
    /// Fails where a day's file is the record of another store. One that does not say whose it is counts as this store's,
    /// also where it is damaged.
    ///
    /// # Errors
    /// [`Error::OtherStore`]; or when `store.json` cannot be read.
    pub fn require_own(&self, day: Day) -> Result<()> {
        match Identity::read(self.dir())? {
            Some(identity) => self.require_of(&identity, day),
            None => Ok(()),
        }
    }

    /// The same for all days.
    ///
    /// # Errors
    /// As [`Store::require_own`].
    pub fn require_all_own(&self) -> Result<()> {
        let Some(identity) = Identity::read(self.dir())? else {
            return Ok(());
        };
        let mut days = self.days()?.into_iter();
        days.try_for_each(|day| self.require_of(&identity, day))
    }

    fn require_of(&self, identity: &Identity, day: Day) -> Result<()> {
        let path = self.day_path(day);
        match noted_in(&path).filter(|store| !identity.owns(store)) {
            Some(other) => Err(Error::OtherStore {
                path,
                stores: Stores {
                    found: other.to_string(),
                    expected: identity.store.to_string(),
                },
                within: RecordIn::DayFile,
            }),
            None => Ok(()),
        }
    }
}

/// Notes once which stores' days are in a store: from then on those of others are foreign. Those that are there count,
/// since older programs let a file of another store be taken over without noting it.
pub(crate) fn note_taken_over(dir: &Path) -> Result<()> {
    let Some(mut identity) = Identity::read(dir)?.filter(|it| it.took_over.is_none()) else {
        return Ok(());
    };
    let store = Store::open(dir)?;
    let mut others: Vec<StoreId> = Vec::new();
    for day in store.days()? {
        let other = noted_in(&store.day_path(day));
        let other = other.filter(|other| *other != identity.store && !others.contains(other));
        others.extend(other);
    }
    identity.took_over = Some(others);
    identity.write(dir)
}

/// Sets a day's file aside where it is another store's, so that nothing is recorded into it or read from it. Gives its new
/// place.
pub(crate) fn set_aside(dir: &Path, day: Day) -> Option<PathBuf> {
    let store = Store::open(dir).ok()?;
    let path = store.day_path(day);
    let error = store.require_own(day).err()?;
    if !matches!(error, Error::OtherStore { .. }) {
        return None;
    }
    let mut names = (1..).map(|n| match n {
        1 => format!("{ASIDE}{}", day.file_name()),
        n => format!("{ASIDE}{n}-{}", day.file_name()),
    });
    let aside = names.find(|name| !dir.join(name).exists())?;
    let aside = dir.join(aside);
    companions::rename(&path, &aside);
    tracing::error!(
        moved_to = %aside.display(),
        "{error}; it is set aside: `import` adds its events to this store, else move it away"
    );
    Some(aside)
}

/// Whose record a file says that it is.
fn noted_in(path: &Path) -> Option<StoreId> {
    let conn = open_reader(path).ok()?;
    let noted = Identity::noted_in(&conn).ok()?;
    noted.map(|noted| noted.store)
}
