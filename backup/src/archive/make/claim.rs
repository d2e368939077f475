//! Claiming an archive for a store before anything of it is written there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::owner::{self, ArchiveId, FILE, Owner, Session, Writer};
use crate::archive::format::segment;
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::whose::Whose;
use crate::archive::make::own_sessions;
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::draft;
use crate::error::{Error, Result};
use crate::parting::Parting;
use crate::store::folder::Store;
use crate::store::history;
use crate::store::identity::Identity;

/// A writer of which nothing came for so long is not at work. One that ships says every ten seconds that it is there.
pub(crate) const AT_WORK: Duration = Duration::from_secs(120);

/// An archive that is this store's.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) archive: ArchiveId,
    pub(crate) identity: Identity,
    /// Another one may have written what is there.
    pub(crate) by_another: bool,
}

impl Archive {
    /// Gives a store that lost its disk, and with it its name, its name back: where its folder says nothing and the
    /// archive was last written from this very place, the store is the archive's, in a new history. Begins another history,
    /// too, where the archive is this store's and holds events that it lacks. Call before a recorder starts. True where it
    /// gave the name back.
    ///
    /// # Errors
    /// When the archive cannot be read, or the store's folder cannot be written.
    pub fn take_up(&self, store: &Path) -> Result<bool> {
        let taken = self.give_name_back(store)?;
        if let (Some(whose), Some(own)) = (self.whose()?, Identity::read(store)?)
            && whose.store == own.store
        {
            let by_another = wrote_another(&whose, store)?;
            self.part_from(&Store::open(store)?, by_another)?;
        }
        Ok(taken)
    }

    fn give_name_back(&self, store: &Path) -> Result<bool> {
        if Identity::read(store).is_ok_and(|known| known.is_some()) {
            return Ok(false);
        }
        let (Some(whose), here) = (self.whose()?, Writer::here(store)?) else {
            return Ok(false);
        };
        if whose.writer != Some(here) {
            return Ok(false);
        }
        let now_ms = SystemClock.now_ms();
        if Identity::readable(store, now_ms)?.is_some() {
            return Ok(false);
        }
        let manifests = self.manifests()?;
        let newest = manifests.iter().map(|(manifest, _)| manifest).next();
        let days = Store::open(store).and_then(|store| store.days());
        let why = match days.unwrap_or_default().is_empty() {
            true => "the store was lost",
            false => "the name of the store was lost",
        };
        let identity = Identity::taken_up(
            whose.store.clone(),
            newest.map_or_else(Vec::new, |newest| newest.lineages.clone()),
            newest.and_then(last_event).unwrap_or(-1),
            why,
            now_ms,
        )?;
        draft::create_folder(store)?;
        identity.write(store)?;
        if let Some(session) = &whose.session {
            own_sessions::note(&real_path(store), &whose.archive, session);
        }
        tracing::warn!(store = %identity.store, "{why}; it goes on as the store of its archive");
        Ok(true)
    }

    /// Makes sure that the archive is this store's and that nobody else writes it for the store; notes who writes it
    /// from now on. For whoever does not hold [`Hold::Write`] yet.
    ///
    /// # Errors
    /// [`Error::OtherStore`], [`Error::OtherAgent`]; or when the archive cannot be read or written.
    pub(crate) fn claim(&self, store: &Path) -> Result<Claim> {
        if let Ok(Some(owner)) = owner::read(&*self.place)
            && let Some(identity) = Identity::read(store)?
            && owner.store == identity.store
            && owner.writer == Writer::here(store)?
        {
            let whose = Whose::from(owner);
            return Ok(Claim {
                by_another: wrote_another(&whose, store)?,
                archive: whose.archive,
                identity,
            });
        }
        let _held = self.place.hold(Hold::Write)?;
        self.claim_held(store)
    }

    /// The same for whoever holds [`Hold::Write`].
    pub(crate) fn claim_held(&self, store: &Path) -> Result<Claim> {
        self.give_name_back(store)?;
        let identity = Identity::of(store, SystemClock.now_ms())?;
        let writer = Writer::here(store)?;
        let whose = self.whose()?;
        if let Some(whose) = &whose {
            self.require(&whose.store, &identity.store)?;
            self.require_quiet(whose, &writer)?;
        }
        let another = |whose| wrote_another(whose, store);
        let by_another = whose.as_ref().map_or(Ok(false), another)?;
        let (archive, session) = match whose {
            Some(whose) => (whose.archive, whose.session),
            None => (ArchiveId::random()?, None),
        };
        let owner = Owner {
            archive: archive.clone(),
            store: identity.store.clone(),
            writer,
            session,
        };
        if !matches!(owner::read(&*self.place), Ok(Some(noted)) if noted == owner) {
            owner::write(&*self.place, &owner)?;
        }
        Ok(Claim {
            archive,
            identity,
            by_another,
        })
    }

