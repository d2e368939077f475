//! The recorder's digest of the state, left in the day file: a drill compares restored files with it.

use crate::error::Result;
use crate::store::folder::Store;
use crate::store::recorder::writer::state::Writer;
use crate::store::state_digest::{self, StateDigest};

impl Writer {
    /// Leaves the digest of the last known states in the open day's file. Only when nothing is pending.
    pub(super) fn vouch(&mut self) {
        match self.own_digest() {
            Ok(Some(digest)) => {
                let Some(file) = &mut self.open.file else {
                    return;
                };
                match file.put_digests(&digest) {
                    Ok(()) => self.open.vouched = Some(digest.id),
                    Err(error) => {
                        tracing::warn!(%error, "the digest of the state could not be noted");
                        self.open.file = None;
                    }
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the digest of the state could not be made"),
        }
    }

    /// `None` where nothing is new, or the state is not certain.
    fn own_digest(&mut self) -> Result<Option<StateDigest>> {
        let Some(file) = &self.open.file else {
            return Ok(None);
        };
        let path = file.path().to_path_buf();
        let failed = || crate::error::Error::sqlite(&path, "look for its end");
        // Without a keyframe of its own the day's state depends on files that may be imported into or retired.
        let (Some(id), true) = (
            file.last_id().map_err(failed())?,
            file.has_keyframe().map_err(failed())?,
        ) else {
            return Ok(None);
        };
        if self.open.vouched == Some(id.0) {
            return Ok(None);
        }
        let sha256 = self.known.digest();
        if self.known.unsure {
            let there = Store::open(&self.open.dir)?.state_until(id)?;
            if state_digest::of_state(&there) != sha256 {
                return Ok(None);
            }
            self.known.unsure = false;
        }
        Ok(Some(StateDigest { id: id.0, sha256 }))
    }
}
