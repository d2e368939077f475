//! Whose files they are: what root makes in somebody's folder belongs to whom the folder belongs to. Otherwise a service
//! could not go on in its own folders once root has restored into them.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, CWD, Gid, Stat, Uid, chownat, fchown, fstat, lstat, stat};
use rustix::io::Errno;

/// Whether what this process makes in a folder has to be given away.
pub(crate) fn is_another(folder: impl AsFd) -> io::Result<bool> {
    if !rustix::process::geteuid().is_root() {
        return Ok(false);
    }
    let folder = fstat(folder)?;
    Ok((folder.st_uid, folder.st_gid) != own())
}

/// Gives a file or folder that is open to the owner of the folder where it was made.
pub(crate) fn give(folder: impl AsFd, made: impl AsFd) -> io::Result<()> {
    if !is_another(&folder)? {
        return Ok(());
    }
    let (user, group) = of(&fstat(folder)?);
    settled(fchown(made, user, group))
}

/// Gives what has a path to the owner of the folder where it lies. A link is given itself.
///
/// # Errors
/// When it is not there, or root may not give it away.
pub fn give_to_owner_of_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !is_another(File::open(folder)?)? {
        return Ok(());
    }
    lstat(path)?;
    let (user, group) = of(&stat(folder)?);
    settled(chownat(CWD, path, user, group, AtFlags::SYMLINK_NOFOLLOW))
}

/// Makes a folder and those above it, each for the owner of the one above.
///
/// # Errors
/// When one cannot be made, or something else has its name.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent()
        && !above.as_os_str().is_empty()
    {
        // What has the name of a folder above is another matter than what has this one's.
        make_folder(above).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => error,
        })?;
    }
    match std::fs::create_dir(path) {
        Ok(()) => give_to_owner_of_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

fn own() -> (u32, u32) {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    (user.as_raw(), group.as_raw())
}

fn of(stat: &Stat) -> (Option<Uid>, Option<Gid>) {
    let (user, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    (Some(user), Some(group))
}

/// A disk may know no owners, as FAT does not, or let nobody change them, as some network shares: then there is nothing
/// to give.
fn settled(given: rustix::io::Result<()>) -> io::Result<()> {
    match given {
        Err(Errno::PERM | Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(()),
        given => Ok(given?),
    }
}
