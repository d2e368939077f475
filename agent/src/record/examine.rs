//! Has the recorder examine a day file that somebody found damaged.

use std::path::Path;

use backup::{Day, Recorder};

/// Has the recorder examine a file that is said to be damaged. True if it was a day file and was moved aside.
/// Blocks.
pub(crate) fn examine(recorder: &Recorder, file: Option<&Path>) -> bool {
    let name = file
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let day = name.and_then(Day::from_file_name);
    day.is_some_and(|day| matches!(recorder.examine(day), Ok(Some(_))))
}
