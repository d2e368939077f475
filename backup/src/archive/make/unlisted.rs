//! Takes out of a day's copy what a restore makes again from its rows: the lists of changes by series.

use std::path::Path;

use crate::disk::scratch;
use crate::error::{Error, Result};

/// Empties the postings of a copy. Their pages stay in it as zeros, which press to nothing, and all others stay where
/// they are.
pub(super) fn leave_out_postings(copy: &Path) -> Result<()> {
    let conn = scratch::open(copy)?;
    conn.execute_batch(
        "PRAGMA secure_delete = ON; BEGIN; DELETE FROM postings; DELETE FROM blocks; COMMIT",
    )
    .map_err(Error::sqlite(copy, "leave its postings out"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(copy, "close the copy")(error))
}
