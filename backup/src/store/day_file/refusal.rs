//! Why SQLite refuses a change: its id is taken, the row cannot be stored, or the file cannot be written.

/// Why a batch could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// An id is taken; the batch needs higher ones.
    Conflict,
    /// SQLite refused.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> WriteError {
        WriteError::Sqlite(error)
    }
}

/// Whom an error concerns.
pub(super) enum Refused {
    Taken,
    Row,
    File,
}

/// Whether an error concerns one row or the whole file.
pub(super) fn judge(error: &rusqlite::Error) -> Refused {
    const CONSTRAINT_PRIMARYKEY: i32 = 1555;
    const CONSTRAINT_ROWID: i32 = 2579;
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match (failure.code, failure.extended_code) {
            (_, CONSTRAINT_PRIMARYKEY | CONSTRAINT_ROWID) => Refused::Taken,
            (
                rusqlite::ErrorCode::ConstraintViolation
                | rusqlite::ErrorCode::TooBig
                | rusqlite::ErrorCode::TypeMismatch
                | rusqlite::ErrorCode::ParameterOutOfRange,
                _,
            ) => Refused::Row,
            _ => Refused::File,
        },
        _ => Refused::Row,
    }
}
