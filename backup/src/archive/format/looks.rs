//! `looks.json`: when each stored file was last read back whole, and what was seen. Where it cannot be read, nothing was.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::archive::format::manifest::Object;
use crate::archive::format::seal;
use crate::archive::place::interface::{Found, Place};
use crate::error::Result;

const FILE: &str = "looks.json";
const KIND: &str = "qsys-agent looks";
const FORMAT: u32 = 1;
/// A century of days stays far below this.
const LARGEST: u64 = 64 << 20;

/// What is known of the stored files from reading them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Looks {
    kind: String,
    format: u32,
    files: BTreeMap<String, Look>,
}

/// One reading of one stored file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Look {
    read_at_ms: i64,
    /// What the file had to be.
    sha256: String,
    /// Size and time of the file that was read: another one was not.
    bytes: u64,
    modified_ns: i64,
    /// What was wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

/// What was seen when a stored file was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// It was never read, or was written since.
    Never,
    /// It was whole at this moment, Unix milliseconds.
    Whole(i64),
    /// It was damaged: what was found.
    Damaged(&'a str),
}

impl Default for Looks {
    fn default() -> Looks {
        Looks {
            kind: KIND.into(),
            format: FORMAT,
            files: BTreeMap::new(),
        }
    }
}

impl Looks {
    pub(crate) fn read(place: &dyn Place) -> Looks {
        let parse = |bytes: Vec<u8>| {
            let sealed = seal::is_true(&bytes);
            sealed.then(|| serde_json::from_slice::<Looks>(&bytes).ok())?
        };
        let looks = place.get_small(FILE, LARGEST).ok().and_then(parse);
        looks
            .filter(|looks| looks.kind == KIND && looks.format == FORMAT)
            .unwrap_or_default()
    }

    /// Replaces what was written. The caller holds the archive for writing.
    pub(crate) fn write(&self, place: &dyn Place) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self).expect("plain data");
        // The object's closing brace moves behind the seal.
        text.truncate(text.len() - 2);
        place.put(FILE, &seal::put_on(&text))
    }

    /// What was seen of a file that is the object of a backup.
    pub(crate) fn of(&self, place: &dyn Place, object: &Object) -> Seen<'_> {
        let Some(look) = self.files.get(&object.file) else {
            return Seen::Never;
        };
        let of_this = |found: Found| {
            (found.bytes, found.modified_ns) == (look.bytes, look.modified_ns)
                && look.sha256 == object.sha256
        };
        match (place.look(&object.file), &look.damage) {
            (Ok(Some(found)), None) if of_this(found) => Seen::Whole(look.read_at_ms),
            (Ok(Some(found)), Some(damage)) if of_this(found) => Seen::Damaged(damage),
            _ => Seen::Never,
        }
    }

    /// Remembers a reading of an object. `found` is its file as it was before it was read.
    pub(crate) fn note(
        &mut self,
        object: &Object,
        found: Found,
        read_at_ms: i64,
        damage: Option<String>,
    ) {
        let look = Look {
            read_at_ms,
            sha256: object.sha256.clone(),
            bytes: found.bytes,
            modified_ns: found.modified_ns,
            damage,
        };
        self.files.insert(object.file.clone(), look);
    }

    /// Takes over all that another list knows.
    pub(crate) fn add(&mut self, other: Looks) {
        self.files.extend(other.files);
    }

    /// Forgets files that no backup names any more.
    pub(crate) fn keep_only(&mut self, named: &HashSet<&str>) {
        self.files.retain(|file, _| named.contains(file.as_str()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::place::memory::Memory;

    fn object() -> Object {
        Object {
            file: "days/a.db.gz".into(),
            bytes: 3,
            sha256: "aa".into(),
            raw_bytes: 9,
            raw_sha256: "bb".into(),
        }
    }

    #[test]
    fn a_look_is_kept_until_the_file_is_written_again() {
        let place = Memory::default();
        let object = object();
        place.put(&object.file, b"abc").unwrap();
        let found = || place.look(&object.file).unwrap().unwrap();
        let mut looks = Looks::read(&place);
        assert_eq!(looks.of(&place, &object), Seen::Never);
        looks.note(&object, found(), 7, None);
        looks.write(&place).unwrap();
        let looks = Looks::read(&place);
        assert_eq!(looks.of(&place, &object), Seen::Whole(7));
        // Another content was not seen, whatever the name.
        let other = Object {
            sha256: "cc".into(),
            ..object.clone()
        };
        assert_eq!(looks.of(&place, &other), Seen::Never);

        let mut looks = looks;
        looks.note(&object, found(), 8, Some("altered".into()));
        assert_eq!(looks.of(&place, &object), Seen::Damaged("altered"));
        place.put(&object.file, b"abcd").unwrap();
        assert_eq!(looks.of(&place, &object), Seen::Never);
    }

    #[test]
    fn what_is_no_list_of_looks_means_that_nothing_was_read() {
        let place = Memory::default();
        for text in ["", "{", "[]", r#"{"kind":"qsys-agent looks"}"#] {
            place.put(FILE, text.as_bytes()).unwrap();
            assert!(Looks::read(&place).is_empty(), "{text}");
        }
        let object = object();
        place.put(&object.file, b"abc").unwrap();
        let found = place.look(&object.file).unwrap().unwrap();
        let mut looks = Looks::default();
        looks.note(&object, found, 7, None);
        looks.write(&place).unwrap();
        let written = place.get_small(FILE, LARGEST).unwrap();
        assert!(!Looks::read(&place).is_empty());
        for byte in 0..written.len() {
            let mut altered = written.clone();
            altered[byte] ^= 1;
            place.put(FILE, &altered).unwrap();
            assert!(Looks::read(&place).is_empty(), "byte {byte}");
        }
    }
}
