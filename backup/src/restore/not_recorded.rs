//! That a moment lies where nothing was recorded: the room as it was then is not known.

use std::fmt;

use crate::archive::format::stamp::rfc3339;

/// A moment at which nothing was recorded; times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRecorded {
    /// The moment.
    pub at_ms: i64,
    /// Up to here all was recorded.
    pub from_ms: i64,
    /// From here on it was again; `None` where it was not, as far as the archive knows.
    pub to_ms: Option<i64>,
    /// Why not.
    pub why: String,
}

impl fmt::Display for NotRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, from, why) = (rfc3339(self.at_ms), rfc3339(self.from_ms), &self.why);
        match self.to_ms {
            Some(to_ms) => write!(
                f,
                "{at} lies in a gap in the recording, {from} to {} ({why}); changes in it may be missing",
                rfc3339(to_ms)
            ),
            None => write!(
                f,
                "nothing was recorded after {from} ({why}); the room at {at} is not known"
            ),
        }
    }
}
