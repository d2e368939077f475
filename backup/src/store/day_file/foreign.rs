//! Notices what others did to an open file before anything is written into it.

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;

use crate::error::{Error, Result};
use crate::store::day_file::file::DayFile;
use crate::store::day_file::watch::Look;
use crate::store::schema::{create, damage, open_reader};

impl DayFile {
    /// Whether the path still leads to the file that is open, and nobody else wrote to it. What is written into a file
    /// that was removed or copied over would be lost without an error.
    pub(crate) fn look(&self) -> Look {
        self.watch.look()
    }

    /// Checks a file that somebody else wrote to through a new connection, and gives what is wrong with it. If nothing
    /// is, the file is accepted as it is.
    pub(crate) fn examine(&mut self) -> Result<Option<String>> {
        let found = self.examined()?;
        if found.is_none() {
            self.watch.accept();
            // What it holds now may be other than what was committed.
            self.forget_fresh();
        }
        Ok(found)
    }

    fn examined(&self) -> Result<Option<String>> {
        // Through a connection of its own: this one may remember pages that are no longer there.
        if let Some(found) = damage(&self.path)? {
            return Ok(Some(found));
        }
        let conn = match open_reader(&self.path) {
            Ok(conn) => conn,
            Err(error @ (Error::Foreign { .. } | Error::Unreadable { .. })) => {
                return Ok(Some(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let end = self.end.map_or(-1, |end| end.0);
        let found: i64 = conn
            .query_row("SELECT coalesce(max(id), -1) FROM changes", [], |row| {
                row.get(0)
            })
            .map_err(Error::sqlite(&self.path, "look for its end"))?;
        Ok((found < end).then(|| "its last change is gone".to_owned()))
    }

    /// Writes a removed file out under its name again: the open file is still whole, though it has no name.
    ///
    /// # Errors
    /// When its content cannot be read or written, or another file has its name by now.
    pub(crate) fn put_back(self) -> Result<()> {
        let path = self.path.clone();
        if self.look() != Look::Removed {
            return Err(Error::Unexpected {
                path,
                found: "another file in its place".into(),
                expected: "none".into(),
            });
        }
        create(&path, |fresh| {
            let copied = Backup::new(&self.conn, fresh).and_then(|copy| copy.step(-1));
            match copied.map_err(Error::sqlite(&path, "copy what is open of it"))? {
                StepResult::Done => {}
                other => {
                    return Err(Error::Unexpected {
                        path: path.clone(),
                        found: format!("{other:?} from SQLite's copy of it"),
                        expected: "a whole copy".into(),
                    });
                }
            }
            self.abandon();
            Ok(())
        })
    }

    /// Closes the file without folding its log into it, as the file is no longer ours.
    pub(crate) fn abandon(self) {
        // If SQLite refuses, the log is brought in, which loses nothing either.
        let _ = self
            .conn
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}
