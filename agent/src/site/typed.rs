//! What a typed word means: `latest`, a backup, or a file.

use std::io::ErrorKind;
use std::path::Path;

use super::{Site, Source};
use crate::failure::{Failure, Outcome};

impl Site {
    /// What a word means that was typed in the working directory: `latest` and the ids of listed backups come first. A
    /// file is meant where the word has a `/`, or where a file here has that name. Anything else is looked for in the
    /// archive, which says that it is not there.
    pub(crate) fn source(&self, typed: &str) -> Outcome<Source> {
        if typed == "latest" {
            return Ok(Source::Latest);
        }
        if typed.contains('/') {
            return file(typed);
        }
        let listed = self.list().map_err(|failure| {
            failure.hint(format!(
                "the archive could not tell whether {typed} is a backup; to name a file, write ./{typed}"
            ))
        })?;
        if !listed.iter().any(|backup| backup.id == typed) && is_file(typed)? {
            return file(typed);
        }
        Ok(Source::Backup(typed.to_owned()))
    }
}

fn file(typed: &str) -> Outcome<Source> {
    Ok(Source::File(std::path::absolute(typed)?))
}

fn is_file(typed: &str) -> Outcome<bool> {
    match Path::new(typed).metadata() {
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::failed(format!(
            "cannot tell whether {typed} is a file here: {error}"
        ))
        .hint("give its full path")),
    }
}
