//! Removing undo steps: only what a sound backup holds to the event goes by itself.

use std::path::Path;

use rusqlite::Connection;

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::look::assemble;
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
use crate::disk::{companions, draft, lock, plain, space, uri};
use crate::error::{Error, Result};
use crate::restore::steps::{self, Step};
use crate::restore::swap::finish_locked;
use crate::restore::undo::list;
use crate::store::day::Day;
use crate::store::folder::count_changes;
use crate::store::schema::check_schema;

/// How much undo keeps. The newest step always stays, and one that no sound backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoLimit {
    /// So many steps.
    pub steps: usize,
    /// So much room; `None`: as much as they leave free on their disk.
    pub bytes: Option<u64>,
}

impl Default for UndoLimit {
    fn default() -> UndoLimit {
        UndoLimit {
            steps: 10,
            bytes: None,
        }
    }
}

impl UndoLimit {
    /// Whether so many steps of that size are more than it allows.
    fn is_passed(&self, target: &Path, steps: usize, bytes: u64) -> Result<bool> {
        let room = match self.bytes {
            Some(room) => room,
            None => space::free(target)?,
        };
        Ok(steps > self.steps || bytes > room)
    }
}

/// What the undo steps of a store take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UndoRoom {
    /// How many there are.
    pub steps: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// There are more than the limit says, the newest apart.
    pub passes_limit: bool,
}

/// What the undo steps of a store take, held against a limit.
///
/// # Errors
/// When the store's folder cannot be read.
pub fn undo_room(target: &Path, limit: &UndoLimit) -> Result<UndoRoom> {
    let all = steps::all(target)?;
    let bytes: Result<Vec<u64>> = all.iter().map(|step| step.bytes(target)).collect();
    let bytes = bytes?.iter().sum();
    Ok(UndoRoom {
        steps: all.len() as u64,
        bytes,
        passes_limit: all.len() > 1 && limit.is_passed(target, all.len(), bytes)?,
    })
}

/// What became of the undo steps beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UndoPruned {
    /// The numbers of the steps that went, oldest first.
    pub removed: Vec<u64>,
    /// Those that should go and must not, each with what no sound backup holds.
    pub kept: Vec<(u64, String)>,
}

/// The columns in which an event says all that it is.
const COLUMNS: [&str; 9] = [
    "timestamp",
    "change_group_id",
    "control_path",
    "component_name",
    "control_name",
    "value",
    "string_value",
    "source",
    "position",
];

impl Archive {
    /// Removes the oldest undo steps of a store as long as there are more than the limit says; a step of which not every
    /// event is in a sound backup stays. What is removed was compared with the archived days, read back for it. With
    /// `dry_run` nothing is removed; the report says what would be.
    ///
    /// # Errors
    /// When the store's or the archive's folder cannot be read, or a step cannot be removed.
    pub fn prune_undo(
        &self,
        target: &Path,
        limit: &UndoLimit,
        dry_run: bool,
    ) -> Result<UndoPruned> {
        let mut report = UndoPruned::default();
        if !target.join(steps::STEPS).exists() {
            return Ok(report);
        }
        // A restore that is at work for longer comes here itself.
        let _lock = match lock::restorer(target) {
            Err(Error::Busy { .. }) => return Ok(report),
            lock => lock?,
        };
        if !dry_run {
            finish_locked(target)?;
        }
        let mut all = steps::all(target)?;
        // The newest always stays.
        let mut count = all.len();
        let mut bytes = 0;
        for step in &all {
            bytes += step.bytes(target)?;
        }
        if !all.is_empty() {
            all.remove(0);
        }
        for step in all.iter().rev() {
            if !limit.is_passed(target, count, bytes)? {
                break;
            }
            if let Some(missing) = self.lacks(target, step)? {
                report.kept.push((step.number, missing));
                continue;
            }
            let freed = step.bytes(target)?;
            if !dry_run {
                steps::remove(target, step.number)?;
            }
            report.removed.push(step.number);
            (count, bytes) = (count - 1, bytes - freed);
        }
        Ok(report)
    }

