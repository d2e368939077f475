//! A moment that no restore reaches, and the nearest ones that it does.

use std::fmt;
use std::path::PathBuf;

/// A moment that no restore reaches; times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfReach {
    /// The archive or the file to restore from.
    pub path: PathBuf,
    /// The moment that was asked for.
    pub at_ms: i64,
    /// The last moment before it that can be reached.
    pub before_ms: Option<i64>,
    /// The first moment after it that can be reached.
    pub after_ms: Option<i64>,
    /// Why nothing in between can be reached, where that is known.
    pub why: Option<String>,
}

impl OutOfReach {
    /// The sentence, with times written by `time`.
    pub fn in_words(&self, time: impl Fn(i64) -> String) -> String {
        let expected = match (self.before_ms, self.after_ms) {
            (Some(before), Some(after)) => format!(
                "a moment that is at the latest {} or at the earliest {}",
                time(before),
                time(after)
            ),
            (Some(before), None) => format!("a moment that is at the latest {}", time(before)),
            (None, Some(after)) => format!("a moment that is at the earliest {}", time(after)),
            (None, None) => "a backup that holds events".to_owned(),
        };
        let why = self.why.as_ref();
        format!(
            "{}: found nothing that reaches {}, expected {expected}{}",
            self.path.display(),
            time(self.at_ms),
            why.map_or_else(String::new, |why| format!(" ({why})"))
        )
    }
}

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &self.in_words(|ms| match jiff::Timestamp::from_millisecond(ms) {
                Ok(at) => format!("{at:.3}"),
                // Beyond the years that RFC 3339 can write.
                Err(_) => format!("{ms} ms"),
            }),
        )
    }
}
