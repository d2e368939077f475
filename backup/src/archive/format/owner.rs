//! `archive.json`: which archive this is, whose record it holds, and who writes it.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::archive::place::interface::Place;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::identity::{StoreId, as_id, random_id};

/// The file's name in the archive.
pub(crate) const FILE: &str = "archive.json";
const KIND: &str = "qsys-agent archive";
const FORMAT: u32 = 2;
/// It names a few things.
const LARGEST: u64 = 1 << 20;

/// The identity of an archive: 128 random bits, as 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArchiveId(String);

/// Who writes an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Writer {
    pub(crate) machine: String,
    /// The store's absolute path there.
    pub(crate) path: String,
}

/// One run of shipping, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// 128 random bits, as 32 hexadecimal digits.
    pub(crate) id: String,
    /// One more than that of the session before.
    pub(crate) number: u64,
    /// When it began, Unix ms.
    pub(crate) since_ms: i64,
}

/// What `archive.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) archive: ArchiveId,
    pub(crate) store: StoreId,
    pub(crate) writer: Writer,
    /// Who ships; `None` where nobody has yet.
    pub(crate) session: Option<Session>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    kind: String,
    format: u32,
    archive: ArchiveId,
    store: StoreId,
    writer: Writer,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<Session>,
}

impl ArchiveId {
    pub(crate) fn random() -> Result<ArchiveId> {
        random_id().map(ArchiveId)
    }
}

impl TryFrom<String> for ArchiveId {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<ArchiveId, String> {
        as_id(text).map(ArchiveId)
    }
}

impl From<ArchiveId> for String {
    fn from(id: ArchiveId) -> String {
        id.0
    }
}

impl fmt::Display for ArchiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Session {
    /// The one after `before`.
    pub(crate) fn after(before: Option<&Session>, now_ms: i64) -> Result<Session> {
        Ok(Session {
            id: random_id()?,
            number: before.map_or(0, |before| before.number).saturating_add(1),
            since_ms: now_ms,
        })
    }
}

impl Writer {
    /// This machine, with a store that it holds.
    pub(crate) fn here(store: &Path) -> Result<Writer> {
        let path = store
            .canonicalize()
            .or_else(|_| std::path::absolute(store))
            .map_err(Error::io(store, "find its absolute path"))?;
        Ok(Writer {
            machine: machine(),
            path: path.to_string_lossy().into_owned(),
        })
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on machine {}", self.path, self.machine)
    }
}

/// The machine's id; where it has none, its name.
fn machine() -> String {
    let named = ["/etc/machine-id", "/proc/sys/kernel/hostname"].into_iter();
    let mut found = named.filter_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    });
    found.next().unwrap_or_else(|| "unknown".into())
}

/// Reads what an archive says of itself; `None` where it says nothing.
///
/// # Errors
/// [`Error::Found`] where the file says something that cannot be read; otherwise when it cannot be looked at, or a newer
/// program wrote it.
pub(crate) fn read(place: &dyn Place) -> Result<Option<Owner>> {
    let path = place.path(FILE);
    let bytes = match place.get_small(FILE, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path, "read whose archive it is")(error)),
    };
    let document: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| altered(&path, error.to_string()))?;
    let format = document.get("format").and_then(serde_json::Value::as_u64);
    let ours = document.get("kind").and_then(|kind| kind.as_str()) == Some(KIND);
    match format {
        Some(format) if ours && format > u64::from(FORMAT) => {
            return Err(Error::Unreadable {
                path,
                found: format!("format {format}"),
                expected: format!("at most {FORMAT}; use the newer program that wrote it"),
            });
        }
        Some(format) if ours && format == u64::from(FORMAT) => {}
        _ => return Err(altered(&path, "JSON of another kind".into())),
    }
    let document: Document =
        serde_json::from_value(document).map_err(|error| altered(&path, error.to_string()))?;
    Ok(Some(Owner {
        archive: document.archive,
        store: document.store,
        writer: document.writer,
        session: document.session,
    }))
}

/// Writes it, whole.
pub(crate) fn write(place: &dyn Place, owner: &Owner) -> Result<()> {
    let document = Document {
        kind: KIND.into(),
        format: FORMAT,
        archive: owner.archive.clone(),
        store: owner.store.clone(),
        writer: owner.writer.clone(),
        session: owner.session.clone(),
    };
    let mut text = serde_json::to_vec_pretty(&document).expect("plain data");
    text.push(b'\n');
    place.put(FILE, &text)
}

fn altered(path: &Path, found: String) -> Error {
    Finding::new(path, "altered")
        .expected("whose archive it is, as the agent wrote it")
        .found(found)
        .hint("the next backup writes it anew from the backups beside it")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::place::memory::Memory;
    use crate::store::identity::Identity;

    #[test]
    fn an_archive_says_what_was_written() {
        let place = Memory::default();
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&place).unwrap(), None);
        let owner = Owner {
            archive: ArchiveId::random().unwrap(),
            store: Identity::of(dir.path(), 1).unwrap().store,
            writer: Writer::here(dir.path()).unwrap(),
            session: None,
        };
        write(&place, &owner).unwrap();
        assert_eq!(read(&place).unwrap(), Some(owner.clone()));
        let session = Some(Session::after(None, 7).unwrap());
        let shipped = Owner { session, ..owner };
        write(&place, &shipped).unwrap();
        let owner = read(&place).unwrap().unwrap();
        assert_eq!(owner, shipped);
        let next = Session::after(owner.session.as_ref(), 8).unwrap();
        assert_eq!(next.number, 2);
        assert!(Path::new(&owner.writer.path).is_absolute());
        assert_ne!(owner.writer.machine, "");
        for bytes in [
            &b"{}"[..],
            b"",
            b"[1]",
            b"{\"kind\": \"qsys-agent archive\"}",
        ] {
            place.put(FILE, bytes).unwrap();
            assert!(matches!(read(&place), Err(Error::Found(_))));
        }
    }
}