    /// The same for a backup, which is no session of shipping: fails while one of somebody else is at work, as of a clone of
    /// this machine, whose writer has the same name.
    pub(crate) fn claim_to_back_up(&self, store: &Path) -> Result<Claim> {
        let claim = self.claim_held(store)?;
        let Some(owner) = owner::read(&*self.place)? else {
            return Ok(claim);
        };
        let Some(others) = &owner.session else {
            return Ok(claim);
        };
        if !own_sessions::is_foreign(&real_path(store), &owner.archive, others) {
            return Ok(claim);
        }
        if let Some(quiet) = self.quiet(&owner)?
            && quiet < AT_WORK
        {
            return Err(self.other_agent(&owner, quiet));
        }
        // Should that one wake up, it finds that it has the archive no more.
        let own = Session::after(Some(others), SystemClock.now_ms())?;
        own_sessions::note_for_backup(&real_path(store), &owner.archive, &own);
        let session = Some(own);
        owner::write(&*self.place, &Owner { session, ..owner })?;
        Ok(claim)
    }

    /// Begins another history in a store that nobody records into, where it has parted from its archive.
    fn part_from(&self, store: &Store, by_another: bool) -> Result<()> {
        match self.parting(store, by_another)? {
            Some(parting) => begin(store, &parting),
            None => Ok(()),
        }
    }

    /// The same for a claimed archive, before anything of the store is written there. Where a recorder runs, it is the one to
    /// begin the history.
    ///
    /// # Errors
    /// [`Error::Parted`]; or when the archive or the store cannot be read.
    pub(super) fn together(&self, store: &Store, claim: Claim) -> Result<Claim> {
        let Some(parting) = self.parting(store, claim.by_another)? else {
            return Ok(claim);
        };
        if store.is_recorded() {
            return Err(Error::Parted {
                path: store.dir().to_path_buf(),
                parting,
            });
        }
        begin(store, &parting)?;
        Ok(Claim {
            identity: Identity::read(store.dir())?.unwrap_or(claim.identity),
            ..claim
        })
    }

    /// Fails while another writer of the same store is at work: a copy of the store, or its folder under another name.
    fn require_quiet(&self, whose: &Whose, here: &Writer) -> Result<()> {
        let Some(other) = whose.writer.as_ref().filter(|writer| *writer != here) else {
            return Ok(());
        };
        let owner = Owner {
            archive: whose.archive.clone(),
            store: whose.store.clone(),
            writer: other.clone(),
            session: whose.session.clone(),
        };
        let Some(quiet) = self.quiet(&owner)? else {
            return Ok(());
        };
        if quiet >= AT_WORK {
            return Ok(());
        }
        Err(self.other_agent(&owner, quiet))
    }

    /// How long nothing has been written here, by the archive's own clock; `None` where nothing was yet.
    pub(crate) fn quiet(&self, owner: &Owner) -> Result<Option<Duration>> {
        let newest = |names: Vec<String>| {
            let found = names.iter().filter_map(|name| self.place.look(name).ok()?);
            found.map(|found| found.modified_ns).max()
        };
        let segments = segment::files(&*self.place)?.pop();
        let mut manifests = self.place.list("backup-")?;
        manifests.retain(|name| Manifest::id_of(name).is_some());
        let last = newest(segments.map(|(_, name)| name).into_iter().collect());
        let Some(last) = last.max(newest(manifests)) else {
            return Ok(None);
        };
        // Written again as it is: its time says what the archive's own clock is now.
        owner::write(&*self.place, owner)?;
        let now = newest(vec![FILE.to_owned()]).unwrap_or(last);
        let quiet = u64::try_from(now.saturating_sub(last)).unwrap_or(0);
        Ok(Some(Duration::from_nanos(quiet)))
    }

    pub(crate) fn other_agent(&self, owner: &Owner, quiet: Duration) -> Error {
        let since = owner.session.as_ref().map(|session| session.since_ms);
        Error::OtherAgent {
            path: self.dir().to_path_buf(),
            writer: owner.writer.to_string(),
            shipping_since: since.map(rfc3339),
            seconds: quiet.as_secs(),
        }
    }
}

/// Whether what an archive holds may be another one's than this store's: a copy of it, elsewhere or in its very place.
fn wrote_another(whose: &Whose, store: &Path) -> Result<bool> {
    let here = Writer::here(store)?;
    let elsewhere = whose.writer.as_ref().is_some_and(|writer| *writer != here);
    let unknown = |session| own_sessions::is_unknown(&real_path(store), &whose.archive, session);
    Ok(elsewhere || whose.session.as_ref().is_some_and(unknown))
}

fn begin(store: &Store, parting: &Parting) -> Result<()> {
    tracing::warn!("{parting}; another history begins");
    history::begin(store.dir(), parting)
}

fn real_path(store: &Path) -> PathBuf {
    store.canonicalize().unwrap_or_else(|_| store.to_path_buf())
}

fn last_event(manifest: &Manifest) -> Option<i64> {
    manifest.days.iter().filter_map(|day| day.to_id).max()
}
