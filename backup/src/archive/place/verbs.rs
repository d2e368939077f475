//! What a place must be able to do for archives to lie there.
//!
//! A name is `file` or `folder/file`, never more. A file comes into being whole ([`Place::draft`], [`Place::put`]): until
//! it is published nobody sees it, and once it is, it stays as it is until it is removed. The one exception are
//! segments, to which [`Place::append`] adds whole records several times a second.
//!
//! A place that only takes whole objects can do without that exception: `append` names the byte at which a piece begins,
//! and every piece is whole gzip members, so that each can be an object of its own, named by segment and byte, and the
//! pieces joined in that order are the segment. A copy of an archive never appends: it takes segments that a newer one
//! has followed as they are, what the newest one gained as such pieces, and the manifest last.

use std::any::Any;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::disk::scratch;
use crate::error::{Error, Result};

/// Size and time of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) bytes: u64,
    pub(crate) modified_ns: i64,
}

/// A file to be read: from its beginning on, or piece by piece.
pub(crate) trait Stored: Read + Send {
    /// Its size.
    fn size(&self) -> u64;

    /// Fills a buffer with what begins at a byte.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A file that nobody sees yet. Dropped, it never was there.
pub(crate) trait Unseen: Write {
    /// How people know it, for errors.
    fn path(&self) -> PathBuf;

    /// Brings what was written to the place, still unseen.
    fn finish(&mut self) -> Result<()>;

    /// What was written, as the place gives it back.
    fn read_back(&mut self) -> Result<Box<dyn Read + '_>>;

    /// Gives it its name inside its folder, replacing what had it. Afterwards it is there for good.
    fn publish(self: Box<Self>, name: &str) -> Result<()>;
}

/// What somebody is going to do with an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Add or remove backups: one at a time.
    Write,
    /// Remove files, on top of [`Hold::Write`]: never while somebody reads.
    Remove,
    /// Need the files to stay: any number at a time.
    Read,
}

/// Lasts until it is dropped.
pub(crate) type Held = Box<dyn Any>;

/// Where the files of an archive lie.
pub(crate) trait Place: fmt::Debug + Send + Sync {
    /// How people know the place; in a folder, its path.
    fn root(&self) -> &Path;

    /// The names that begin with a prefix, in one folder, sorted. Names that begin with a dot are not told.
    fn list(&self, prefix: &str) -> Result<Vec<String>>;

    /// Size and time of a file, or that there is none.
    fn look(&self, name: &str) -> io::Result<Option<Found>>;

    /// A file to read.
    fn get(&self, name: &str) -> io::Result<Box<dyn Stored>>;

    /// Begins a file in a folder; the empty name is the place itself.
    fn draft(&self, folder: &str) -> Result<Box<dyn Unseen>>;

    /// Adds a piece to a file and brings it to the disk. The file holds `at` bytes that count, or is not there if that
    /// is none; what came half-way after them before goes. After an error it is as it was.
    fn append(&self, name: &str, at: u64, piece: &[u8]) -> Result<()>;

    /// Takes files away for good, in this order. One that is not there is no error.
    fn remove(&self, names: &[String]) -> Result<()>;

    /// Takes away what drafts that never were published left behind in some folders. Only while nobody else can be at
    /// work.
    fn tidy(&self, folders: &[&str]) -> Result<()>;

    /// Bytes that can still be put, where that is known.
    fn room_left(&self) -> Result<Option<u64>>;

    /// A folder of this machine for the scratch of a backup, on the archive's own disk where it has one.
    fn scratch(&self) -> Result<TempDir>;

    /// The same for who only reads: elsewhere if it must be, as the archive may be one that can only be read, or full.
    fn scratch_to_read(&self) -> Result<TempDir> {
        self.scratch()
            .or_else(|_| scratch::folder(&std::env::temp_dir()))
    }

    /// Waits a little while for the others, and says who is in the way. `None` where the archive can only be read, so
    /// that nobody removes anything.
    fn hold(&self, hold: Hold) -> Result<Option<Held>>;

    /// The same if it is free now; `None` if it is not.
    fn hold_if_free(&self, hold: Hold) -> Result<Option<Held>>;

    /// How people know a file.
    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Whether a file is there.
    fn has(&self, name: &str) -> bool {
        matches!(self.look(name), Ok(Some(_)))
    }

    /// Puts a small file.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (folder, file) = parts(name);
        let mut draft = self.draft(folder)?;
        draft
            .write_all(bytes)
            .map_err(Error::io(&self.path(name), "write the file"))?;
        draft.finish()?;
        draft.publish(file)
    }

    /// A small file's bytes; no more than one above `most`, so that a file that is too large is seen.
    fn get_small(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.get(name)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The folder and the file of a name.
pub(super) fn parts(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}
