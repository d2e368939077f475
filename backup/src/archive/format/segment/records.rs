//! The records of a segment file, one after the other, also behind damage.

use std::ops::Range;
use std::path::PathBuf;

use crate::archive::format::segment::header;
use crate::archive::format::segment::record::Record;
use crate::archive::place::interface::{Place, Stored};
use crate::error::{Error, Result};

/// Bytes searched at once for the next record.
const PIECE: usize = 64 * 1024;
/// How every record begins.
const MAGIC: [u8; 4] = [0x1f, 0x8b, 8, 4];

/// The records of a file in order, beginning at the byte of one of them. What is no record is passed over if a record
/// follows; at the end of the file it was never shipped whole. A day has hundreds of thousands of records, so they are
/// found one at a time.
pub(crate) struct Records {
    path: PathBuf,
    file: Box<dyn Stored>,
    offset: u64,
    total: u64,
    damaged: Vec<Range<u64>>,
}

/// Begins to look for records.
pub(crate) fn records(place: &dyn Place, name: &str, from: u64) -> Result<Records> {
    let path = place.path(name);
    let file = place
        .get(name)
        .map_err(Error::io(&path, "read the segment"))?;
    Ok(Records {
        total: file.size(),
        path,
        file,
        offset: from,
        damaged: Vec::new(),
    })
}

/// The first record of a file, if it has a whole one.
pub(crate) fn first(place: &dyn Place, name: &str) -> Result<Option<Record>> {
    records(place, name, 0)?.next().transpose()
}

impl Records {
    /// Bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        self.total
    }

    /// After the last record: whether the file goes on behind it.
    pub(crate) fn torn(&self) -> bool {
        self.offset < self.total
    }

    /// After the last record: whether what follows is not the beginning of a record that was cut off, but damage.
    pub(crate) fn broken(&self) -> Result<bool> {
        if !self.torn() {
            return Ok(false);
        }
        let mut head = [0; header::SIZE];
        let there = usize::try_from(self.total - self.offset)
            .unwrap_or(usize::MAX)
            .min(header::SIZE);
        self.file
            .read_at(self.offset, &mut head[..there])
            .map_err(Error::io(&self.path, "read the segment"))?;
        let begins = there.min(MAGIC.len());
        let beginning = head[..begins] == MAGIC[..begins];
        let whole = there == header::SIZE;
        Ok(!beginning || whole && header::decode(&head, self.offset).is_none())
    }

    /// Bytes passed over so far that are no record.
    pub(crate) fn damaged(&self) -> &[Range<u64>] {
        &self.damaged
    }

    fn record_at(&self, offset: u64) -> Result<Option<Record>> {
        let left = self.total.saturating_sub(offset);
        let mut head = [0; header::SIZE];
        let there = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(header::SIZE);
        if there < header::OLDER_SIZE {
            return Ok(None);
        }
        self.file
            .read_at(offset, &mut head[..there])
            .map_err(Error::io(&self.path, "read the segment"))?;
        let record = header::decode(&head[..there], offset);
        Ok(record.filter(|record| record.length as u64 <= left))
    }

    /// The next record behind bytes that are none.
    fn search(&self) -> Result<Option<Record>> {
        let mut at = self.offset + 1;
        let mut piece = vec![0; PIECE];
        while at + (MAGIC.len() as u64) < self.total {
            let wanted = usize::try_from(self.total - at).unwrap_or(PIECE).min(PIECE);
            self.file
                .read_at(at, &mut piece[..wanted])
                .map_err(Error::io(&self.path, "read the segment"))?;
            for begin in 0..=wanted - MAGIC.len() {
                if piece[begin..begin + MAGIC.len()] == MAGIC
                    && let Some(record) = self.record_at(at + begin as u64)?
                {
                    return Ok(Some(record));
                }
            }
            // A beginning may lie across two pieces.
            at += (wanted - MAGIC.len() + 1) as u64;
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<Record>> {
        if self.offset >= self.total {
            return Ok(None);
        }
        let record = match self.record_at(self.offset)? {
            Some(record) => record,
            None => match self.search()? {
                Some(record) => {
                    self.damaged.push(self.offset..record.offset);
                    record
                }
                None => return Ok(None),
            },
        };
        self.offset = record.offset + record.length as u64;
        Ok(Some(record))
    }
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        let step = self.step();
        if step.is_err() {
            self.total = 0;
        }
        step.transpose()
    }
}
