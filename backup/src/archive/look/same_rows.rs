//! An archived day's rows compared with what its manifest says that they mean.

use tempfile::TempDir;

use crate::archive::format::manifest::DayPart;
use crate::archive::look::assemble;
use crate::archive::open::Archive;
use crate::disk::{plain, scratch};
use crate::error::{Error, Result};
use crate::store::row_digest::{self, Trust};

impl Archive {
    /// How the rows of an archived day differ from what its manifest says of their meaning, if they do. A day of version 1
    /// is protected by the hashes alone.
    pub(crate) fn rows_differ(&self, part: &DayPart) -> Result<Option<String>> {
        const NAME: &str = "day.db";
        let Some(own) = &part.digest else {
            return Ok(None);
        };
        let assembled = |scratch: TempDir| -> Result<TempDir> {
            assemble::day(
                &*self.place,
                part,
                None,
                scratch.path(),
                NAME,
                &mut |_, _| {},
            )?;
            Ok(scratch)
        };
        // The archive's disk may be full, which is no reason to keep days on the store's.
        let scratch = match self.place.scratch_to_read().and_then(assembled) {
            Err(error) if error.is_disk_full() => {
                assembled(scratch::folder(&std::env::temp_dir())?)?
            }
            made => made?,
        };
        let path = scratch.path().join(NAME);
        let conn = plain::open(&path)?;
        let found = row_digest::until(&conn, "main", i64::MAX, Trust::None, &mut |_| Ok(()))
            .map_err(Error::sqlite(&path, "compare its rows"))?
            .now();
        Ok((found != *own).then(|| {
            format!(
                "found {} changes with the digest {}, expected {} with {}",
                found.count, found.sha256, own.count, own.sha256
            )
        }))
    }
}
