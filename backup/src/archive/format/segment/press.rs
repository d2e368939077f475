//! Presses the text of a record, which is in memory as a whole.

use std::fmt;
use std::io;

use libdeflater::{CompressionLvl, Compressor};

/// The fastest that presses at all: a record lives until the next backup, and one is made several times a second.
const LEVEL: i32 = 1;

/// Keeps its memory from one record to the next.
pub(crate) struct Press(Compressor);

impl Default for Press {
    fn default() -> Press {
        Press(Compressor::new(
            CompressionLvl::new(LEVEL).unwrap_or_default(),
        ))
    }
}

impl fmt::Debug for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Press").finish_non_exhaustive()
    }
}

impl Press {
    /// Appends the deflated text, its checksum and its length, as they follow gzip's header.
    pub(super) fn add(&mut self, text: &[u8], record: &mut Vec<u8>) -> io::Result<()> {
        let begin = record.len();
        record.resize(begin + self.0.deflate_compress_bound(text.len()), 0);
        let pressed = self
            .0
            .deflate_compress(text, &mut record[begin..])
            .map_err(io::Error::other)?;
        record.truncate(begin + pressed);
        record.extend(libdeflater::crc32(text).to_le_bytes());
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        record.extend(length.to_le_bytes());
        Ok(())
    }
}
