//! Keeps the archive out of the store's folder: there it would be lost with the store.

use std::path::{Component, Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// Refuses an archive that is the store's folder or lies in it.
pub(super) fn check(store: &Path, archive: &Path) -> Outcome<()> {
    if !real(archive)?.starts_with(real(store)?) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the backups' folder {} lies in the store's folder {}: who loses the store would lose its backups with it",
        archive.display(),
        store.display()
    ))
    .hint("set EVENT_BACKUP_PATH (or [backup] path) to another folder, best on another disk"))
}

/// The path with links followed, as far as it exists.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    let mut real = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            part => real.push(part),
        }
        if let Ok(followed) = real.canonicalize() {
            real = followed;
        }
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_apart_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        check(&at("events"), &at("backups")).unwrap();
        check(&at("events"), &at("events-backups")).unwrap();
        // A store inside the archive's folder is fine: the original lays its files out like that.
        check(&at("data/backups/events"), &at("data/backups")).unwrap();
        for inside in ["events", "events/backups", "x/../events/backups"] {
            let error = check(&at("events"), &at(inside)).unwrap_err();
            assert!(
                error.to_string().contains("would lose its backups"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_link_into_the_store_is_seen_through() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("events")).unwrap();
        std::os::unix::fs::symlink(at("events"), at("elsewhere")).unwrap();
        check(&at("events"), &at("elsewhere/backups")).unwrap_err();
    }
}