    /// Removes one undo step because somebody asks. Gives what no sound backup holds of it; then the step stays, unless
    /// `anyway`.
    ///
    /// # Errors
    /// When there is no such step, or it cannot be removed.
    pub fn discard_undo(&self, target: &Path, number: u64, anyway: bool) -> Result<Option<String>> {
        let _lock = lock::restorer(target)?;
        finish_locked(target)?;
        let step = list::chosen(target, Some(number))?;
        if !anyway && let Some(missing) = self.lacks(target, &step)? {
            return Ok(Some(missing));
        }
        steps::remove(target, number).map(|()| None)
    }

    /// What no sound backup holds of a step, if anything: the first file that was found, in words.
    fn lacks(&self, target: &Path, step: &Step) -> Result<Option<String>> {
        let _held = self.place.hold(Hold::Read)?;
        let looks = Looks::read(&*self.place);
        let manifests = self.manifests()?;
        let sound: Vec<&Manifest> = manifests
            .iter()
            .map(|(manifest, _)| manifest)
            .filter(|manifest| self.info_by(manifest, &looks).verified)
            .collect();
        let folder = target.join(step.files());
        for name in draft::entries(&folder)? {
            // A log is read with its database.
            if companions::database_of(&name) != name {
                continue;
            }
            let Some(day) = Day::from_file_name(&name) else {
                return Ok(Some(format!("{name}, which is damaged")));
            };
            match self.holds(&folder.join(&name), day, &sound) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(format!("all events of {day}"))),
                Err(error) => return Ok(Some(format!("{day} for certain: {error}"))),
            }
        }
        Ok(None)
    }

    /// Whether one of the backups holds everything that is in a day's file.
    fn holds(&self, kept: &Path, day: Day, sound: &[&Manifest]) -> Result<bool> {
        let name = day.to_string();
        let conn = plain::open_foreign(kept).map_err(Error::sqlite(kept, "open the kept day"))?;
        check_schema(&conn, kept)?;
        let (events, last): (u64, Option<i64>) = count_changes(&conn)
            .and_then(|events| {
                let last = conn.query_row("SELECT max(id) FROM changes", [], |row| row.get(0))?;
                Ok((events, last))
            })
            .map_err(Error::sqlite(kept, "count its events"))?;
        drop(conn);
        let mut looked_at: Vec<&DayPart> = Vec::new();
        let parts = sound.iter().flat_map(|manifest| &manifest.days);
        for part in parts.filter(|part| part.day == name) {
            let may_hold = part.events >= events && part.to_id >= last;
            let alike = |other: &&DayPart| other.objects().eq(part.objects());
            if !may_hold || looked_at.iter().any(alike) {
                continue;
            }
            looked_at.push(part);
            let scratch = self.place.scratch_to_read()?;
            assemble::day(
                &*self.place,
                part,
                None,
                scratch.path(),
                &name,
                &mut |_, _| {},
            )?;
            let archived = scratch.path().join(&name);
            if is_within(kept, &archived).map_err(Error::sqlite(kept, "compare it"))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether each event, gap and quarantined change of a file is in another one.
fn is_within(kept: &Path, archived: &Path) -> rusqlite::Result<bool> {
    let conn = Connection::open_in_memory()?;
    conn.execute_batch("PRAGMA trusted_schema = OFF")?;
    let kept = match companions::belong_to(kept) {
        true => uri::plain(kept),
        false => uri::immutable(kept),
    };
    conn.execute("ATTACH ?1 AS kept", [kept])?;
    conn.execute("ATTACH ?1 AS archived", [uri::immutable(archived)])?;
    let alike = |columns: &[&str]| {
        let pairs = columns.iter().map(|name| format!("k.{name} IS a.{name}"));
        pairs.collect::<Vec<_>>().join(" AND ")
    };
    let gap = ["from_ms", "to_ms", "why"];
    let quarantined = ["at_ms", "series", "value", "string", "reason"];
    for (table, same) in [
        ("events", format!("k.id = a.id AND {}", alike(&COLUMNS))),
        ("gaps", alike(&gap)),
        ("quarantine", alike(&quarantined)),
    ] {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM kept.{table} k
             WHERE NOT EXISTS (SELECT 1 FROM archived.{table} a WHERE {same}))"
        );
        if conn.query_row(&sql, [], |row| row.get(0))? {
            return Ok(false);
        }
    }
    Ok(true)
}
