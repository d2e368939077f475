//! The manifest: the one file that makes stored objects a backup. Its format is told in `FORMAT.md`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::archive::format::owner::ArchiveId;
use crate::archive::format::seal;
use crate::archive::place::interface::Place;
use crate::digest::sha256;
use crate::finding::Finding;
use crate::found;
use crate::irregular;
use crate::store::id::EventId;
use crate::store::identity::{Identity, Lineage, LineageId, StoreId};
use crate::store::row_digest::RowDigest;
use crate::store::state_digest::StateDigest;
use crate::store::stretches::Stretch;

/// The manifest format this program writes, and the newest it reads.
pub(crate) const FORMAT: u32 = 2;
/// The oldest one it reads; in it no backup says whose it is.
const OLDEST: u32 = 1;
/// Marks the file as ours, so that a newer format is told from a foreign file.
const KIND: &str = "qsys-agent backup";
/// Where compressed day files lie in the archive.
pub(crate) const DAYS: &str = "days";
/// Where copies of settings files lie.
pub(crate) const SETTINGS: &str = "settings";
/// A manifest lists days and settings files; even a century of days stays far below this.
const LARGEST: u64 = 64 << 20;

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) kind: String,
    pub(crate) format: u32,
    pub(crate) id: String,
    /// The archive that it was made in. This and the next three are absent in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<ArchiveId>,
    /// The store whose record it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<StoreId>,
    /// The history of that store that it was made in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lineage: Option<LineageId>,
    /// That history, and before it those that led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lineages: Vec<Lineage>,
    /// RFC 3339, UTC, for people; `created_at_ms` counts.
    pub(crate) created_at: String,
    pub(crate) created_at_ms: i64,
    /// Rises by one with each backup of an archive, whatever the clock does.
    pub(crate) sequence: u64,
    pub(crate) previous: Option<Link>,
    pub(crate) program: String,
    pub(crate) sqlite: String,
    pub(crate) events: u64,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    /// The recorder's word when the backup began: everything that happened up to here is in this backup, save in gaps.
    pub(crate) covers_to_ms: i64,
    /// Nothing was recorded any more when the backup began: since when, when that was, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open_gap: Option<GapPart>,
    /// Segment files up to this number were begun before the backup.
    #[serde(default)]
    pub(crate) segments_to: u64,
    /// The last record of the segments when the backup was made. Absent in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shipped: Option<Shipped>,
    pub(crate) days: Vec<DayPart>,
    pub(crate) settings: Vec<SettingsPart>,
}

/// How far the chain of records had come: 0 and zeros before the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shipped {
    pub(crate) number: u64,
    /// First 32 digits of the record's SHA-256.
    pub(crate) mark: String,
    /// Size of the file `segments_to`.
    #[serde(default)]
    pub(crate) bytes: u64,
}

/// The backup made before, with the hash of its manifest's bytes: the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) sha256: String,
}

/// One day of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DayPart {
    /// `YYYY-MM-DD`, UTC.
    pub(crate) day: String,
    /// False for the day that was still being recorded.
    pub(crate) sealed: bool,
    #[serde(flatten)]
    pub(crate) object: Object,
    pub(crate) events: u64,
    pub(crate) from_id: Option<i64>,
    pub(crate) to_id: Option<i64>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    /// What the day gained since `object` was stored, in order; each is a day file of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deltas: Vec<Delta>,
    /// Over the meaning of all changes. Absent where an older program archived the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<RowDigest>,
    /// Spans in which changes may have been missed, as recorded in this day's file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) gaps: Vec<GapPart>,
    /// How often rows had been edited by hand when the day was archived, as the day file counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edits: Option<i64>,
    /// Runs of events in which nobody set the wall clock back; absent where it was not looked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stretches: Option<Vec<Stretch>>,
    /// The recorder's own digest of the state of all controls in this day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<StateDigest>,
    /// Size and time of the live file when it was read, to recognise it without reading it. Absent where it was still
    /// changing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Source>,
}

