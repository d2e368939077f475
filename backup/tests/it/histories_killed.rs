//! Commands that are killed at random: the next start finds all as before or as after.

use std::fs;

use backup::{finish_interrupted, undo_steps};

use crate::archive_jobs::{KILL_AT, child};
use crate::histories_room::Room;
use crate::histories_steps::Job;

impl Job {
    fn name(self) -> &'static str {
        match self {
            Job::Backup => "backup",
            Job::Ship => "ship",
            Job::Prune => "prune",
            Job::Restore => "restore",
            Job::RestoreAndKeep => "restore and keep",
            Job::Undo => "undo",
            Job::Import => "import",
        }
    }
}

impl Room {
    /// A command that refuses its work before that changes nothing, too.
    pub(crate) async fn killed(&mut self, job: Job, at: u8) {
        self.end().await;
        // An import tells of lost days first, and that may be what is cut off.
        if !self.claimed() || matches!(job, Job::Import) && !self.lost.is_empty() {
            return;
        }
        let (_, from) = self.write_others(2, 5);
        let steps = undo_steps(&self.events()).unwrap();
        let next = steps.iter().find(|step| step.is_next);
        let before = self.history();
        let mut command = child(job.name(), self.dir.path());
        command.env(KILL_AT, at.to_string()).status().unwrap();
        finish_interrupted(&self.events()).unwrap();
        let another_history = self.history() != before;
        match job {
            Job::Backup => self.was_backed_up(),
            Job::Ship => self.held.torn |= self.held.exact && self.held.anchored,
            Job::Prune => {
                let left = self.archive().list().unwrap();
                let stays = |id: &String| left.iter().any(|info| info.id == *id);
                self.held.backups.retain(|(id, _)| stays(id));
            }
            Job::Restore => self.was_restored(false, another_history),
            Job::RestoreAndKeep => self.was_restored(true, another_history),
            Job::Undo => {
                if let Some(next) = next {
                    self.was_undone(next.number, another_history);
                }
            }
            Job::Import => self.was_imported(from),
        }
    }

    /// What the store says of its histories.
    pub(crate) fn history(&self) -> Option<Vec<u8>> {
        fs::read(self.events().join("store.json")).ok()
    }
}
