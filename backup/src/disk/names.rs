//! Brings the names in a folder to the disk; without this a power cut can take a rename back.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fd::AsFd;
use rustix::fs::{fsync, syncfs};
use rustix::io::Errno;

use crate::disk::fault;
use crate::lesser_way::{self, LesserWay};

/// Brings the names in an open folder to the disk; `path` is how people know it. Some disks, such as older network
/// shares, sync no folders: there everything on the disk is synced, which takes longer and is said.
pub(crate) fn to_disk(folder: impl AsFd, path: &Path) -> io::Result<()> {
    let synced = match fault::refusal(fault::Refused::FolderSync) {
        Some(refused) => Err(refused),
        None => fsync(&folder),
    };
    match synced {
        Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS | Errno::BADF | Errno::ISDIR) => {
            syncfs(&folder)?;
            lesser_way::note(LesserWay::WholeDiskSynced(path.to_path_buf()));
            Ok(())
        }
        synced => Ok(synced?),
    }
}

/// The same for a folder by its path.
pub(crate) fn in_folder(folder: &Path) -> io::Result<()> {
    to_disk(File::open(folder)?, folder)
}