/// A later part of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delta {
    #[serde(flatten)]
    pub(crate) object: Object,
    /// The last event before it.
    pub(crate) after_id: i64,
    pub(crate) to_id: Option<i64>,
    pub(crate) events: u64,
}

/// A stored file and what it inflates to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// Path in the archive, with `/`.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) raw_bytes: u64,
    pub(crate) raw_sha256: String,
}

/// A recorded gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GapPart {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) why: String,
}

/// Size and time of a live file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) bytes: u64,
    pub(crate) modified_ns: i64,
    pub(crate) inode: u64,
}

/// A copied settings file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingsPart {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// The keys whose values were secrets and are not in the copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<String>,
}

impl Manifest {
    pub(crate) fn kind() -> String {
        KIND.into()
    }

    /// `backup-<id>.json`.
    pub(crate) fn file_name(id: &str) -> String {
        format!("backup-{id}.json")
    }

    /// The id in a manifest's file name.
    pub(crate) fn id_of(name: &str) -> Option<&str> {
        let id = name.strip_prefix("backup-")?.strip_suffix(".json")?;
        (!id.is_empty() && !id.contains('.')).then_some(id)
    }

    /// The file's bytes: JSON whose last member is the SHA-256 of all bytes before that member's line.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        // The object's closing brace moves behind the seal.
        text.truncate(text.len() - 2);
        seal::put_on(&text)
    }

    /// Whose record it is, where it says so.
    pub(crate) fn identity(&self) -> Option<Identity> {
        Some(Identity {
            store: self.store.clone()?,
            lineages: self.lineages.clone(),
            took_over: None,
        })
    }

    /// Whether it is a store's, which is so as well where nothing says whose it is.
    pub(crate) fn is_of(&self, store: Option<&StoreId>) -> bool {
        self.store.is_none() || store.is_none() || self.store.as_ref() == store
    }

    /// Whether it was made in a history that led to what a store holds now.
    pub(crate) fn led_to(&self, present: Option<&Identity>) -> bool {
        match (&self.store, self.lineage, present) {
            (None, ..) => true,
            (Some(store), Some(lineage), Some(present)) => {
                *store == present.store && present.has(lineage)
            }
            _ => false,
        }
    }

    /// Every object and settings file this backup needs: path and stored size.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        let days = self
            .days
            .iter()
            .flat_map(DayPart::objects)
            .map(|object| (object.file.as_str(), object.bytes));
        let settings = self
            .settings
            .iter()
            .map(|part| (part.file.as_str(), part.bytes));
        days.chain(settings)
    }
}

impl Manifest {
    /// Names a number that no backup can have. Without such numbers no sum or difference overflows.
    fn absurdity(&self) -> Option<String> {
        const MOST: u64 = 1 << 52;
        let days = self.days.iter().flat_map(|day| {
            let stored = day.objects().flat_map(|part| [part.bytes, part.raw_bytes]);
            let later = day.deltas.iter().map(|delta| delta.events);
            stored.chain(later).chain([day.events])
        });
        let settings = self.settings.iter().map(|part| part.bytes);
        let own = [self.events, self.sequence, self.segments_to];
        let numbers: Vec<u64> = own.into_iter().chain(days).chain(settings).collect();
        let sum = numbers
            .iter()
            .try_fold(0u64, |sum, number| sum.checked_add(*number));
        if sum.is_none_or(|sum| sum > MOST) {
            let largest = numbers.iter().max().copied().unwrap_or(0);
            return Some(format!("numbers up to {largest}"));
        }
        let span = [self.created_at_ms, self.covers_to_ms].into_iter();
        let bounds = [self.from_ms, self.to_ms].into_iter();
        let open = self.open_gap.iter();
        let open = open.flat_map(|gap| [gap.from_ms, gap.to_ms]);
        let times = self.days.iter().flat_map(|day| {
            let gaps = day.gaps.iter().flat_map(|gap| [gap.from_ms, gap.to_ms]);
            let runs = day.stretches.iter().flatten();
            let runs = runs.flat_map(|run| {
                let ids = [run.first, run.last].map(|id| EventId(id).ms());
                ids.into_iter().chain([run.low_ms, run.high_ms])
            });
            gaps.chain(runs)
                .chain([day.from_ms, day.to_ms].into_iter().flatten())
        });
        let mut all = span.chain(bounds.flatten()).chain(open).chain(times);
        let wrong = all.find(|ms| !(-EventId::MAX_MS..=EventId::MAX_MS).contains(ms));
        wrong.map(|ms| format!("the time {ms} ms"))
    }
}

