//! A place that breaks one promise: the suite of promises must fail over it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::archive::place::conformance;
use crate::archive::place::interface::{Found, Held, Hold, Place, Stored, Unseen};
use crate::archive::place::memory::Memory;
use crate::error::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// No promise is broken.
    None,
    OpenDraftsAreUnseen,
    DotFilesAreLeftOut,
    ListsAreWhole,
    ListsAreSorted,
    TimesAreTold,
    RemovalKeepsItsOrder,
    RemovalExcludesReaders,
    RemovalIsExclusive,
    WritersExcludeEachOther,
}

#[derive(Debug)]
struct Broken {
    place: Memory,
    breaks: Promise,
    /// The names of drafts that are open.
    drafts: Arc<Mutex<Vec<String>>>,
    /// Names that begin with a dot.
    hidden: Mutex<Vec<String>>,
    /// A name, until somebody has looked at it.
    watched: Mutex<Option<String>>,
}

impl Broken {
    fn new(breaks: Promise) -> Self {
        Self {
            place: Memory::default(),
            breaks,
            drafts: Arc::default(),
            hidden: Mutex::default(),
            watched: Mutex::default(),
        }
    }
}

impl Place for Broken {
    fn root(&self) -> &Path {
        self.place.root()
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let mut names = self.place.list(prefix)?;
        let more = match self.breaks {
            Promise::OpenDraftsAreUnseen => self.drafts.lock().unwrap().clone(),
            Promise::DotFilesAreLeftOut => self.hidden.lock().unwrap().clone(),
            _ => Vec::new(),
        };
        names.extend(more.into_iter().filter(|name| name.starts_with(prefix)));
        match self.breaks {
            Promise::ListsAreWhole => names.truncate(100),
            Promise::ListsAreSorted => names.reverse(),
            _ => {}
        }
        Ok(names)
    }

    fn look(&self, name: &str) -> io::Result<Option<Found>> {
        let mut found = self.place.look(name)?;
        if let (Promise::TimesAreTold, Some(found)) = (self.breaks, &mut found) {
            found.modified_ns = 0;
        }
        self.watched
            .lock()
            .unwrap()
            .take_if(|watched| watched == name);
        Ok(found)
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Stored>> {
        self.place.get(name)
    }

    fn draft(&self, folder: &str) -> Result<Box<dyn Unseen>> {
        let name = match folder {
            "" => "open".to_owned(),
            folder => format!("{folder}/open"),
        };
        self.drafts.lock().unwrap().push(name.clone());
        Ok(Box::new(Open {
            draft: Some(self.place.draft(folder)?),
            name,
            drafts: Arc::clone(&self.drafts),
        }))
    }

    fn append(&self, name: &str, at: u64, piece: &[u8]) -> Result<()> {
        let own = name.rsplit('/').next().unwrap_or(name);
        if own.starts_with('.') {
            self.hidden.lock().unwrap().push(name.to_owned());
        }
        self.place.append(name, at, piece)
    }

    fn remove(&self, names: &[String]) -> Result<()> {
        if self.breaks != Promise::RemovalKeepsItsOrder {
            return self.place.remove(names);
        }
        let (Some(first), Some(last)) = (names.first(), names.last()) else {
            return Ok(());
        };
        *self.watched.lock().unwrap() = Some(first.clone());
        self.place.remove(std::slice::from_ref(last))?;
        // Who watches a long removal sees that one gone, and then looks at the first.
        while names.len() > 100 && self.watched.lock().unwrap().is_some() {
            std::thread::yield_now();
        }
        for name in names.iter().rev() {
            self.place.remove(std::slice::from_ref(name))?;
        }
        Ok(())
    }

    fn tidy(&self, folders: &[&str]) -> Result<()> {
        self.place.tidy(folders)
    }

    fn room_left(&self) -> Result<Option<u64>> {
        self.place.room_left()
    }

    fn scratch(&self) -> Result<TempDir> {
        self.place.scratch()
    }

    fn hold(&self, hold: Hold) -> Result<Option<Held>> {
        match self.hold_if_free(hold)? {
            Some(held) => Ok(Some(held)),
            None => self.place.hold(hold),
        }
    }

    fn hold_if_free(&self, hold: Hold) -> Result<Option<Held>> {
        let held = self.place.hold_if_free(hold)?;
        let broken = match self.breaks {
            Promise::RemovalExcludesReaders => hold == Hold::Read,
            Promise::RemovalIsExclusive => hold == Hold::Remove,
            Promise::WritersExcludeEachOther => hold == Hold::Write,
            _ => false,
        };
        Ok(held.or_else(|| broken.then(|| Box::new(()) as Held)))
    }
}

struct Open {
    draft: Option<Box<dyn Unseen>>,
    name: String,
    drafts: Arc<Mutex<Vec<String>>>,
}

impl Open {
    fn draft(&mut self) -> &mut dyn Unseen {
        self.draft.as_deref_mut().unwrap()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut drafts = self.drafts.lock().unwrap();
        let own = drafts.iter().position(|name| *name == self.name);
        drafts.swap_remove(own.unwrap());
    }
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft().flush()
    }
}

impl Unseen for Open {
    fn path(&self) -> PathBuf {
        PathBuf::from(&self.name)
    }

    fn finish(&mut self) -> Result<()> {
        self.draft().finish()
    }

    fn read_back(&mut self) -> Result<Box<dyn Read + '_>> {
        self.draft.as_mut().unwrap().read_back()
    }

    fn publish(mut self: Box<Self>, name: &str) -> Result<()> {
        self.draft.take().unwrap().publish(name)
    }
}

/// Why the suite fails, if it does.
fn failure(breaks: Promise) -> Option<Box<dyn std::any::Any + Send>> {
    let check = move || conformance::check(&|| Box::new(Broken::new(breaks)));
    std::thread::spawn(check).join().err()
}

#[test]
fn the_suite_fails_for_each_promise_that_is_broken_and_for_no_other_reason() {
    assert!(failure(Promise::None).is_none());
    for breaks in [
        Promise::OpenDraftsAreUnseen,
        Promise::DotFilesAreLeftOut,
        Promise::ListsAreWhole,
        Promise::ListsAreSorted,
        Promise::TimesAreTold,
        Promise::RemovalKeepsItsOrder,
        Promise::RemovalExcludesReaders,
        Promise::RemovalIsExclusive,
        Promise::WritersExcludeEachOther,
    ] {
        assert!(failure(breaks).is_some(), "{breaks:?} may be broken unseen");
    }
}
