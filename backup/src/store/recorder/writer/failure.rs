//! Why a run of items was not written.

use crate::disk::space;
use crate::error::Error;
use crate::store::day_file::refusal::WriteError;

/// Each kind is answered differently.
pub(super) enum Failure {
    Conflict,
    Damaged(String),
    Disk(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Failure::Damaged(error.to_string()),
            _ => Failure::Disk(error.to_string()),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        match error {
            WriteError::Conflict => Failure::Conflict,
            WriteError::Sqlite(error) => error.into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let error = space::told(error);
        let text = error.to_string();
        match error {
            Error::Sqlite { source, .. } => match Failure::from(source) {
                Failure::Damaged(_) => Failure::Damaged(text),
                _ => Failure::Disk(text),
            },
            Error::Damaged { found, .. } => Failure::Damaged(found),
            _ => Failure::Disk(text),
        }
    }
}
