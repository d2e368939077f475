//! Databases named as URIs, which is how SQLite takes options for opening one.

use std::path::Path;

use rusqlite::Connection;

/// The file alone, whatever lies beside it: nothing is written and no lock is taken.
pub(crate) fn immutable(path: &Path) -> String {
    format!("file:{}?immutable=1", escaped(path))
}

/// The database with its companions.
pub(crate) fn plain(path: &Path) -> String {
    format!("file:{}", escaped(path))
}

/// Attaches a database for reading under a name.
pub(crate) fn attach(conn: &Connection, path: &Path, name: &str) -> rusqlite::Result<()> {
    let sql = format!("ATTACH ?1 AS {name}");
    conn.execute(&sql, [format!("file:{}?mode=ro", escaped(path))])
        .map(drop)
}

fn escaped(path: &Path) -> String {
    let mut uri = String::new();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(byte as char)
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
