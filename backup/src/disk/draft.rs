//! Files that appear whole or not at all: temporary name beside, fsync, rename, fsync of the folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::disk::fault;
use crate::error::{Error, Result};

/// What temporary names begin with; whatever still has such a name after a crash is rubbish.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// A file being written under a temporary name in the folder where it will appear. Dropped, it is removed.
pub(crate) struct Draft {
    temp: NamedTempFile,
    folder: PathBuf,
}

impl Draft {
    pub(crate) fn new(folder: &Path) -> Result<Draft> {
        let temp = fault::step()
            .and_then(|()| {
                tempfile::Builder::new()
                    .prefix(TEMPORARY)
                    .permissions(fs::Permissions::from_mode(0o644))
                    .tempfile_in(folder)
            })
            .map_err(Error::io(folder, "create a file in it"))?;
        Ok(Draft {
            temp,
            folder: folder.to_path_buf(),
        })
    }

    pub(crate) fn file(&mut self) -> &mut File {
        self.temp.as_file_mut()
    }

    pub(crate) fn path(&self) -> &Path {
        self.temp.path()
    }

    /// Brings the bytes to the disk; still under the temporary name.
    pub(crate) fn sync(&mut self) -> Result<()> {
        let failed = Error::io(self.temp.path(), "bring the file to the disk");
        fault::step()
            .and_then(|()| self.temp.as_file().sync_all())
            .map_err(failed)
    }

    /// Gives the file its name, replacing what had it, and makes the name last. The file must be synced already.
    pub(crate) fn publish(self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.clone();
        let path = self.place(name)?;
        sync_folder(&folder)?;
        Ok(path)
    }

    /// Gives the file its name in a folder that is made to last as a whole, later.
    pub(crate) fn place(self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fault::step()
            .and_then(|()| self.temp.persist(&path).map_err(|error| error.error))
            .map_err(Error::io(&path, "give the finished file its name"))?;
        Ok(path)
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
        .and_then(|()| names_to_disk(folder))
        .map_err(Error::io(folder, "bring the folder to the disk"))
}

/// Brings a folder's names to the disk; without this a power cut can take a rename back.
pub(crate) fn names_to_disk(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
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
        .and_then(|()| fs::create_dir_all(folder))
        .map_err(Error::io(folder, "create the folder"))?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

/// Removes what a crash left under temporary names. Only while nobody else can be writing here.
pub(crate) fn clean(folder: &Path) -> Result<usize> {
    let mut removed = 0;
    for entry in entries(folder)? {
        let path = folder.join(&entry);
        if !entry.starts_with(TEMPORARY) {
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
