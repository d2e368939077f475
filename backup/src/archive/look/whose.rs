//! Whose record an archive holds, by its own word or, where that is lost, by that of its backups.

use std::path::Path;

use crate::archive::format::manifest::{self, Manifest};
use crate::archive::format::owner::{self, ArchiveId, Owner, Session, Writer};
use crate::archive::open::Archive;
use crate::error::{Error, RecordIn, Result, Stores};
use crate::store::identity::{Identity, StoreId};

/// What is known of an archive's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) archive: ArchiveId,
    pub(crate) store: StoreId,
    /// Unknown where only backups tell.
    pub(crate) writer: Option<Writer>,
    /// Who ships there, or did last.
    pub(crate) session: Option<Session>,
}

impl From<Owner> for Whose {
    fn from(owner: Owner) -> Whose {
        Whose {
            archive: owner.archive,
            store: owner.store,
            writer: Some(owner.writer),
            session: owner.session,
        }
    }
}

impl Archive {
    /// The archive's own id; `None` where nothing was backed up or shipped yet.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn id(&self) -> Result<Option<ArchiveId>> {
        Ok(self.whose()?.map(|whose| whose.archive))
    }

    /// Whether this is still the archive of this id. It is not where its folder was emptied or replaced by another one,
    /// or its disk was mounted or unmounted. Cheap enough to ask before each append.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn still(&self, id: &ArchiveId) -> Result<bool> {
        match owner::read(&*self.place) {
            Ok(owner) => Ok(owner.is_some_and(|owner| owner.archive == *id)),
            // What says nothing is not known to be the same; whoever begins anew mends it.
            Err(Error::Found(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The same, as an error that says what is there now.
    pub(crate) fn require_still(&self, id: &ArchiveId) -> Result<()> {
        if self.still(id)? {
            return Ok(());
        }
        let found = owner::read(&*self.place).ok().flatten();
        Err(Error::OtherArchive {
            path: self.dir().to_path_buf(),
            found: found.map_or("no archive".into(), |owner| {
                format!("the archive {}", owner.archive)
            }),
            expected: id.to_string(),
        })
    }

    /// Fails where the archive is that of another store than this one. Writes nothing.
    ///
    /// # Errors
    /// [`Error::OtherStore`]; or when the archive or the store cannot be read.
    pub fn meant_for(&self, store: &Path) -> Result<()> {
        match (self.whose()?, Identity::read(store)?) {
            (Some(whose), Some(own)) => self.require(&whose.store, &own.store),
            _ => Ok(()),
        }
    }

    pub(crate) fn require(&self, found: &StoreId, expected: &StoreId) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        Err(Error::OtherStore {
            path: self.dir().to_path_buf(),
            stores: Stores {
                found: found.to_string(),
                expected: expected.to_string(),
            },
            within: RecordIn::Archive,
        })
    }

    /// Whose the archive is. A version 1 archive belongs to nobody yet.
    pub(crate) fn whose(&self) -> Result<Option<Whose>> {
        match owner::read(&*self.place) {
            Ok(Some(owner)) => Ok(Some(owner.into())),
            Ok(None) => Ok(told_by(&self.readable_manifests()?)),
            Err(error @ Error::Found(_)) => {
                tracing::debug!(%error, "whose archive it is, its backups tell");
                Ok(told_by(&self.readable_manifests()?))
            }
            Err(error) => Err(error),
        }
    }

    /// Every manifest that can be read, of any store, newest first, with the SHA-256 of its file.
    pub(crate) fn readable_manifests(&self) -> Result<Vec<(Manifest, String)>> {
        let mut manifests: Vec<(Manifest, String)> = self
            .place
            .list("")?
            .iter()
            .filter(|name| Manifest::id_of(name).is_some())
            .filter_map(|name| manifest::read(&*self.place, name).ok())
            .collect();
        manifests.sort_by_key(|(manifest, _)| std::cmp::Reverse(manifest.sequence));
        Ok(manifests)
    }

    /// The store that the archive is of, given all its manifests.
    pub(crate) fn own_store(&self, manifests: &[(Manifest, String)]) -> Option<StoreId> {
        let said = owner::read(&*self.place).ok().flatten();
        said.map(|owner| owner.store)
            .or_else(|| told_by(manifests).map(|whose| whose.store))
    }
}

/// What the newest backup that says whose it is tells.
fn told_by(manifests: &[(Manifest, String)]) -> Option<Whose> {
    manifests.iter().find_map(|(manifest, _)| {
        Some(Whose {
            archive: manifest.archive.clone()?,
            store: manifest.store.clone()?,
            writer: None,
            session: None,
        })
    })
}
