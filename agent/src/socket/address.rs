//! Where the socket lies: in the store's folder, or where the disk of the store holds no sockets, in a folder of the
//! running system. A file in the store's folder then says where.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A socket's path may hold 107 bytes, and a store's folder may be longer. So the folder is opened,
/// and the socket is named below the folder's descriptor.
pub(super) struct Address {
    pub(super) folder: OwnedFd,
    /// Valid while `folder` is open.
    pub(super) path: PathBuf,
}

/// What the file that says where the socket lies begins with.
const SAYS: &str = "the agent's socket is in ";
/// Longer is no path.
const LONGEST: u64 = 4096;

impl Address {
    pub(super) const NAME: &'static str = ".agent.sock";

    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        let folder = OwnedFd::from(std::fs::File::open(folder)?);
        let path = PathBuf::from(format!(
            "/proc/self/fd/{}/{}",
            folder.as_raw_fd(),
            Self::NAME
        ));
        Ok(Self { folder, path })
    }

    /// Where the agent of a store listens, if one does.
    pub(super) fn of_agent(store: &Path) -> io::Result<Self> {
        let own = Self::in_folder(store)?;
        match said(&own.path) {
            // What is said may be of an agent that is gone: then nobody listens at the store's own place either.
            Some(elsewhere) => Ok(Self::in_folder(&elsewhere).unwrap_or(own)),
            None => Ok(own),
        }
    }
}

/// Where the socket lies, as the file in its place says. Whoever can write that file can also alter the record.
pub(super) fn said(file: &Path) -> Option<PathBuf> {
    let found = std::fs::symlink_metadata(file).ok()?;
    if !found.is_file() || found.len() > LONGEST {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    let folder = Path::new(text.strip_prefix(SAYS)?.strip_suffix('\n')?);
    folder.is_absolute().then(|| folder.to_owned())
}

/// Says in the store's folder where the socket lies.
pub(super) fn say(file: &Path, folder: &Path) -> io::Result<()> {
    std::fs::write(file, format!("{SAYS}{}\n", folder.display()))?;
    backup::give_to_owner_of_folder(file)
}

/// A folder of this user alone for the socket of a store, in the first place of the running system that allows it.
pub(super) fn runtime_folder(store: &Path) -> io::Result<PathBuf> {
    let mut hash = DefaultHasher::new();
    store.canonicalize()?.hash(&mut hash);
    let name = format!("qsys-agent-{:016x}", hash.finish());
    // systemd's own first: a service may have a /tmp of its own that no shell sees.
    let named = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"];
    let named = named.into_iter().filter_map(std::env::var_os);
    let mut refused = None;
    for place in named.map(PathBuf::from).chain([std::env::temp_dir()]) {
        let folder = place.join(&name);
        match make_private(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

fn make_private(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    // Left by an agent that was killed; in a place for everybody it may also be somebody else's.
    let found = std::fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}
