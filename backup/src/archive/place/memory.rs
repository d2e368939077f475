//! An archive in memory, for tests: nothing here but what [`Place`] promises.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::archive::place::interface::{Found, Held, Hold, Place, Stored, Unseen};
use crate::disk::scratch;
use crate::error::{Error, Result};

#[derive(Debug, Default)]
pub(crate) struct Memory {
    files: Arc<Mutex<BTreeMap<String, File>>>,
    holds: Arc<Mutex<Vec<Hold>>>,
}

#[derive(Debug, Clone)]
struct File {
    bytes: Arc<Vec<u8>>,
    modified_ns: i64,
}

impl File {
    fn now(bytes: Vec<u8>) -> File {
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        File {
            bytes: Arc::new(bytes),
            modified_ns: i64::try_from(age.as_nanos()).unwrap(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    fn busy(&self, hold: Hold) -> Error {
        Error::Busy {
            path: self.path(""),
            who: match hold {
                Hold::Write => "another writer",
                Hold::Remove => "a reader",
                Hold::Read => "a remover",
            },
            pid: None,
        }
    }
}

impl Place for Memory {
    fn root(&self) -> &Path {
        Path::new("memory")
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let told = |name: &str| {
            let own = name.rsplit('/').next().unwrap_or(name);
            name.strip_prefix(prefix)
                .is_some_and(|rest| !rest.contains('/') && !own.starts_with('.'))
        };
        let files = locked(&self.files);
        Ok(files.keys().filter(|name| told(name)).cloned().collect())
    }

    fn look(&self, name: &str) -> io::Result<Option<Found>> {
        Ok(locked(&self.files).get(name).map(|file| Found {
            bytes: file.bytes.len() as u64,
            modified_ns: file.modified_ns,
        }))
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Stored>> {
        let file = locked(&self.files).get(name).cloned();
        let file = file.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(InMemory {
            bytes: file.bytes,
            read: 0,
        }))
    }

    fn draft(&self, folder: &str) -> Result<Box<dyn Unseen>> {
        Ok(Box::new(Draft {
            folder: folder.to_owned(),
            bytes: Vec::new(),
            files: Arc::clone(&self.files),
        }))
    }

    fn append(&self, name: &str, at: u64, piece: &[u8]) -> Result<()> {
        let mut files = locked(&self.files);
        let there = files.get(name).map(|file| file.bytes.to_vec());
        let failed = Error::io(&self.path(name), "append to the segment");
        let mut bytes = match (there, at) {
            (None, 0) => Vec::new(),
            (Some(bytes), at) if at > 0 && bytes.len() as u64 >= at => bytes,
            _ => return Err(failed(io::ErrorKind::InvalidInput.into())),
        };
        bytes.truncate(at as usize);
        bytes.extend(piece);
        files.insert(name.to_owned(), File::now(bytes));
        Ok(())
    }

    fn remove(&self, names: &[String]) -> Result<()> {
        let mut files = locked(&self.files);
        for name in names {
            files.remove(name);
        }
        Ok(())
    }

    fn tidy(&self, _folders: &[&str]) -> Result<()> {
        // Drafts are not among the files.
        Ok(())
    }

    fn room_left(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    fn scratch(&self) -> Result<TempDir> {
        scratch::folder(&std::env::temp_dir())
    }

    fn hold(&self, hold: Hold) -> Result<Option<Held>> {
        let held = self.hold_if_free(hold)?;
        held.ok_or_else(|| self.busy(hold)).map(Some)
    }

    fn hold_if_free(&self, hold: Hold) -> Result<Option<Held>> {
        let mut holds = locked(&self.holds);
        let in_the_way = |other: &Hold| match hold {
            Hold::Write => *other == Hold::Write,
            Hold::Remove => matches!(other, Hold::Remove | Hold::Read),
            Hold::Read => *other == Hold::Remove,
        };
        if holds.iter().any(in_the_way) {
            return Ok(None);
        }
        holds.push(hold);
        Ok(Some(Box::new(Holding {
            hold,
            holds: Arc::clone(&self.holds),
        })))
    }
}

struct Holding {
    hold: Hold,
    holds: Arc<Mutex<Vec<Hold>>>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut holds = locked(&self.holds);
        if let Some(own) = holds.iter().position(|hold| *hold == self.hold) {
            holds.swap_remove(own);
        }
    }
}

struct InMemory {
    bytes: Arc<Vec<u8>>,
    read: usize,
}

impl Read for InMemory {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = (&self.bytes[self.read..]).read(into)?;
        self.read += read;
        Ok(read)
    }
}

impl Stored for InMemory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let mut rest = self.bytes.get(at..).unwrap_or_default();
        rest.read_exact(into)
    }
}

struct Draft {
    folder: String,
    bytes: Vec<u8>,
    files: Arc<Mutex<BTreeMap<String, File>>>,
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unseen for Draft {
    fn path(&self) -> PathBuf {
        Path::new("memory").join(&self.folder).join("draft")
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    fn read_back(&mut self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.bytes.as_slice()))
    }

    fn publish(self: Box<Self>, name: &str) -> Result<()> {
        let name = match self.folder.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        locked(&self.files).insert(name, File::now(self.bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::place::conformance;

    #[test]
    fn memory_is_a_place() {
        conformance::check(&|| Box::new(Memory::default()));
    }
}