impl DayPart {
    /// The stored files of the day: the whole copy first, then what came later.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Object> {
        std::iter::once(&self.object).chain(self.deltas.iter().map(|delta| &delta.object))
    }

    /// What each stored file must hold: events and the last id.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&Object, u64, Option<i64>)> {
        let later: u64 = self.deltas.iter().map(|delta| delta.events).sum();
        let base_to = self
            .deltas
            .first()
            .map_or(self.to_id, |delta| Some(delta.after_id));
        std::iter::once((&self.object, self.events.saturating_sub(later), base_to)).chain(
            self.deltas
                .iter()
                .map(|delta| (&delta.object, delta.events, delta.to_id)),
        )
    }

    /// Bytes of the day when it is whole again.
    pub(crate) fn raw_bytes(&self) -> u64 {
        self.objects().map(|object| object.raw_bytes).sum()
    }
}

/// Reads and checks a manifest; gives it with the SHA-256 of its file.
pub(crate) fn read(place: &dyn Place, name: &str) -> Result<(Manifest, String), Finding> {
    let path = place.path(name);
    let bytes = place
        .get_small(name, LARGEST)
        .map_err(|error| unreadable(&path, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(foreign(&path, format!("more than {LARGEST} bytes")));
    }
    let manifest = parse(&path, &bytes)?;
    Ok((manifest, sha256(&bytes)))
}

pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, Finding> {
    if bytes.is_empty() {
        return Err(Finding::new(path, "cut short")
            .expected("a manifest")
            .found("an empty file")
            .hint("use another backup; this one was never finished or was truncated"));
    }
    let sealed = seal::is_true(bytes);
    let document: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| {
        let problem = if error.is_eof() {
            "cut short"
        } else {
            "altered"
        };
        Finding::new(path, problem)
            .expected("a manifest in JSON")
            .found(format!("{} bytes that are no JSON ({error})", bytes.len()))
            .hint("bring this file back from a copy of the archive, or use another backup")
    })?;
    if document.get("kind").and_then(|kind| kind.as_str()) != Some(KIND) {
        return Err(foreign(path, "JSON of another kind".into()));
    }
    match document.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if (u64::from(OLDEST)..=u64::from(FORMAT)).contains(&format) => {}
        Some(format) if format > u64::from(FORMAT) => {
            return Err(Finding::new(path, "newer format")
                .expected(format!("format {FORMAT} or older"))
                .found(format!("format {format}"))
                .hint("read this backup with the newer program that wrote it"));
        }
        other => {
            return Err(Finding::new(path, "unknown format")
                .expected(format!("format {OLDEST} to {FORMAT}"))
                .found(other.map_or("none".into(), |format| format!("format {format}")))
                .hint("bring this file back from a copy of the archive"));
        }
    }
    if !sealed {
        return Err(Finding::new(path, "altered")
            .expected("the seal of its own content")
            .found("another content than was sealed")
            .hint("bring this file back from a copy of the archive, or use another backup"));
    }
    let unlike = |found: String| {
        Finding::new(path, "not a manifest")
            .expected("the members of its format")
            .found(found)
            .hint("bring this file back from a copy of the archive")
    };
    let manifest: Manifest = serde_json::from_value(document)
        .map_err(|error| unlike(format!("other members ({error})")))?;
    let last = manifest.lineages.last().map(|last| last.id);
    let said = manifest.archive.is_some() && manifest.store.is_some() && last.is_some();
    let belongs = said && last == manifest.lineage && manifest.shipped.is_some();
    if manifest.format > OLDEST && !belongs {
        return Err(unlike("no word of whose record it is".into()));
    }
    let name = path.file_name().and_then(|name| name.to_str());
    if name != Some(&Manifest::file_name(&manifest.id)) {
        return Err(Finding::new(path, "swapped")
            .expected(format!(
                "the manifest {}",
                Manifest::file_name(&manifest.id)
            ))
            .found(format!(
                "a file of another name with the id {}",
                manifest.id
            ))
            .hint("give the file its own name back"));
    }
    if let Some((file, _)) = manifest.files().find(|(file, _)| !is_inside(file)) {
        return Err(Finding::new(path, "altered")
            .expected("files inside the archive")
            .found(format!("the path {file:?}"))
            .hint("do not use this backup"));
    }
    if let Some(absurd) = manifest.absurdity() {
        return Err(Finding::new(path, "altered")
            .expected("numbers and times that a backup can have")
            .found(absurd)
            .hint("do not use this backup"));
    }
    Ok(manifest)
}

