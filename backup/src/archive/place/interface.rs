//! What a place must be able to do for archives to lie there.
//!
//! A name is `file` or `folder/file`, never more. A file comes into being whole ([`Place::draft`], [`Place::put`]): until
//! it is published nobody sees it, and once it is, it stays as it is until it is removed. The one exception are
//! segments, to which [`Place::append`] adds whole records several times a second.
//!
//! A place that only stores immutable objects can still take segments. `append` says at which byte a piece begins, and
//! each piece consists of whole gzip members. So the place can store each piece as an object named by segment and byte;
//! joined in order, the objects are the segment. A copy of an archive copies closed segments whole, the newest segment
//! piece by piece, and each manifest last.

use std::any::Any;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::irregular::Irregular;

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

/// A file that is not published yet. Dropping it leaves nothing behind.
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

    /// The names in one folder that begin with a prefix, sorted. Names that begin with a dot are left out.
    fn list(&self, prefix: &str) -> Result<Vec<String>>;

    /// Size and time of a file, or that there is none.
    fn look(&self, name: &str) -> io::Result<Option<Found>>;

    /// A file to read.
    fn get(&self, name: &str) -> io::Result<Box<dyn Stored>>;

    /// Begins a file in a folder; the empty name is the place itself.
    fn draft(&self, folder: &str) -> Result<Box<dyn Unseen>>;

    /// Adds a piece to a file at byte `at` and brings it to the disk. Where `at` is 0 the file must not exist yet;
    /// otherwise it must hold at least `at` bytes, and what follows them is cut off. After an error the file is as
    /// before.
    fn append(&self, name: &str, at: u64, piece: &[u8]) -> Result<()>;

    /// Removes files for good, in this order. A missing file is no error.
    fn remove(&self, names: &[String]) -> Result<()>;

    /// Removes what unpublished drafts left in some folders. Only while nobody else is at work.
    fn tidy(&self, folders: &[&str]) -> Result<()>;

    /// Bytes that can still be put, where that is known.
    fn room_left(&self) -> Result<Option<u64>>;

    /// A folder of this machine for the scratch of a backup, on the archive's own disk where it has one.
    fn scratch(&self) -> Result<TempDir>;

    /// The same for work that only reads. Falls back to the system's folder for temporary files, as the archive may be
    /// full or read-only.
    fn scratch_to_read(&self) -> Result<TempDir> {
        self.scratch()
            .or_else(|_| scratch::folder(&std::env::temp_dir()))
    }

    /// Waits a short time for others, then fails with [`Error::Busy`]. `None` where the archive is read-only: then
    /// nobody can remove anything.
    fn hold(&self, hold: Hold) -> Result<Option<Held>>;

    /// The same if it is free now; `None` if it is not.
    fn hold_if_free(&self, hold: Hold) -> Result<Option<Held>>;

    /// What keeps [`Hold`]s from being taken and has to be removed; reading goes on without them.
    fn broken_holds(&self) -> Vec<Finding> {
        Vec::new()
    }

    /// How people know a file.
    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Whether a file is there.
    fn has(&self, name: &str) -> bool {
        matches!(self.look(name), Ok(Some(_)))
    }

    /// A name that a file can get: beginning and end, and a number between them where folders have the names before.
    fn free_of_folders(&self, stem: &str, end: &str) -> String {
        let mut name = format!("{stem}{end}");
        let is_folder = |error: &io::Error| Irregular::of(error).is_some_and(|it| it.is_folder());
        let mut number = 2;
        // Where the folder of the name is something else, no number helps.
        while number < 100 && self.look(&name).is_err_and(|error| is_folder(&error)) {
            name = format!("{stem}-{number}{end}");
            number += 1;
        }
        name
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

    /// The bytes of a small file: at most `most` and one more, so that the caller sees a file that is too large.
    fn get_small(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.get(name)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The folder and the file of a name.
pub(crate) fn parts(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}
