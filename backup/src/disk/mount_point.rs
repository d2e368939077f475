//! Where the disk of a folder is mounted, and whether it still is.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder at or above another one from which on another disk begins.
pub(crate) struct MountPoint(PathBuf);

impl MountPoint {
    /// Of an existing folder. `None` where it lies on the disk of the root: that one does not go.
    pub(crate) fn of(dir: &Path) -> Option<MountPoint> {
        let dir = dir.canonicalize().ok()?;
        let disk = device(&dir)?;
        let begins = |folder: &&Path| {
            folder
                .parent()
                .is_some_and(|above| device(above) != Some(disk))
        };
        dir.ancestors()
            .find(begins)
            .map(|point| MountPoint(point.to_path_buf()))
    }

    /// Whether nothing is mounted there any more: the folder is on the disk of the one above it, or went with its disk
    /// (as what mounts removable ones does it; nobody can remove it while the disk is there).
    pub(crate) fn is_bare(&self) -> bool {
        let here = device(&self.0);
        here.is_none() || here == self.0.parent().and_then(device)
    }
}

impl fmt::Display for MountPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

fn device(path: &Path) -> Option<u64> {
    path.metadata().ok().map(|meta| meta.dev())
}
