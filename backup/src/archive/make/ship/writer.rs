//! The segment that is being written: records come into it whole or not at all.

use std::sync::Arc;

use crate::archive::format::segment;
use crate::archive::place::verbs::Place;
use crate::error::Result;

/// A fresh file from here on.
const LARGEST_FILE: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Writer {
    place: Arc<dyn Place>,
    name: String,
    pub(super) number: u64,
    /// Bytes of the records in it.
    size: u64,
}

impl Writer {
    /// The next segment. It comes into being with its first record.
    pub(super) fn begin(place: &Arc<dyn Place>) -> Result<Writer> {
        let files = segment::files(&**place)?;
        let number = files.last().map_or(1, |(last, _)| last + 1);
        Ok(Writer {
            place: Arc::clone(place),
            name: segment::file_name(number),
            number,
            size: 0,
        })
    }

    /// There is room in it, and no backup that covers it has removed it.
    pub(super) fn goes_on(&self) -> bool {
        self.size < LARGEST_FILE && self.place.has(&self.name)
    }

    /// Appends a record and brings it to the disk.
    pub(super) fn append(&mut self, record: &[u8]) -> Result<()> {
        self.place.append(&self.name, self.size, record)?;
        self.size += record.len() as u64;
        Ok(())
    }
}
