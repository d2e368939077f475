//! Where the disk of a folder is mounted, and whether it still is.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder at which the disk of another folder is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint(PathBuf);

impl MountPoint {
    /// The mount point of an existing folder; `None` for the root's own disk, which is never unmounted.
    pub fn of(dir: &Path) -> Option<MountPoint> {
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

    /// Whether nothing is mounted there any more: the folder lies on its parent's disk, or is gone. Whoever mounts
    /// removable disks removes the folder, too, and nobody can while the disk is mounted.
    pub fn is_bare(&self) -> bool {
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
