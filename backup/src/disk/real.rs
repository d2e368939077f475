//! Opens files and folders without following links: only real folders and regular files count.
//!
//! Each part of a path is opened relative to the part before, so that nobody can slip in a link. A pipe or device is
//! never opened: opening one may block, or start something.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, fstat, open, openat, renameat, renameat_with,
    statat, unlinkat,
};
use rustix::io::Errno;

use crate::disk::owner;
use crate::irregular::Irregular;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Opens a folder whose path may be a link.
pub(crate) fn folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(path, FOLDER, Mode::empty())?)
}

/// Opens a folder inside another.
pub(crate) fn folder_in(folder: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    match openat(&folder, name, FOLDER.union(OFlags::NOFOLLOW), Mode::empty()) {
        Ok(inside) => Ok(inside),
        Err(Errno::LOOP | Errno::NOTDIR) => {
            let stat = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            require(stat.st_mode, FileType::Directory)?;
            Err(Errno::NOTDIR.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Opens a regular file inside a folder for reading, or with `how` for more.
pub(crate) fn file_in(folder: impl AsFd, name: &str, how: OFlags) -> io::Result<File> {
    file_of_mode(folder, name, how, 0o644)
}

/// Opens a regular file for reading and writing; makes it where it is missing, for whom the process makes files.
pub(crate) fn own_file(folder: &Path, name: &str) -> io::Result<File> {
    let how = OFlags::RDWR | OFlags::CREATE;
    file_of_mode(self::folder(folder)?, name, how, 0o666)
}

fn file_of_mode(folder: impl AsFd, name: &str, how: OFlags, mode: u32) -> io::Result<File> {
    let is_missing = match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => {
            require(stat.st_mode, FileType::RegularFile)?;
            false
        }
        Err(Errno::NOENT) if how.contains(OFlags::CREATE) => true,
        Err(error) => return Err(error.into()),
    };
    // If it became a pipe meanwhile, opening it does not block.
    let how = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if is_missing
        && owner::is_another(&folder)?
        && let Some(made) = made_for_owner(&folder, name, how, mode)?
    {
        return Ok(made);
    }
    let file = openat(&folder, name, how, Mode::from_raw_mode(mode))?;
    require(fstat(&file)?.st_mode, FileType::RegularFile)?;
    Ok(file.into())
}

/// Makes a missing file for the owner of the folder, who has it before it has its name. `None` where somebody else was
/// faster and that is no error.
fn made_for_owner(
    folder: impl AsFd,
    name: &str,
    how: OFlags,
    mode: u32,
) -> io::Result<Option<File>> {
    let unseen = format!(".tmp-{}-{name}", std::process::id());
    // Another process of the same id may have been killed here.
    let _ = unlinkat(&folder, &unseen, AtFlags::empty());
    let file = openat(
        &folder,
        &unseen,
        how | OFlags::CREATE | OFlags::EXCL,
        Mode::from_raw_mode(mode),
    )?;
    let named = owner::give(&folder, &file).and_then(|()| {
        let only_new = RenameFlags::NOREPLACE;
        match renameat_with(&folder, &unseen, &folder, name, only_new) {
            // This disk cannot rename so; where it knows owners, it can.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                renameat(&folder, &unseen, &folder, name)
            }
            named => named,
        }
        .map_err(io::Error::from)
    });
    if let Err(error) = named {
        let _ = unlinkat(&folder, &unseen, AtFlags::empty());
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        return match is_there && !how.contains(OFlags::EXCL) {
            true => Ok(None),
            false => Err(error),
        };
    }
    Ok(Some(file.into()))
}

/// Makes an empty file where there is none, for the owner of its folder.
///
/// # Errors
/// When it cannot be made, or something else has its name.
pub fn make_file(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    own_file(folder, &name).map(drop)
}

/// Size and time of a regular file in `dir`, or in `folder` below it unless that is empty; `None` where there is no
/// such file.
pub(crate) fn look(dir: &Path, folder: &str, name: &str) -> io::Result<Option<Metadata>> {
    let mut path = dir.to_path_buf();
    if !folder.is_empty() {
        path.push(folder);
        let Some(found) = of_name(&path)? else {
            return Ok(None);
        };
        require(found.mode(), FileType::Directory)?;
    }
    let found = of_name(&path.join(name))?;
    if let Some(found) = &found {
        require(found.mode(), FileType::RegularFile)?;
    }
    Ok(found)
}

fn of_name(path: &Path) -> io::Result<Option<Metadata>> {
    match path.symlink_metadata() {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn require(mode: rustix::fs::RawMode, expected: FileType) -> io::Result<()> {
    let found = FileType::from_raw_mode(mode);
    if found == expected {
        return Ok(());
    }
    let word = |kind: FileType| match kind {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something unknown",
    };
    Err(Irregular {
        found: word(found),
        expected: word(expected),
    }
    .into())
}
