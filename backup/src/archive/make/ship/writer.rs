//! The segment that is being written: records come into it whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::archive::format::segment::{self, SEGMENTS};
use crate::disk::{draft, fault};
use crate::error::{Error, Result};

/// A fresh file from here on.
const LARGEST_FILE: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    path: PathBuf,
    /// Bytes of the records in it.
    size: u64,
}

impl Writer {
    /// Begins the next segment; also gives its number.
    pub(super) fn begin(archive: &Path) -> Result<(u64, Writer)> {
        let number = segment::files(archive)?
            .last()
            .map_or(1, |(last, _)| last + 1);
        let folder = archive.join(SEGMENTS);
        draft::create_folder(&folder)?;
        let path = folder.join(segment::file_name(number));
        let file = fault::step()
            .and_then(|()| OpenOptions::new().append(true).create_new(true).open(&path))
            .map_err(Error::io(&path, "begin a segment"))?;
        let begun = Writer {
            file,
            path,
            size: 0,
        };
        match draft::sync_folder(&folder) {
            Ok(()) => Ok((number, begun)),
            Err(error) => {
                begun.without_half();
                Err(error)
            }
        }
    }

    /// There is room in it, and no backup that covers it has removed it.
    pub(super) fn goes_on(&self) -> bool {
        self.size < LARGEST_FILE && self.path.exists()
    }

    /// Appends a record and brings it to the disk. After an error [`Writer::without_half`] is due.
    pub(super) fn append(&mut self, record: &[u8]) -> Result<()> {
        fault::step()
            .and_then(|()| self.file.write_all(record))
            .and_then(|()| fault::step())
            .and_then(|()| self.file.sync_data())
            .map_err(Error::io(&self.path, "append to the segment"))?;
        self.size += record.len() as u64;
        Ok(())
    }

    /// Takes off what came half-way, so that a disk that stays full is not strewn with files: one without any record
    /// goes. `None` where it cannot be gone on with.
    pub(super) fn without_half(self) -> Option<Writer> {
        if self.size == 0 {
            // What stays is an empty segment, which says nothing.
            let _ = fs::remove_file(&self.path);
            return None;
        }
        self.file.set_len(self.size).ok()?;
        Some(self)
    }
}
