//! For the tests of the jobs: a recorded store in a folder of its own, and the jobs of its agent.

use std::sync::Arc;

use backup::{Recorder, RecorderOptions, RecorderThread};
use tempfile::TempDir;

use super::{Jobs, Turn};
use crate::settings::Settings;
use crate::site::Site;

pub(super) struct Stage {
    pub(super) site: Arc<Site>,
    pub(super) recorder: Recorder,
    pub(super) jobs: Jobs,
    writer: RecorderThread,
    _folder: TempDir,
}

/// A folder with an empty store, and the settings that name it and an archive beside it.
pub(super) fn settings() -> (TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.store.path = folder.path().join("events");
    settings.backup.path = folder.path().join("backups");
    std::fs::create_dir(&settings.store.path).unwrap();
    (folder, settings)
}

impl Stage {
    /// Records into the store of these settings.
    pub(super) fn of((folder, settings): (TempDir, Settings)) -> Self {
        let options = RecorderOptions::default();
        let (recorder, writer) = Recorder::start(&settings.store.path, options).unwrap();
        let site = Arc::new(Site::new(settings));
        let jobs = Jobs::new(site.clone(), recorder.clone(), Arc::default());
        Self {
            site,
            recorder,
            jobs,
            writer,
            _folder: folder,
        }
    }

    pub(super) async fn end(self) {
        self.recorder.stop().await.unwrap();
        self.writer.join();
    }
}

impl Jobs {
    /// The turn, for a test's own job.
    pub(super) async fn turn(&self) -> Turn {
        self.own_turn("test").await.unwrap()
    }
}
