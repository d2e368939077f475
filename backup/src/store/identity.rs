//! Whose record a store is, and which of its histories: a random id, and a lineage that begins anew with each break.
//!
//! `store.json` in the store's folder holds both. As PostgreSQL's timelines do, a lineage names the one that it left,
//! and where.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use crate::digest::hex;
use crate::disk::draft;
use crate::error::{Error, Result};

/// The file's name in the store's folder.
pub(crate) const FILE: &str = "store.json";
const KIND: &str = "qsys-agent store";
const FORMAT: u32 = 1;
/// Lineages come with restores; even one a minute for years stays below this.
const LARGEST: u64 = 64 << 20;

/// The identity of a store: 128 random bits, as 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreId(String);

/// The identity of one history of a store: 64 random bits, as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct LineageId(pub(crate) u64);

/// One history of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lineage {
    pub(crate) id: LineageId,
    /// When it began, Unix milliseconds by the clock of then.
    pub(crate) begun_ms: i64,
    /// The history that it left. None: the store began with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<Left>,
    /// Histories of the same store that the archive held then, and that did not lead to this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) beside: Vec<LineageId>,
}

/// Where a history left another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) lineage: LineageId,
    /// The last event of the other that it still has; -1: none, or unknown.
    pub(crate) after: i64,
    /// What ended the other, in a few words.
    pub(crate) why: String,
}

/// A store's id with all its histories, the present one last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) store: StoreId,
    pub(crate) lineages: Vec<Lineage>,
    /// Other stores whose day files are this one's, too. `None`: not said yet, and every file counts.
    pub(crate) took_over: Option<Vec<StoreId>>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    kind: String,
    format: u32,
    store: StoreId,
    lineages: Vec<Lineage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took_over: Option<Vec<StoreId>>,
}

/// 128 random bits as 32 hexadecimal digits.
pub(crate) fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The text again, if it is one that [`random_id`] can give.
pub(crate) fn as_id(text: String) -> std::result::Result<String, String> {
    let right = text.len() == 32 && text.bytes().all(is_lower_hex);
    if right {
        Ok(text)
    } else {
        Err(format!("found {text:?}, expected 32 hexadecimal digits"))
    }
}

impl TryFrom<String> for StoreId {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<StoreId, String> {
        as_id(text).map(StoreId)
    }
}

impl From<StoreId> for String {
    fn from(id: StoreId) -> String {
        id.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LineageId {
    pub(crate) fn random() -> Result<LineageId> {
        let mut bytes = [0; 8];
        fill(&mut bytes)?;
        Ok(LineageId(u64::from_le_bytes(bytes)))
    }
}

impl TryFrom<String> for LineageId {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<LineageId, String> {
        let right = text.len() == 16 && text.bytes().all(is_lower_hex);
        u64::from_str_radix(&text, 16)
            .ok()
            .filter(|_| right)
            .map(LineageId)
            .ok_or_else(|| format!("found {text:?}, expected 16 hexadecimal digits"))
    }
}

impl From<LineageId> for String {
    fn from(id: LineageId) -> String {
        id.to_string()
    }
}

impl fmt::Display for LineageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()).map_err(
            |error| Error::io(Path::new("getrandom"), "draw random bytes")(error.into()),
        )?;
    }
    Ok(())
}

impl Lineage {
    fn first(now_ms: i64) -> Result<Lineage> {
        Ok(Lineage {
            id: LineageId::random()?,
            begun_ms: now_ms,
            left: None,
            beside: Vec::new(),
        })
    }
}

impl Identity {
    /// A store that nobody has recorded into.
    fn fresh(now_ms: i64) -> Result<Identity> {
        Ok(Identity {
            store: StoreId(random_id()?),
            lineages: vec![Lineage::first(now_ms)?],
            took_over: None,
        })
    }

    /// The history that is recorded now.
    pub(crate) fn present(&self) -> LineageId {
        self.lineages.last().map_or(LineageId(0), |last| last.id)
    }

    /// Why the present history began; `None` where the store began with it.
    pub(crate) fn why(&self) -> Option<&str> {
        let left = self.lineages.last()?.left.as_ref();
        left.map(|left| left.why.as_str())
    }

