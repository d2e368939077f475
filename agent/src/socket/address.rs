//! Where the socket lies: in the store's folder.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A socket's path may hold 107 bytes, and a store's folder may be longer. So the folder is opened,
/// and the socket is named below the folder's descriptor.
pub(super) struct Address {
    pub(super) folder: OwnedFd,
    /// Valid while `folder` is open.
    pub(super) path: PathBuf,
}

impl Address {
    pub(super) const NAME: &'static str = ".agent.sock";

    pub(super) fn in_store(store: &Path) -> std::io::Result<Self> {
        let folder = OwnedFd::from(std::fs::File::open(store)?);
        let path = PathBuf::from(format!(
            "/proc/self/fd/{}/{}",
            folder.as_raw_fd(),
            Self::NAME
        ));
        Ok(Self { folder, path })
    }
}
