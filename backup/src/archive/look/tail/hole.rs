//! Where the run of records after a backup breaks off, in words.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::archive::format::stamp::rfc3339;
use crate::archive::look::unread;
use crate::error::Error;
use crate::store::day::Day;
use crate::store::event::Gap;

/// A break in the run of records.
#[derive(Debug)]
pub(crate) struct Hole {
    pub(super) what: String,
    /// `None` where no file is to blame.
    pub(super) cause: Option<Cause>,
    /// What follows the break, where anything does: changes may be missing before it.
    pub(super) before: Option<Before>,
}

/// The first record behind a break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(super) day: Day,
    /// An id after which it begins.
    pub(super) after: i64,
    /// The span in which changes are missing, Unix milliseconds.
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

/// What the break comes from.
#[derive(Debug)]
pub(super) enum Cause {
    /// This file is not there.
    Missing(PathBuf),
    /// This file is cut short or damaged.
    Incomplete(PathBuf),
    /// This file or folder is no segment, or the disk does not give it; the text says which and what to do.
    Unread { file: PathBuf, said: String },
    /// This file stands where another one should, which holds what is missing.
    Displaced { file: PathBuf, holder: PathBuf },
    /// This file begins before what was taken ends: somebody else shipped the same time.
    Twice(PathBuf),
}

impl Hole {
    /// The file to look at.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.cause.as_ref().map(|cause| match cause {
            Cause::Missing(file)
            | Cause::Incomplete(file)
            | Cause::Twice(file)
            | Cause::Unread { file, .. }
            | Cause::Displaced { file, .. } => file.as_path(),
        })
    }

    /// The gap that a restore notes where it goes on behind the break.
    pub(crate) fn gap(&self) -> Option<Gap> {
        self.before.map(|before| Gap {
            from_ms: before.from_ms,
            to_ms: before.to_ms,
            why: format!("what was shipped is not all there: {self}"),
        })
    }

    /// A file or folder that cannot be read, which a verification names by itself.
    pub(crate) fn is_unread(&self) -> bool {
        matches!(self.cause, Some(Cause::Unread { .. }))
    }

    /// A record begins before what was taken of its day ends. One hole tells of all of them that follow each other.
    pub(super) fn twice(file: PathBuf, day: Day, after: i64, until: i64, holes: &mut Vec<Hole>) {
        let (mut from_ms, to_ms) = ((after >> 12).max(day.start_ms()), until >> 12);
        let last = holes.last_mut();
        let same = last.filter(|last| {
            matches!(last.cause, Some(Cause::Twice(_)))
                && last.before.is_some_and(|before| before.day == day)
        });
        let same = same.and_then(|last| last.before.map(|before| (last, before)));
        let what = |from_ms: i64, to_ms: i64| {
            let (from, to) = (rfc3339(from_ms), rfc3339(to_ms));
            format!("segments between {from} and {to} were shipped twice")
        };
        if let Some((last, before)) = same {
            from_ms = from_ms.min(before.from_ms);
            let to_ms = to_ms.max(before.to_ms);
            last.what = what(from_ms, to_ms);
            last.before = Some(Before {
                from_ms,
                to_ms,
                ..before
            });
            return;
        }
        holes.push(Hole {
            what: what(from_ms, to_ms),
            cause: Some(Cause::Twice(file)),
            before: Some(Before {
                day,
                after,
                from_ms,
                to_ms,
            }),
        });
    }

    /// What follows a backup or its first records is not known, as `file` cannot be read.
    pub(super) fn unread(file: &Path, after_ms: i64, error: &Error) -> Hole {
        let mended = unread::mended(file, error);
        Hole {
            what: format!(
                "what was shipped after {} cannot be read",
                rfc3339(after_ms)
            ),
            cause: Some(Cause::Unread {
                file: mended.path.clone(),
                said: format!("{mended}; {}", mended.hint),
            }),
            before: None,
        }
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.cause {
            None => Ok(()),
            Some(Cause::Incomplete(file)) => {
                write!(f, ": {} is cut short or damaged", file.display())
            }
            Some(Cause::Twice(file)) => write!(
                f,
                ", by two agents: what {} has of that time is left out",
                file.display()
            ),
            Some(Cause::Unread { said, .. }) => write!(f, ": {said}"),
            Some(Cause::Missing(file)) => write!(f, ": {} is not there", file.display()),
            Some(Cause::Displaced { file, holder }) => {
                let (file, holder) = (file.display(), holder.display());
                write!(f, ": {file} begins after them, and {holder} holds them")
            }
        }
    }
}
