//! The site's store, or what to do where there is none.

use backup::Store;

use super::Site;
use crate::advice;
use crate::failure::{Failure, Outcome};

impl Site {
    /// The store, or an error that says that there is none, or that a file in it is another store's.
    pub(crate) fn store(&self) -> Outcome<Store> {
        let store = self.any_store()?;
        store.require_all_own()?;
        Ok(store)
    }

    /// The store, whatever its files are.
    pub(super) fn any_store(&self) -> Outcome<Store> {
        self.store_if_any()?.ok_or_else(|| self.no_store())
    }

    /// One can be restored only where there is a backup.
    fn no_store(&self) -> Failure {
        let run = advice::command("run");
        let restore = match self.list() {
            Ok(backups) if !backups.is_empty() => {
                format!(", restore one with `{}`", advice::command("restore latest"))
            }
            _ => String::new(),
        };
        Failure::failed(format!(
            "there is no store in {}",
            self.store_path().display()
        ))
        .hint(format!(
            "start recording with `{run}`{restore}, or set EVENT_MONITORING_DB_PATH"
        ))
    }
}
