//! Links, pipes and devices found where an archive's own folders and files should be.

use std::io;
use std::path::Path;

use crate::finding::Finding;

/// What should be there where a folder should.
const FOLDER: &str = "a folder";

/// What was found instead, carried by an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} where {expected} should be")]
pub(crate) struct Irregular {
    pub(crate) found: &'static str,
    pub(crate) expected: &'static str,
}

impl From<Irregular> for io::Error {
    fn from(irregular: Irregular) -> io::Error {
        io::Error::other(irregular)
    }
}

impl Irregular {
    /// A folder where a file should be: nothing can take its name.
    pub(crate) fn is_folder(&self) -> bool {
        self.found == FOLDER
    }

    /// What was found, where an error says that.
    pub(crate) fn of(error: &io::Error) -> Option<Irregular> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// The finding that an error is where something else than a real file or folder lies at `path`.
pub(crate) fn finding(path: &Path, error: &io::Error) -> Option<Finding> {
    let Irregular { found, expected } = Irregular::of(error)?;
    let hint = match expected {
        FOLDER => {
            "an archive holds only real folders and files: move the folder itself here, mount it here, or use another folder for the archive"
        }
        _ => "an archive holds only real folders and files: put the file itself there",
    };
    Some(
        Finding::new(path, "not a real file")
            .expected(expected)
            .found(found)
            .hint(hint),
    )
}
