//! Files that appear whole or not at all: temporary name beside, fsync, rename, fsync of the folder.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::disk::{fault, names, owner, real};
use crate::error::{Error, Result};
use crate::finding::Finding;

/// What temporary names begin with; whatever still has such a name after a crash is rubbish.
pub(crate) const TEMPORARY: &str = ".tmp-";
/// What older versions called the scratch of an import.
const TEMPORARY_BEFORE: &str = ".import-";

/// A file being written under a temporary name in the folder where it will appear. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    folder: OwnedFd,
    path: PathBuf,
    name: String,
    placed: bool,
}

impl Draft {
    pub(crate) fn new(folder: &Path) -> Result<Draft> {
        let opened = real::folder(folder).map_err(Error::io(folder, "create a file in it"))?;
        Draft::inside(opened, folder)
    }

    /// In a folder that is open already; `path` is how people know it.
    pub(crate) fn inside(folder: OwnedFd, path: &Path) -> Result<Draft> {
        let failed = || Error::io(path, "create a file in it");
        fault::step().map_err(failed())?;
        let how = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = format!(
                "{TEMPORARY}{:016x}",
                RandomState::new().build_hasher().finish()
            );
            match openat(&folder, &name, how, Mode::from_raw_mode(0o644)) {
                Ok(file) => {
                    owner::give(&folder, &file).map_err(failed())?;
                    let file = File::from(file);
                    // Held as long as it is written: whoever tidies up leaves it alone. Where a disk keeps no locks it does not help.
                    let _ = file.try_lock_shared();
                    return Ok(Draft {
                        file,
                        path: path.join(&name),
                        folder,
                        name,
                        placed: false,
                    });
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(failed()(error.into())),
            }
        }
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings the bytes to the disk; still under the temporary name.
    pub(crate) fn sync(&mut self) -> Result<()> {
        fault::step()
            .and_then(|()| self.file.sync_all())
            .map_err(Error::io(&self.path, "bring the file to the disk"))
    }

    /// What was written, from its beginning.
    pub(crate) fn read_back(&mut self) -> Result<impl Read + '_> {
        let path = &self.path;
        let rewound = self.file.rewind().map_err(Error::io(path, "read it back"));
        rewound.map(|()| &mut self.file)
    }

    /// Gives the file its name, replacing what had it, and makes the name last. The file must be synced already.
    pub(crate) fn publish(mut self, name: &str) -> Result<PathBuf> {
        let path = self.rename(name)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fault::step()
            .and_then(|()| names::to_disk(&self.folder, folder))
            .map_err(Error::io(folder, "bring the folder to the disk"))?;
        Ok(path)
    }

    /// Gives the file its name in a folder that is made to last as a whole, later.
    pub(crate) fn place(mut self, name: &str) -> Result<PathBuf> {
        self.rename(name)
    }

    fn rename(&mut self, name: &str) -> Result<PathBuf> {
        let path = self.path.with_file_name(name);
        fault::step()
            .and_then(|()| Ok(renameat(&self.folder, &self.name, &self.folder, name)?))
            .map_err(|error| match error.kind() {
                io::ErrorKind::IsADirectory => Finding::new(&path, "not a real file")
                    .expected("a regular file or nothing")
                    .found("a folder")
                    .hint("move the folder away and try again")
                    .into(),
                _ => Error::io(&path, "give the finished file its name")(error),
            })?;
        self.placed = true;
        Ok(path)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed now is removed with the other rubbish.
            let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Writes a small file whole.
pub(crate) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let mut draft = Draft::new(folder)?;
    let failed = Error::io(&folder.join(name), "write the file");
    fault::step()
        .and_then(|()| draft.file().write_all(bytes))
        .map_err(failed)?;
    draft.sync()?;
    draft.publish(name)
}

/// Makes renames and new names in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    fault::step()
        .and_then(|()| names::in_folder(folder))
        .map_err(Error::io(folder, "bring the folder to the disk"))
}

/// Makes a file's bytes last. Never for a live database: closing it would drop SQLite's locks.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(Error::io(path, "bring the file to the disk"))
}

/// Creates a folder and makes its name last.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fault::step()
        .and_then(|()| owner::make_folder(folder))
        .map_err(Error::io(folder, "create the folder"))?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

/// Removes what a crash left under temporary names; files that somebody writes at the moment stay.
pub(crate) fn clean(folder: &Path) -> Result<usize> {
    let mut removed = 0;
    for entry in entries(folder)? {
        let path = folder.join(&entry);
        if !entry.starts_with(TEMPORARY) && !entry.starts_with(TEMPORARY_BEFORE) {
            continue;
        }
        if is_written(folder, &entry) {
            continue;
        }
        let gone = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        gone.map_err(Error::io(&path, "remove an unfinished file"))?;
        removed += 1;
    }
    Ok(removed)
}

/// Whether a process has the file open as a draft.
fn is_written(folder: &Path, name: &str) -> bool {
    let opened = real::folder(folder).and_then(|within| real::file_in(within, name, OFlags::RDWR));
    opened.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// The names in a folder, sorted; none when it does not exist.
pub(crate) fn entries(folder: &Path) -> Result<Vec<String>> {
    let failed = || Error::io(folder, "read the folder");
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed()(error)),
    };
    let mut names = Vec::new();
    for entry in listing {
        if let Ok(name) = entry.map_err(failed())?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_tidies_up_leaves_alone_what_another_one_writes() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::new(dir.path()).unwrap();
        draft.file().write_all(b"whole").unwrap();
        let left = dir.path().join(".tmp-1");
        fs::write(&left, b"half").unwrap();
        assert_eq!(clean(dir.path()).unwrap(), 1);
        assert!(!left.exists());
        draft.sync().unwrap();
        let path = draft.publish("a").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"whole");
        assert_eq!(clean(dir.path()).unwrap(), 0);
    }
}
