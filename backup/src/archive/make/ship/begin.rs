//! Where shipping begins: behind what the archive holds of the store.

use crate::archive::format::segment::{self, Link, Press};
use crate::archive::look::tail::Tail;
use crate::archive::make::chain;
use crate::archive::make::claim::Claim;
use crate::archive::make::session::Turn;
use crate::archive::make::ship::anchor::{self, broke_off};
use crate::archive::make::ship::standing::Standing;
use crate::archive::make::ship::{Shipper, end_of};
use crate::archive::open::Archive;
use crate::disk::space;
use crate::error::Result;
use crate::store::folder::Store;
use crate::store::identity::LineageId;

impl Archive {
    /// Follows a store from where the archive ends: the running recorder's own, so that what it vouches for is shipped, too. Call [`Shipper::step`] at least four times a second.
    ///
    /// # Errors
    /// When the archive's segments cannot be read.
    pub fn ship(&self, store: &Store) -> Result<Shipper> {
        let claim = self.claim(store.dir()).map_err(space::told)?;
        let Claim {
            archive: id,
            identity,
            ..
        } = self.together(store, claim)?;
        let turn = Turn::prepare(self, &id, store.dir())?;
        // What an older program wrote belongs to the store's first history.
        let own = |lineage: Option<LineageId>| match lineage {
            Some(lineage) => lineage == identity.present(),
            None => !broke_off(&identity),
        };
        // Before anything is looked at: what goes from here on is noticed.
        let standing = Standing::of(self)?;
        let manifests = self.manifests()?;
        let newest = manifests.first().map(|(newest, _)| newest);
        let under = newest.filter(|newest| anchor::is_under(newest, &identity));
        let mut cursor = under.and_then(end_of);
        // What the backup takes for shipped before it is passed over by a restore.
        let counts = |link: Option<Link>| {
            let shipped = under.and_then(|under| under.shipped.as_ref());
            let later = link.zip(shipped);
            own(link.map(|link| link.lineage))
                && later.is_none_or(|(link, shipped)| link.number > shipped.number)
        };
        // A torn record at the end of a file never was shipped.
        for (_, name) in segment::files(&*self.place)?.iter().rev() {
            // What a file holds that cannot be read is shipped again.
            let records = segment::records(&*self.place, name, 0);
            if let Some(last) = records.ok().and_then(Iterator::last) {
                let last = last?;
                if counts(last.link()) {
                    cursor = cursor.max(Some((last.covers.day, last.covers.to)));
                }
                break;
            }
        }
        let begins = cursor.is_none() && (newest.is_some() || broke_off(&identity));
        let holes = under.filter(|under| Tail::of(&self.place, under).breaks());
        let broken_after = holes.map(|under| under.sequence);
        let mut shipper = Shipper {
            archive: self.clone(),
            store: store.clone(),
            id,
            turn,
            file: None,
            press: Press::default(),
            open: None,
            cursor,
            last_record_ms: 0,
            told: None,
            identity,
            end: chain::end(&*self.place)?,
            announce: false,
            unanchored: false,
            breaks: 0,
            broken_after,
            looked_at_ms: 0,
            standing,
        };
        if begins {
            shipper.begin_history()?;
        }
        shipper.unanchored = shipper.look_for_anchor()?;
        Ok(shipper)
    }
}
