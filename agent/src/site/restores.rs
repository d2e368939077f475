//! Restores: planned, built beside the target, swapped in, taken back.

use std::path::Path;

use super::Site;
use super::request::RestoreRequest;
use super::source::Source;
use super::undo::Secured;
use crate::failure::{Failure, Kind, Outcome};
use crate::words;
use backup::{At, RestorePlan, RestoreReport, RestoreSource, Restored, StoreUse};

impl Site {
    /// What a restore into the target, else into the store, would do; nothing is touched.
    pub(crate) fn plan(
        &self,
        request: &RestoreRequest,
        target: Option<&Path>,
    ) -> Outcome<RestorePlan> {
        let source = match &request.from {
            Source::Latest => RestoreSource::Latest,
            Source::Backup(id) => RestoreSource::Id(id.clone()),
            Source::File(path) => RestoreSource::File(path.clone()),
        };
        let target = target.unwrap_or(self.store_path());
        let time = request.time;
        let at = request.at.map(|ms| At { ms, time });
        let planned = (self.archive_to_look_at()?).plan_to(source, at, target);
        let plan = planned.map_err(|error| {
            let failure = Failure::from(error);
            match failure.kind() == Kind::NoBackup {
                true => failure.hint(self.first_backup()),
                false => failure,
            }
        })?;
        let plan = if request.force {
            plan.take_over()
        } else {
            plan
        };
        Ok(if request.keep_newer {
            plan.keep_newer()
        } else {
            plan
        })
    }

    /// Builds the asked state in a folder beside the target and checks it there.
    pub(crate) fn build(
        &self,
        request: &RestoreRequest,
        target: Option<&Path>,
        progress: &dyn backup::Progress,
    ) -> Outcome<Restored> {
        let plan = harmless(self.plan(request, target)?, request)?;
        Ok(plan.build(progress)?)
    }

    /// The same beside a running recorder. What it commits between plan and swap is kept: a plan that
    /// drops nothing must not drop it. With `force` the user gave it up.
    pub(crate) fn build_while_recording(
        &self,
        request: &RestoreRequest,
        progress: &dyn backup::Progress,
    ) -> Outcome<Restored> {
        let plan = harmless(self.plan(request, None)?, request)?;
        if request.force {
            return Ok(plan.build(progress)?);
        }
        plan.keep_newer().build(progress).map_err(|error| {
            Failure::from(error).hint(
                "if the present files cannot be read, --force replaces them (undo keeps them)",
            )
        })
    }

    /// Restores without a running agent: under the store's own lock, so that none starts meanwhile. What only the store
    /// holds is backed up first.
    pub(crate) fn restore(
        &self,
        request: &RestoreRequest,
        target: &Path,
        progress: &dyn backup::Progress,
    ) -> Outcome<(RestoreReport, Secured)> {
        // What cannot be done leaves no folder behind.
        self.plan(request, Some(target))?;
        let _lock = backup::StoreLock::take(target, StoreUse::Restore)?;
        backup::finish_interrupted(target)?;
        let built = self.build(request, Some(target), progress)?;
        let secured = match self.is_store(target) {
            true => self.secure(None, progress),
            false => Secured::default(),
        };
        let restored = built.swap()?;
        if self.is_store(target) {
            self.prune_undo();
        }
        Ok((restored, secured))
    }
}

/// A plan that drops events, or another store's record, goes on only where the user said so.
fn harmless(plan: RestorePlan, request: &RestoreRequest) -> Outcome<RestorePlan> {
    plan.require_own_store()?;
    if plan.events_lost > 0 && !request.force {
        return Err(Failure::failed(format!(
            "this restore would drop {} recorded since",
            words::events(plan.events_lost)
        ))
        .hint("see them with --dry-run; keep them with --keep-newer; drop them with --force (undo takes it back)"));
    }
    Ok(plan)
}
