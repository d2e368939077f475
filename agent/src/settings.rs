//! What was set: the defaults; over them the original's `qsys-core.config.json`, then `qsys-agent.toml`, then `.env`,
//! then the environment. Flags come last, in the commands.

mod folders_apart;
mod layer;
mod place;
mod values;
mod written;

mod environment;
mod file;
mod original;

use std::path::Path;

use crate::failure::Outcome;
use place::Place;
pub(crate) use values::{Core, Pin, Record, Settings};

/// The original's file, read where it lies beside the settings file.
const ORIGINAL_FILE: &str = "qsys-core.config.json";
/// The original's users keep its variables here, beside the settings file; the environment outranks it.
const DOTENV_FILE: &str = ".env";

impl Settings {
    /// Reads all layers. `config` is the file that the user named, if any. All paths are absolute afterwards, so they
    /// mean the same to whoever is told of them.
    pub(crate) fn load(config: Option<&Path>) -> Outcome<Self> {
        let place = Place::of(config)?;
        let mut settings = Self::default();
        settings.store.path = place.path(&settings.store.path);
        settings.backup.path = place.path(&settings.backup.path);
        if let Some(original) = place.beside(ORIGINAL_FILE) {
            original::apply(&mut settings, &original)?;
            settings.files.push(original);
        }
        if let Some(file) = &place.file {
            let next = match config {
                Some(_) => "name another with --config, or leave --config out to use the defaults",
                None => layer::MEND,
            };
            let text = layer::read(file, "settings file ", next)?;
            file::apply(&mut settings, &place, file, &text)?;
            settings.files.push(file.clone());
            settings.file = Some(file.clone());
        }
        if let Some(dotenv) = place.beside(DOTENV_FILE) {
            environment::apply_file(&mut settings, &place, &dotenv)?;
            settings.files.push(dotenv);
        }
        environment::apply_process(&mut settings)?;
        folders_apart::check(&settings.store.path, &settings.backup.path)?;
        Ok(settings)
    }

    /// Which settings file these come from, or where one was looked for.
    pub(crate) fn file_in_words(&self) -> String {
        match &self.file {
            Some(file) => {
                let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
                format!("settings file {}", file.display())
            }
            None => {
                let folder = std::env::current_dir().unwrap_or_default();
                format!("no settings file in {}", folder.display())
            }
        }
    }
}
