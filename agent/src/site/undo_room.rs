//! The room of undo: steps beyond the limit go, and one that somebody asks to remove.

use backup::{Archive, UndoLimit, UndoPruned};

use super::Site;
use crate::failure::{Failure, Outcome};

impl Site {
    /// Removes a step because somebody asks.
    pub(crate) fn discard_undo(&self, step: u64, force: bool) -> Outcome<()> {
        self.any_store()?;
        let archive = self.archive()?;
        match archive.discard_undo(self.store_path(), step, force)? {
            None => Ok(()),
            Some(missing) => Err(Failure::failed(format!(
                "step {step} holds what no sound backup does: {missing}"
            ))
            .hint("--force removes it for good all the same")),
        }
    }

    /// Removes the undo steps beyond the limit. What stays only costs room.
    pub(crate) fn prune_undo(&self) {
        let pruned = match self.archive_if_any() {
            Ok(Some(archive)) => self.prune_undo_by(&archive, false),
            Ok(None) => return,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = pruned {
            tracing::warn!("old undo steps were not removed: {failure}");
        }
    }

    pub(super) fn prune_undo_by(&self, archive: &Archive, dry_run: bool) -> Outcome<UndoPruned> {
        let pruned = archive.prune_undo(self.store_path(), &UndoLimit::default(), dry_run)?;
        for (step, missing) in &pruned.kept {
            tracing::warn!(
                step,
                "an undo step beyond the limit stays: no sound backup holds {missing}"
            );
        }
        Ok(pruned)
    }
}