    /// Whether a history is the present one or one that led to it.
    pub(crate) fn has(&self, lineage: LineageId) -> bool {
        self.lineages.iter().any(|known| known.id == lineage)
    }

    /// Whether a day file of a store is this one's.
    pub(crate) fn owns(&self, store: &StoreId) -> bool {
        let taken = self.took_over.as_ref();
        *store == self.store || taken.is_none_or(|taken| taken.contains(store))
    }

    /// The same in the folder of another store, whose days may stay in it.
    pub(crate) fn taking_over(mut self, other: &Identity) -> Identity {
        let mut taken = self.took_over.take().unwrap_or_default();
        let others = other.took_over.iter().flatten().chain([&other.store]);
        for store in others.filter(|it| **it != self.store) {
            if !taken.contains(store) {
                taken.push(store.clone());
            }
        }
        self.took_over = Some(taken);
        self
    }

    /// Whether a history is one of the store's, or known to stand beside them.
    pub(crate) fn knows(&self, lineage: LineageId) -> bool {
        let mut beside = self.lineages.iter().flat_map(|known| &known.beside);
        self.has(lineage) || beside.any(|known| *known == lineage)
    }

    /// Reads what a store's folder says; `None` where it says nothing yet.
    ///
    /// # Errors
    /// When the file cannot be read or says something else.
    pub(crate) fn read(store: &Path) -> Result<Option<Identity>> {
        let path = store.join(FILE);
        let bytes = match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Ok(meta) if meta.len() > LARGEST => {
                return Err(altered(path, format!("{} bytes", meta.len())));
            }
            _ => fs::read(&path).map_err(Error::io(&path, "read whose record it is"))?,
        };
        let document: Document = serde_json::from_slice(&bytes)
            .map_err(|error| altered(path.clone(), error.to_string()))?;
        if document.kind != KIND || document.format == 0 || document.lineages.is_empty() {
            return Err(altered(path, "JSON of another kind".into()));
        }
        if document.format > FORMAT {
            return Err(Error::Unreadable {
                path,
                found: format!("format {}", document.format),
                expected: format!("at most {FORMAT}; use the newer program that wrote it"),
            });
        }
        Ok(Some(Identity {
            store: document.store,
            lineages: document.lineages,
            took_over: document.took_over,
        }))
    }

    /// Whose record a day file is, as its last writer noted.
    pub(crate) fn noted_in(conn: &Connection) -> rusqlite::Result<Option<Identity>> {
        let note = |key: &str| {
            let sql = "SELECT value FROM meta WHERE key = ?1 AND typeof(value) = 'text'";
            let found = conn.query_row(sql, [key], |row| row.get::<_, String>(0));
            found.optional()
        };
        let store = note("store")?.and_then(|text| StoreId::try_from(text).ok());
        let lineage = note("lineage")?.and_then(|text| LineageId::try_from(text).ok());
        Ok(store.map(|store| Identity {
            store,
            lineages: vec![Lineage {
                id: lineage.unwrap_or(LineageId(0)),
                begun_ms: 0,
                left: None,
                beside: Vec::new(),
            }],
            took_over: None,
        }))
    }

    /// Writes it into a store's folder, whole.
    pub(crate) fn write(&self, store: &Path) -> Result<()> {
        let document = Document {
            kind: KIND.into(),
            format: FORMAT,
            store: self.store.clone(),
            lineages: self.lineages.clone(),
            took_over: self.took_over.clone(),
        };
        let mut text = serde_json::to_vec_pretty(&document).expect("plain data");
        text.push(b'\n');
        draft::write_whole(store, FILE, &text).map(drop)
    }

    /// What a store's folder says, or what it says from now on. A file that says nothing that can be read is set aside.
    pub(crate) fn of(store: &Path, now_ms: i64) -> Result<Identity> {
        if let Some(identity) = Identity::readable(store, now_ms)? {
            return Ok(identity);
        }
        let identity = Identity::fresh(now_ms)?;
        identity.write(store)?;
        Ok(identity)
    }

    /// What a store's folder says; a file that says nothing that can be read is set aside.
    pub(crate) fn readable(store: &Path, now_ms: i64) -> Result<Option<Identity>> {
        match Identity::read(store) {
            Err(error @ Error::Unexpected { .. }) => {
                let path = store.join(FILE);
                let aside = store.join(format!("{FILE}.damaged-{now_ms}"));
                tracing::error!(%error, moved_to = %aside.display(), "the store's identity is lost");
                fs::rename(&path, &aside).map_err(Error::io(&path, "move it aside"))?;
                Ok(None)
            }
            read => read,
        }
    }

    /// A store of which only the archive is left, in a history that says so.
    pub(crate) fn taken_up(
        store: StoreId,
        mut known: Vec<Lineage>,
        after: i64,
        why: &str,
        now_ms: i64,
    ) -> Result<Identity> {
        let left = known.last().map(|last| last.id);
        known.push(Lineage {
            id: LineageId::random()?,
            begun_ms: now_ms,
            left: Some(Left {
                lineage: left.unwrap_or(LineageId(0)),
                after,
                why: why.to_owned(),
            }),
            beside: Vec::new(),
        });
        Ok(Identity {
            store,
            lineages: known,
            took_over: None,
        })
    }

    /// The same with the histories of another time, where it lacks them: both led to what comes next.
    pub(crate) fn with(mut self, other: &Identity) -> Identity {
        let missing = other.lineages.iter().filter(|it| !self.has(it.id));
        let mut lineages: Vec<Lineage> = missing.cloned().collect();
        lineages.append(&mut self.lineages);
        Identity { lineages, ..self }
    }

    /// The same store in another history that leaves the present one.
    pub(crate) fn next(&self, after: i64, why: &str, now_ms: i64) -> Result<Identity> {
        let next = Lineage {
            id: LineageId::random()?,
            begun_ms: now_ms,
            left: Some(Left {
                lineage: self.present(),
                after,
                why: why.to_owned(),
            }),
            beside: Vec::new(),
        };
        let mut identity = self.clone();
        identity.lineages.push(next);
        Ok(identity)
    }

    /// The same, whose present history has others beside it.
    pub(crate) fn beside(mut self, others: Vec<LineageId>) -> Identity {
        if let Some(present) = self.lineages.last_mut() {
            present.beside = others;
        }
        self
    }

    /// Begins another history, written down before anything is taken from the present one.
    pub(crate) fn begin(
        &mut self,
        store: &Path,
        after: i64,
        why: &str,
        now_ms: i64,
    ) -> Result<LineageId> {
        let begun = self.next(after, why, now_ms)?;
        begun.write(store)?;
        *self = begun;
        Ok(self.present())
    }
}

