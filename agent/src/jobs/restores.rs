//! Restores beside the running recorder: previewed, done, taken back.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use backup::Progress;

use super::{Jobs, Running, Turn};
use crate::advice;
use crate::documents;
use crate::failure::Outcome;
use crate::site::{RestoreRequest, Secured, UndoRequest};

impl Jobs {
    /// Tells what a restore would do.
    pub(crate) async fn preview(
        &self,
        _turn: Turn,
        request: RestoreRequest,
    ) -> Outcome<documents::Plan> {
        self.run("preview", move |site, _| {
            let plan = site.plan(&request, None)?;
            Ok(documents::Plan::new(&plan, plan.per_control(&())))
        })
        .await
    }

    /// Builds the asked state beside the store, then swaps it in while changes queue up.
    pub(crate) async fn restore(
        &self,
        _turn: Turn,
        request: RestoreRequest,
    ) -> Outcome<documents::Restored> {
        let begun = Instant::now();
        let running = Arc::new(self.board.post("restore"));
        let built = self
            .run_as(&running, move |site, job| {
                site.build_while_recording(&request, job)
            })
            .await?;
        let secured = self.secure(&running).await;
        let swapped = self.swap(&running, move |_| built.swap()).await?;
        self.prune_undo(&running).await;
        let restored = documents::Restored::new(&swapped, secured.notes(), begun.elapsed());
        for left_out in &swapped.left_out {
            tracing::error!("{left_out}");
        }
        tracing::warn!(
            restored_to = restored
                .restored_to
                .map_or_else(|| "an empty store".to_owned(), |moment| moment.to_string()),
            events = restored.events,
            seconds = restored.seconds.0,
            "the store was restored; `{}` takes it back",
            advice::command("undo")
        );
        Ok(restored)
    }

    /// Takes a step back: prepared beside the store, then swapped in.
    pub(crate) async fn undo(
        &self,
        _turn: Turn,
        request: UndoRequest,
    ) -> Outcome<documents::Undone> {
        let running = Arc::new(self.board.post("undo"));
        running.step("looking at what was recorded since", 0, 1);
        let built = self
            .run_as(&running, move |site, job| site.build_undo(&request, job))
            .await?;
        let secured = self.secure(&running).await;
        let swapped = self.swap(&running, move |_| built.swap()).await?;
        self.prune_undo(&running).await;
        let undone = documents::Undone::new(&swapped, secured.notes());
        tracing::warn!("{}", undone.in_words());
        Ok(undone)
    }

    /// Backs up what only the store holds, before its files are replaced.
    async fn secure(&self, running: &Arc<Running>) -> Secured {
        let plugin = self
            .live_facts
            .plugin()
            .map(|plugin| plugin.settings_file());
        let secured = self
            .run_as(running, move |site, job| Ok(site.secure(plugin, job)))
            .await;
        secured.unwrap_or_else(|failure| Secured {
            backup: None,
            problem: Some(failure.to_string()),
        })
    }

    /// Removes the undo steps beyond the limit.
    async fn prune_undo(&self, running: &Arc<Running>) {
        let pruned = self.run_as(running, |site, _| {
            site.prune_undo();
            Ok(())
        });
        if let Err(failure) = pruned.await {
            tracing::warn!("old undo steps were not removed: {failure}");
        }
    }

    /// Exchanges the store's files while the recorder has none of them open.
    async fn swap<T: Send + 'static>(
        &self,
        running: &Running,
        exchange: impl FnOnce(&Path) -> backup::Result<T> + Send + 'static,
    ) -> Outcome<T> {
        running.step("exchanging the files", 1, 1);
        self.files_change();
        let exchanged = self.recorder.pause_and(exchange).await;
        let exchanged = exchanged.and_then(|done| done)?;
        let undo = self.site.undo_available();
        self.with(|known| known.undo = undo);
        Ok(exchanged)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::JobState;

    use super::*;
    use crate::jobs::stage::{self, Stage};

    #[tokio::test(flavor = "multi_thread")]
    async fn an_undo_stands_on_the_board_for_as_long_as_it_takes() {
        let stage = Stage::of(stage::settings());
        let jobs = &stage.jobs;

        // Somebody else has the files, so the undo has to wait for them.
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let holder = stage.recorder.clone();
        let holding = tokio::spawn(async move {
            let hold = move |_: &Path| {
                let _ = begun.send(());
                held.recv().unwrap();
            };
            holder.pause_and(hold).await.unwrap();
        });
        has_begun.await.unwrap();
        let undoing = tokio::spawn({
            let jobs = jobs.clone();
            async move {
                let turn = jobs.turn().await;
                jobs.undo(turn, UndoRequest::default()).await.map(|_| ())
            }
        });
        let shown = async {
            loop {
                if let Some(job) = jobs.current().filter(|job| !job.text.is_empty()) {
                    break job;
                }
                tokio::task::yield_now().await;
            }
        };
        let shown = tokio::time::timeout(Duration::from_secs(20), shown);
        let shown = shown.await.unwrap();
        assert_eq!(
            (shown.kind.as_str(), shown.state),
            ("undo", JobState::Running)
        );
        release.send(()).unwrap();
        holding.await.unwrap();
        undoing.await.unwrap().unwrap_err();
        assert_eq!(
            jobs.current(),
            None,
            "nothing was there to undo, and that ended it"
        );
        stage.end().await;
    }
}
