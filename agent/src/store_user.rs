//! The process that has the store, in words: an agent, or a command that will be done.

use std::fmt;
use std::path::Path;

use backup::{StoreLock, StoreUse};

/// Who holds a store's lock, as far as the lock says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoreUser {
    pid: Option<u32>,
    what_for: Option<StoreUse>,
}

impl StoreUser {
    /// Who has the store now, if anybody.
    ///
    /// # Errors
    /// When the lock may not be looked at.
    pub(crate) fn of(store: &Path) -> backup::Result<Option<StoreUser>> {
        match StoreLock::look(store) {
            Ok(()) => Ok(None),
            Err(error) => Self::named(&error).map(Some).ok_or(error),
        }
    }

    /// Who is in the way, where that is what went wrong.
    pub(crate) fn named(error: &backup::Error) -> Option<StoreUser> {
        match error {
            backup::Error::Locked { pid, what_for, .. } => Some(StoreUser {
                pid: *pid,
                what_for: *what_for,
            }),
            _ => None,
        }
    }

    /// A command such as an import: it ends by itself.
    pub(crate) fn is_command(self) -> bool {
        self.what_for.is_some_and(StoreUse::ends)
    }

    /// An agent, and not a process that does not say what it does.
    pub(crate) fn is_agent(self) -> bool {
        self.what_for == Some(StoreUse::Record)
    }

    /// `process 7 imports into`: comes before "the store".
    pub(crate) fn does(self) -> String {
        let what_for = self.what_for.map_or("has".into(), |it| it.to_string());
        format!("{self} {what_for}")
    }
}

impl fmt::Display for StoreUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}
