//! How a live day file looks from outside, to know it again unread.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::archive::format::manifest::Source;
use crate::disk::companions;

/// A file changed more recently than this may change again within one tick of its time stamp.
const SETTLED: Duration = Duration::from_secs(2);

/// Size and time of a live day file that is at rest: nothing in its log, not touched just now.
/// Never opens it: closing a plain file handle would drop SQLite's locks on it.
pub(crate) fn at_rest(path: &Path) -> Option<Source> {
    let log = companions::log(path).metadata();
    if log.is_ok_and(|log| log.len() > 0) || companions::journal(path).exists() {
        return None;
    }
    let meta = path.metadata().ok()?;
    let modified = meta.modified().ok()?;
    if SystemTime::now().duration_since(modified).ok()? < SETTLED {
        return None;
    }
    Some(Source {
        bytes: meta.len(),
        modified_ns: meta.mtime().checked_mul(1_000_000_000)? + meta.mtime_nsec(),
        inode: meta.ino(),
    })
}
