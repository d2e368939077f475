//! The day that is being shipped, as it is open.

use rusqlite::Connection;

use crate::archive::make::ship::dictionary::Dictionary;
use crate::store::day::Day;

#[derive(Debug)]
pub(super) struct Open {
    pub(super) conn: Connection,
    pub(super) day: Day,
    /// Device and inode of its file.
    pub(super) identity: (u64, u64),
    pub(super) dictionary: Dictionary,
    /// The recorder's stretch in which all that was committed was shipped.
    pub(super) stretch: Option<u64>,
}
