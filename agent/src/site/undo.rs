//! Undo: the steps that can be taken back, and the backup that comes before anything is replaced.

use std::path::Path;

use backup::{BuiltUndo, SettingsFile, StoreUse, UndoPlan, UndoReport, UndoStep};

use super::{Site, UndoRequest};
use crate::failure::{Failure, Outcome};

/// What came of backing up what only the store holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secured {
    /// The backup that was made for it.
    pub(crate) backup: Option<String>,
    /// Why it is in no backup.
    pub(crate) problem: Option<String>,
}

impl Secured {
    /// In words, where there is anything to say.
    pub(crate) fn notes(&self) -> Vec<String> {
        let made = self.backup.as_ref();
        let made = made.map(|id| format!("backup {id} was made first, of what was there before"));
        self.problem.clone().or(made).into_iter().collect()
    }
}

impl Site {
    /// The steps that can be taken back, newest first.
    pub(crate) fn undo_steps(&self) -> Outcome<Vec<UndoStep>> {
        self.any_store()?;
        Ok(backup::undo_steps(self.store_path())?)
    }

    /// What an undo would do; nothing is touched.
    pub(crate) fn plan_undo(&self, request: &UndoRequest) -> Outcome<UndoPlan> {
        self.any_store()?;
        let plan = backup::plan_undo(self.store_path(), request.step)?;
        Ok(if request.force { plan.force() } else { plan })
    }

    /// Prepares an undo beside the store, which may be recorded into meanwhile.
    pub(crate) fn build_undo(
        &self,
        request: &UndoRequest,
        progress: &dyn backup::Progress,
    ) -> Outcome<BuiltUndo> {
        let plan = self.plan_undo(request)?;
        plan.build(progress).map_err(|error| match request.force {
            true => error.into(),
            false => Failure::from(error).hint(
                "if what was recorded since cannot be read or kept, --force takes the step back without it (the undo leaves a step with it)",
            ),
        })
    }

    /// Takes a step back without a running agent.
    pub(crate) fn undo(
        &self,
        request: &UndoRequest,
        progress: &dyn backup::Progress,
    ) -> Outcome<(UndoReport, Secured)> {
        self.any_store()?;
        let _lock = self.lock_store(StoreUse::Undo)?;
        backup::finish_interrupted(self.store_path())?;
        let built = self.build_undo(request, progress)?;
        let secured = self.secure(None, progress);
        let undone = built.swap()?;
        self.prune_undo();
        Ok((undone, secured))
    }

    /// What an undo would take back.
    pub(crate) fn undo_available(&self) -> Option<String> {
        backup::undo_available(self.store_path())
    }

    /// Before the store's files are replaced: makes a backup, unless the archive holds all of them. Never fails; then the
    /// undo step alone holds what goes.
    pub(crate) fn secure(
        &self,
        plugin: Option<SettingsFile>,
        progress: &dyn backup::Progress,
    ) -> Secured {
        let mut secured = Secured::default();
        match self.try_secure(plugin, progress) {
            Ok(made) => secured.backup = made,
            Err(failure) => {
                let problem = format!(
                    "what was there before could not be backed up first, so undo alone keeps it: {failure}"
                );
                tracing::error!("{problem}");
                secured.problem = Some(problem);
            }
        }
        secured
    }

    fn try_secure(
        &self,
        plugin: Option<SettingsFile>,
        progress: &dyn backup::Progress,
    ) -> Outcome<Option<String>> {
        if !self.is_unsecured()? {
            return Ok(None);
        }
        let archive = self.archive_that_exists()?;
        let made = self.backup_into(&archive, plugin, progress)?;
        tracing::info!(id = %made.id, "backup made and proved before the store's files are replaced");
        Ok(Some(made.id))
    }

    /// Whether the store holds anything that the newest proved backup does not.
    fn is_unsecured(&self) -> Outcome<bool> {
        let Some(store) = self.store_if_any()? else {
            return Ok(false);
        };
        if store.days()?.is_empty() {
            return Ok(false);
        }
        // A day that cannot be compared is not known to be there.
        let archived = self.archive_to_look_at()?.is_all_archived(&store);
        Ok(!archived.unwrap_or(false))
    }

    /// What a dry run says of [`Site::secure`].
    pub(crate) fn would_secure(&self) -> Option<String> {
        match self.is_unsecured() {
            Ok(false) => None,
            Ok(true) if self.archive_path().exists() => {
                Some("a backup of what is there now is made first".into())
            }
            _ => Some(
                "there is no archive to back up first what is there now: undo alone would keep it"
                    .into(),
            ),
        }
    }

    /// Whether a folder is the store's, however it is spelt.
    pub(super) fn is_store(&self, folder: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().ok();
        folder == self.store_path()
            || real(folder).is_some_and(|found| Some(found) == real(self.store_path()))
    }
}
