//! The commands that the program tells people to type: each acts on the site that was spoken of, from any folder.

use std::borrow::Cow;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The settings file of the site that this process serves; `None` where the reader's own folder or variables say it.
static SETTINGS_FILE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// From now on each command names this settings file.
pub(crate) fn name_settings_file(file: &Path) {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    *SETTINGS_FILE.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
}

/// What to type for a verb with its arguments.
pub(crate) fn command(verb: impl Display) -> String {
    let file = SETTINGS_FILE.lock().unwrap_or_else(PoisonError::into_inner);
    with_settings(&verb.to_string(), file.as_deref())
}

fn with_settings(verb: &str, file: Option<&Path>) -> String {
    match file {
        // It stands at the end: a panel shows only the beginning.
        Some(file) => format!(
            "qsys-agent {verb} --config {}",
            shell_word(&file.to_string_lossy())
        ),
        None => format!("qsys-agent {verb}"),
    }
}

/// The text as one word for a shell.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_settings_file_as_a_shell_reads_it() {
        for (file, expected) in [
            (None, "qsys-agent undo"),
            (
                Some("/srv/a/site.toml"),
                "qsys-agent undo --config /srv/a/site.toml",
            ),
            (
                Some("/srv/the site's.toml"),
                r"qsys-agent undo --config '/srv/the site'\''s.toml'",
            ),
            (
                Some("/srv/$HOME.toml"),
                "qsys-agent undo --config '/srv/$HOME.toml'",
            ),
        ] {
            assert_eq!(with_settings("undo", file.map(Path::new)), expected);
        }
    }
}