fn altered(path: PathBuf, found: String) -> Error {
    Error::Unexpected {
        path,
        found,
        expected: "whose record the store is, as the agent wrote it".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_keeps_its_id_and_lists_its_histories() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Identity::read(dir.path()).unwrap(), None);
        let mut identity = Identity::of(dir.path(), 5).unwrap();
        let first = identity.present();
        let second = identity.begin(dir.path(), 77, "restore", 9).unwrap();
        assert_ne!(first, second);
        let read = Identity::read(dir.path()).unwrap().unwrap();
        assert_eq!(read, identity);
        assert!(read.has(first) && read.present() == second);
        let left = read.lineages[1].left.as_ref().unwrap();
        assert_eq!((left.lineage, left.after), (first, 77));
        assert_ne!(Identity::fresh(5).unwrap().store, identity.store);
    }

    #[test]
    fn what_says_nothing_is_set_aside_and_what_is_newer_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let old = Identity::of(dir.path(), 1).unwrap();
        fs::write(dir.path().join(FILE), b"{ \"kind\"").unwrap();
        let new = Identity::of(dir.path(), 2).unwrap();
        assert_ne!(old.store, new.store);
        assert!(dir.path().join("store.json.damaged-2").exists());
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        let newer = text.replace("\"format\": 1", "\"format\": 2");
        fs::write(dir.path().join(FILE), &newer).unwrap();
        assert!(matches!(
            Identity::of(dir.path(), 3),
            Err(Error::Unreadable { .. })
        ));
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), newer);
    }
}
