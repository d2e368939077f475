//! How good or bad it is, and what is wrong.

/// How good or bad it is; the numbers are the exit codes of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Ok = 0,
    Warning = 1,
    Critical = 2,
    Unknown = 3,
}

impl Level {
    /// The word that monitoring plugins print.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The value of a Q-SYS Status control: 0 OK, 1 Compromised, 2 Fault, 4 Missing.
    pub(crate) fn qsys(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 4,
        }
    }
}

/// Something that is wrong, in one sentence.
pub(super) struct Trouble {
    pub(super) level: Level,
    pub(super) text: String,
}

impl Trouble {
    /// Changes are not recorded or not backed up.
    pub(super) fn critical(text: String) -> Self {
        Self {
            level: Level::Critical,
            text,
        }
    }

    /// Somebody should look at it.
    pub(super) fn warning(text: String) -> Self {
        Self {
            level: Level::Warning,
            text,
        }
    }
}
