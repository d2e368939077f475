//! Free space on the disk of a folder, asked before anything is written there.

use std::path::Path;

use crate::error::{Error, Result};

/// What stays free for everyone else on that disk.
const RESERVE: u64 = 64 << 20;

/// Refuses work that would fill the disk.
pub(crate) fn require(folder: &Path, needed: u64, what: &str) -> Result<()> {
    let free = free(folder)?;
    check(folder, free, needed, what)
}

fn check(folder: &Path, free: u64, needed: u64, what: &str) -> Result<()> {
    if free >= needed.saturating_add(RESERVE) {
        return Ok(());
    }
    let mb = |bytes: u64| bytes.div_ceil(1_000_000);
    Err(Error::Unexpected {
        path: folder.to_path_buf(),
        found: format!("{} MB free on that disk", mb(free)),
        expected: format!(
            "at least {} MB for {what} and {} MB in reserve; free some space or keep fewer backups",
            mb(needed),
            mb(RESERVE)
        ),
    })
}

fn free(folder: &Path) -> Result<u64> {
    let stat = rustix::fs::statvfs(folder)
        .map_err(|error| Error::io(folder, "ask for the free space of its disk")(error.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_would_fill_is_refused_with_both_numbers() {
        let error = check(Path::new("/a"), 100 << 20, 50 << 20, "a backup").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("105 MB free") && text.contains("53 MB for a backup"),
            "{text}"
        );
        check(Path::new("/a"), 200 << 20, 50 << 20, "a backup").unwrap();
    }
}
