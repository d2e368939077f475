//! The files that SQLite keeps beside a database: its log, the log's index, its journal.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Commits that are not in the database yet.
const LOG: &str = "-wal";
/// An index of the log, which SQLite makes anew when needed.
const INDEX: &str = "-shm";
/// What SQLite needs to roll back an interrupted transaction.
const JOURNAL: &str = "-journal";
const ALL: [&str; 3] = [LOG, INDEX, JOURNAL];

/// `path` with `end` appended to its name.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

/// Where the companions of a database are or would be.
pub(crate) fn of(path: &Path) -> impl Iterator<Item = PathBuf> {
    ALL.iter().map(|end| beside(path, end))
}

/// The companions and then their database: the order in which to remove them. A log without its database would be
/// replayed into the next file of that name, and a removal that was cut off finds the database and starts again.
pub(crate) fn and_database(path: &Path) -> impl Iterator<Item = PathBuf> {
    of(path).chain([path.to_path_buf()])
}

/// Where a database's log is or would be.
pub(crate) fn log(path: &Path) -> PathBuf {
    beside(path, LOG)
}

/// Where a database's journal is or would be.
pub(crate) fn journal(path: &Path) -> PathBuf {
    beside(path, JOURNAL)
}

/// The companions without which a database is not whole.
pub(crate) fn needed(path: &Path) -> impl Iterator<Item = PathBuf> {
    [log(path), journal(path)].into_iter()
}

/// Whether a log or a journal lies beside the database.
pub(crate) fn belong_to(path: &Path) -> bool {
    needed(path).any(|companion| companion.exists())
}

/// Bytes of a database and its log, as far as they are there.
pub(crate) fn bytes(path: &Path) -> u64 {
    let size = |path: &Path| path.metadata().map_or(0, |meta| meta.len());
    size(path) + size(&log(path))
}

/// The database's name in its own or a companion's.
pub(crate) fn database_of(name: &str) -> &str {
    let database = ALL.iter().find_map(|end| name.strip_suffix(end));
    database.unwrap_or(name)
}

/// Whether a file only speeds up reading a log.
pub(crate) fn is_index(name: &str) -> bool {
    name.ends_with(INDEX)
}

/// Renames a database and its companions as far as possible. A companion need not exist; the caller checks whether the
/// database kept its name.
pub(crate) fn rename(from: &Path, to: &Path) {
    for (from, to) in and_database(from).zip(and_database(to)) {
        let _ = std::fs::rename(from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_companion_leads_to_its_database() {
        let database = Path::new("/s/a.db");
        let names: Vec<PathBuf> = and_database(database).collect();
        assert_eq!(names.last().unwrap(), database);
        for name in names {
            assert_eq!(database_of(name.to_str().unwrap()), "/s/a.db");
        }
    }
}
