//! Which controls some globs name.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::{Error, Result};

/// Which control paths some globs match: `*` `?` `[a-z]` `{a,b}`; no globs match all.
#[derive(Debug, Clone)]
pub struct Controls(Option<GlobSet>);

impl Controls {
    /// Reads the globs.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn matching(globs: &[String]) -> Result<Controls> {
        matcher(globs).map(Controls)
    }

    /// Whether a path is one of them.
    pub fn contains(&self, path: &str) -> bool {
        self.0.as_ref().is_none_or(|globs| globs.is_match(path))
    }
}

/// Builds the matcher for control paths. No globs: everything, as `None`.
pub(crate) fn matcher(globs: &[String]) -> Result<Option<GlobSet>> {
    if globs.is_empty() {
        return Ok(None);
    }
    let wrong = |glob: &str, error: globset::Error| Error::Input {
        what: "control glob".into(),
        found: format!("{glob:?} ({error})"),
        expected: "a name with * ? [a-z] {a,b}, such as Lobby*.gain".into(),
    };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(
            GlobBuilder::new(glob)
                .build()
                .map_err(|error| wrong(glob, error))?,
        );
    }
    set.build().map(Some).map_err(|error| wrong("", error))
}
