//! Whether a day file changed, told without reading it.

use std::path::Path;
use std::time::SystemTime;

use crate::disk::companions;
use crate::store::day::Day;
use crate::store::folder::Store;

/// Size and time of a day file and of its log. They stay the same while nothing is committed. Two commits within one
/// tick of the disk's clock may leave the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayStamp([Option<(u64, SystemTime)>; 2]);

impl Store {
    /// How a day's file lies there now.
    pub fn day_stamp(&self, day: Day) -> DayStamp {
        let file = self.day_path(day);
        let log = companions::log(&file);
        let of = |path: &Path| {
            let meta = path.metadata().ok()?;
            Some((meta.len(), meta.modified().ok()?))
        };
        DayStamp([of(&file), of(&log)])
    }
}