/// A path that names something below the archive's folder and nothing else.
fn is_inside(file: &str) -> bool {
    let mut parts = file.split('/');
    let folder = parts.next();
    let name = parts.next();
    parts.next().is_none()
        && matches!(folder, Some(DAYS | SETTINGS))
        && name
            .is_some_and(|name| !name.is_empty() && !name.starts_with('.') && !name.contains('\0'))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Finding {
    if let Some(finding) = irregular::finding(path, error) {
        return finding;
    }
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    Finding::new(path, if missing { "missing" } else { "unreadable" })
        .expected("a manifest")
        .found(found::by_system(error))
        .hint(if missing {
            "list the backups to see which there are"
        } else {
            "check the disk, owner and permissions"
        })
}

fn foreign(path: &Path, found: String) -> Finding {
    Finding::new(path, "not a manifest")
        .expected("a manifest of this archive")
        .found(found)
        .hint("move the file out of the archive folder")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Manifest {
        Manifest {
            kind: Manifest::kind(),
            format: FORMAT,
            id: "a".into(),
            archive: Some("a".repeat(32).try_into().unwrap()),
            store: Some("b".repeat(32).try_into().unwrap()),
            lineage: Some(LineageId(7)),
            lineages: vec![Lineage {
                id: LineageId(7),
                begun_ms: 1,
                left: None,
                beside: Vec::new(),
            }],
            created_at: "2026-01-01T00:00:00Z".into(),
            created_at_ms: 1,
            sequence: 1,
            previous: None,
            program: "0".into(),
            sqlite: "3".into(),
            events: 5,
            from_ms: Some(1),
            to_ms: Some(2),
            covers_to_ms: 3,
            open_gap: None,
            segments_to: 0,
            shipped: Some(Shipped {
                number: 0,
                mark: "0".repeat(32),
                bytes: 0,
            }),
            days: Vec::new(),
            settings: Vec::new(),
        }
    }

    #[test]
    fn a_manifest_comes_back_as_it_was_written() {
        let path = Path::new("backup-a.json");
        assert_eq!(parse(path, &sample().to_bytes()).unwrap(), sample());
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut newer = sample();
        newer.format = FORMAT + 1;
        let finding = parse(Path::new("backup-a.json"), &newer.to_bytes()).unwrap_err();
        assert_eq!(finding.problem, "newer format");
    }

    #[test]
    fn paths_that_leave_the_archive_are_refused() {
        for path in ["days/x", "settings/y"] {
            assert!(is_inside(path), "{path}");
        }
        for path in [
            "/days/x",
            "days/../x",
            "days/",
            "x",
            "days/.x",
            "../days/x",
            "days/a/b",
        ] {
            assert!(!is_inside(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_always_found(place: usize, byte: u8) {
            let mut bytes = sample().to_bytes();
            let place = place % bytes.len();
            prop_assume!(bytes[place] != byte);
            bytes[place] = byte;
            prop_assert!(parse(Path::new("backup-a.json"), &bytes).is_err());
        }

        #[test]
        fn any_bytes_at_all_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            prop_assert!(parse(Path::new("backup-a.json"), &bytes).is_err());
        }
    }
}
