//! The segment that is being written: records come into it whole or not at all.

use std::sync::Arc;

use hashbrown::HashSet;

use crate::archive::format::segment;
use crate::archive::make::ship::dictionary::Key;
use crate::archive::place::interface::Place;
use crate::error::Result;

/// A fresh file from here on.
const LARGEST_FILE: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Writer {
    place: Arc<dyn Place>,
    number: u64,
    name: String,
    /// The keys of the series that its records describe.
    pub(super) described: HashSet<Key>,
    /// Bytes of the records in it.
    size: u64,
}

impl Writer {
    /// The next segment, with a number that is `first` or more. It comes into being with its first record.
    pub(super) fn begin(place: &Arc<dyn Place>, first: u64) -> Result<Writer> {
        let files = segment::files(&**place)?;
        let number = files.last().map_or(1, |(last, _)| last + 1).max(first);
        Ok(Writer {
            place: Arc::clone(place),
            number,
            name: segment::file_name(number),
            described: HashSet::new(),
            size: 0,
        })
    }

    /// There is room in it, and nobody has begun the next one.
    pub(super) fn goes_on(&self) -> bool {
        self.size < LARGEST_FILE && !self.place.has(&segment::file_name(self.number + 1))
    }

    /// What became of the file, where it does not hold any more what was appended to it.
    pub(super) fn lost(&self) -> Option<String> {
        if self.size == 0 {
            return None;
        }
        match self.place.look(&self.name) {
            Ok(Some(found)) if found.bytes >= self.size => None,
            Ok(Some(found)) => Some(format!(
                "{} of {} bytes, {} of them gone",
                self.name,
                found.bytes,
                self.size - found.bytes
            )),
            Ok(None) => Some(format!("no {}", self.name)),
            Err(error) => Some(format!("{} that cannot be read ({error})", self.name)),
        }
    }

    /// Appends a record, which describes these series, and brings it to the disk.
    pub(super) fn append(&mut self, record: &[u8], describes: Vec<Key>) -> Result<()> {
        self.place.append(&self.name, self.size, record)?;
        self.size += record.len() as u64;
        self.described.extend(describes);
        Ok(())
    }
}
