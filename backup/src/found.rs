//! What an error of the system, of SQLite or of this crate says, in words that can stand behind "found".

use std::io;

use rusqlite::ErrorCode;

use crate::error::Error;
use crate::irregular::Irregular;

/// What the system met.
pub(crate) fn by_system(error: &io::Error) -> String {
    if let Some(irregular) = Irregular::of(error) {
        return irregular.found.into();
    }
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "a file that this user may not open".into(),
        io::ErrorKind::IsADirectory => "a folder".into(),
        io::ErrorKind::NotADirectory => "a file where a folder should be".into(),
        _ => format!("an error of the system ({error})"),
    }
}

/// What SQLite met.
pub(crate) fn by_sqlite(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "a file of another kind".into(),
        Some(ErrorCode::DatabaseCorrupt) => "a damaged database".into(),
        _ => format!("an error of SQLite ({error})"),
    }
}

/// What an error of this crate tells of, where a finding has a place and a next step of its own.
pub(crate) fn by_us(error: &Error) -> String {
    match error {
        Error::Found(finding) => {
            let file = finding.path.display();
            format!("{file} ({}: {})", finding.problem, finding.found)
        }
        Error::Busy { who, pid, .. } => {
            let process = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            format!("{who} at work{process}")
        }
        Error::Foreign { .. } => "a database that is not a day file of this store".into(),
        Error::Damaged { path, .. } => format!("a damaged database, {}", path.display()),
        other => format!("an error ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::finding::Finding;

    #[test]
    fn an_error_is_said_as_what_was_found() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(by_system(&missing), "no such file");
        let broken = by_system(&io::Error::from_raw_os_error(5));
        assert_eq!(
            broken,
            "an error of the system (Input/output error (os error 5))"
        );
        let finding = Finding::new(Path::new("days/a"), "cut short").found("3 bytes");
        assert_eq!(by_us(&finding.into()), "days/a (cut short: 3 bytes)");
        let busy = Error::Busy {
            path: "backups/.lock".into(),
            who: "a prune",
            pid: Some(7),
        };
        assert_eq!(by_us(&busy), "a prune at work (process 7)");
    }
}
