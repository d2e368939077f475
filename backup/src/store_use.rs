//! What a process holds a store for. It stands in the lock, so that whoever has to wait knows for what.

use std::fmt;

/// What the holder of a store's lock does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreUse {
    /// Records into it: an agent, which goes on until somebody ends it.
    Record,
    /// Imports into it.
    Import,
    /// Restores into it.
    Restore,
    /// Takes a restore back.
    Undo,
}

impl StoreUse {
    const ALL: [StoreUse; 4] = [
        StoreUse::Record,
        StoreUse::Import,
        StoreUse::Restore,
        StoreUse::Undo,
    ];

    /// Whether it ends by itself, so that it can be waited for.
    pub fn ends(self) -> bool {
        self != StoreUse::Record
    }

    /// As the lock has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            StoreUse::Record => "record",
            StoreUse::Import => "import",
            StoreUse::Restore => "restore",
            StoreUse::Undo => "undo",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<StoreUse> {
        StoreUse::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// What comes between "process 7" and "the store".
impl fmt::Display for StoreUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreUse::Record => "records into",
            StoreUse::Import => "imports into",
            StoreUse::Restore => "restores into",
            StoreUse::Undo => "takes a restore back in",
        })
    }
}
