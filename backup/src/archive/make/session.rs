//! Sessions of shipping: the archive names the one that ships, and another one keeps its hands off.

use std::path::Path;

use crate::archive::format::owner::{self, ArchiveId, Owner, Session, Writer};
use crate::archive::make::claim::AT_WORK;
use crate::archive::make::own_sessions;
use crate::archive::open::Archive;
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};

/// Who ships: nobody else may while the archive names this one.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The archive that it is about.
    archive: ArchiveId,
    writer: Writer,
    /// What the archive named when shipping was prepared.
    before: Option<Session>,
    own: Session,
    begun: bool,
}

impl Turn {
    /// Prepared for a claimed archive. The session begins with the first step.
    pub(crate) fn prepare(archive: &Archive, id: &ArchiveId, store: &Path) -> Result<Turn> {
        archive.require_still(id)?;
        let owner = owner::read(&*archive.place)?;
        let before = owner.and_then(|owner| owner.session);
        Ok(Turn {
            archive: id.clone(),
            writer: Writer::here(store)?,
            own: Session::after(before.as_ref(), SystemClock.now_ms())?,
            before,
            begun: false,
        })
    }

    /// Makes sure that nobody else has begun to ship; begins the session where it has not begun.
    ///
    /// # Errors
    /// [`Error::OtherAgent`] while somebody else ships; [`Error::OtherArchive`] where shipping has to be prepared anew.
    pub(crate) fn require(&mut self, archive: &Archive) -> Result<()> {
        let owner = match owner::read(&*archive.place) {
            Ok(Some(owner)) if owner.archive == self.archive => owner,
            Ok(_) | Err(Error::Found(_)) => {
                // Says what is there instead.
                archive.require_still(&self.archive)?;
                return Err(self.anew(archive, "no archive".into()));
            }
            Err(error) => return Err(error),
        };
        let now = owner.session.as_ref();
        let is_own = now == Some(&self.own);
        let known = match self.begun {
            true => Some(&self.own),
            false => self.before.as_ref(),
        };
        let number = |session: Option<&Session>| session.map_or(0, |session| session.number);
        if number(now) < number(known) {
            return Err(self.anew(archive, "an older copy of it".into()));
        }
        let by_own_backup = now.is_some_and(own_sessions::is_for_backup);
        if now != known && by_own_backup && owner.writer == self.writer {
            return Err(self.anew(archive, "a backup made after another agent's".into()));
        }
        if !is_own && now != known || owner.writer != self.writer {
            return Err(self.somebody_else(archive, &owner)?);
        }
        if !self.begun {
            let owner = Owner {
                session: Some(self.own.clone()),
                ..owner
            };
            own_sessions::note(Path::new(&self.writer.path), &self.archive, &self.own);
            owner::write(&*archive.place, &owner)?;
            self.begun = true;
        }
        Ok(())
    }

    /// While the other one is at work it has the archive; once it is quiet, shipping begins anew.
    fn somebody_else(&self, archive: &Archive, owner: &Owner) -> Result<Error> {
        let quiet = archive.quiet(owner)?.unwrap_or(AT_WORK);
        Ok(match quiet < AT_WORK {
            true => archive.other_agent(owner, quiet),
            false => self.anew(archive, format!("what {} has left", owner.writer)),
        })
    }

    fn anew(&self, archive: &Archive, found: String) -> Error {
        Error::OtherArchive {
            path: archive.dir().to_path_buf(),
            found,
            expected: self.archive.to_string(),
        }
    }
}
