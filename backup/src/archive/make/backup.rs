//! Making a backup: copy, check, compress, read back, and the manifest last.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use rusqlite::Connection;

use crate::archive::format::gzip::{self, Sizes};
use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{
    self, DAYS, DayPart, Delta, FORMAT, GapPart, Link, Manifest, Object, SETTINGS, SettingsPart,
    Shipped,
};
use crate::archive::format::segment;
use crate::archive::format::stamp::{id_of, rfc3339};
use crate::archive::look::at_rest::at_rest;
use crate::archive::look::contents::{self, Contents};
use crate::archive::look::list::BackupInfo;
use crate::archive::make::claim::Claim;
use crate::archive::make::gained::{self, Gained};
use crate::archive::make::known::Known;
use crate::archive::make::read_back::ReadBack;
use crate::archive::make::settings::{SettingsFile, stored_name, without_secrets};
use crate::archive::make::{chain, covered, unlisted};
use crate::archive::open::Archive;
use crate::archive::place::interface::{Hold, Place, Unseen, parts};
use crate::clock::{Clock as _, SystemClock};
use crate::digest::sha256;
use crate::disk::{companions, copy, plain, space};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::progress::Progress;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::row_digest::{self, RowDigest, Trust};
use crate::store::schema::{open_reader, sqlite_version};
use crate::store::stretches::{self, Stretch, Stretches};
use crate::store::word::Vouched;

/// How hard to press day files. Measured on 1 M events: 7 takes 1.3 times the time and saves 0.6 %, 10 takes 4.5 times and
/// saves 6 %; 8 and 9 save nothing.
const LEVEL: i32 = 6;
/// The same for small files, above all a day's later parts, where time does not matter.
const LEVEL_OF_SMALL: i32 = 10;
/// Up to here a file is small. Each core needs about 9 MiB for a level above 9.
const SMALL: u64 = 4 << 20;

impl Archive {
    /// Makes a verified backup of everything in the store and of the settings files. Flush the recorder first, and pass
    /// its own store, so that the backup covers what the recorder vouches for.
    /// Days that did not change since an earlier backup are shared with it, where its files were read back whole within
    /// the last 7 days; others are read back first, and what is damaged is stored anew. Every new object is read back
    /// from the archive and checked before the manifest names it; until then the backup does not exist.
    ///
    /// Blocking: for a thread that may block. Runs beside a recorder.
    ///
    /// # Errors
    /// When the store is empty or damaged, the disk has too little room, or a file cannot be read or written.
    /// Backups made before stay as they are.
    pub fn backup(
        &self,
        store: &Store,
        settings: &[SettingsFile],
        progress: &dyn Progress,
    ) -> Result<BackupInfo> {
        self.make(store, settings, progress).map_err(space::told)
    }

    fn make(
        &self,
        store: &Store,
        settings: &[SettingsFile],
        progress: &dyn Progress,
    ) -> Result<BackupInfo> {
        let _held = self.place.hold(Hold::Write)?;
        let claim = self.together(store, self.claim_to_back_up(store.dir())?)?;
        self.clean()?;
        self.note_what_is_known()?;
        // What is committed before now is copied below.
        let vouched = store.vouched()?;
        let begun_ms = SystemClock.now_ms();
        let segments_to = segment::files(&*self.place)?
            .last()
            .map_or(0, |(last, _)| *last);
        let last = self.place.look(&segment::file_name(segments_to));
        let shipped = Shipped {
            bytes: last.ok().flatten().map_or(0, |found| found.bytes),
            ..chain::end(&*self.place)?
        };
        let days = store.days()?;
        let Some(&newest) = days.last() else {
            return Err(Error::NoEvents {
                path: store.dir().to_path_buf(),
            });
        };
        let damaged = store.damaged_days()?;
        let earlier = self.manifests()?;
        let read_back = ReadBack::begin(&*self.place, progress);
        if let Some((newest, _)) = earlier.first() {
            read_back.ahead(newest);
        }
        let known = Known::of(&earlier, &read_back, &*self.place);
        let parts = self.day_parts(store, &days, newest, &known, progress)?;
        let settings = self.settings_parts(settings)?;
        // What the manifest claims was read is written down before it.
        read_back.write(&earlier, &parts)?;
        let manifest = of_parts(
            parts,
            settings,
            earlier.first().map(|(manifest, sha)| Link {
                id: manifest.id.clone(),
                sha256: sha.clone(),
            }),
            earlier.iter().map(|(manifest, _)| manifest.sequence).max(),
            Stand {
                vouched,
                begun_ms,
                segments_to,
                shipped,
                claim,
            },
            &*self.place,
        );
        progress.step("write the manifest", 0, 1);
        let name = Manifest::file_name(&manifest.id);
        self.place.put(&name, &manifest.to_bytes())?;
        // Reads the manifest back: the last step of proving the backup.
        manifest::read(&*self.place, &name).map_err(|finding| {
            not_kept(&self.place.path(&name))
                .expected("the manifest as it was written")
                .found(format!("{}: {}", finding.problem, finding.found))
        })?;
        progress.step("write the manifest", 1, 1);
        // Of its own history this backup covers all that an earlier one does.
        let looks = Looks::read(&*self.place);
        let mut proved = earlier;
        proved.retain(|(other, _)| {
            other.lineage == manifest.lineage || self.info_by(other, &looks).verified
        });
        // The backup is complete, even if superfluous segments cannot be removed.
        if let Err(error) = covered::remove(&*self.place, &manifest, &proved, &damaged) {
            tracing::warn!(%error, "segments that a backup covers could not be removed");
        }
        Ok(self.info(&manifest))
    }

    fn day_parts(
        &self,
        store: &Store,
        days: &[Day],
        newest: Day,
        known: &Known<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<DayPart>> {
        let mut parts: Vec<(usize, DayPart)> = Vec::new();
        let mut fresh = Vec::new();
        let mut needed = 0u64;
        for (place, &day) in days.iter().enumerate() {
            match known.unchanged(day, &store.day_path(day)) {
                Some(part) => parts.push((
                    place,
                    DayPart {
                        sealed: day != newest,
                        // Archives of older versions do not tell of steps of the clock.
                        stretches: part.stretches.clone().or_else(|| {
                            let live = open_reader(&store.day_path(day)).ok()?;
                            stretches::of(&live).ok().and_then(listed)
                        }),
                        ..part.clone()
                    },
                )),
                None => {
                    store.require_own(day)?;
                    let path = store.day_path(day);
                    let size = companions::bytes(&path);
                    // Room for the largest copy, and for all of them compressed at worst.
                    needed = needed.max(size);
                    fresh.push((place, day, size));
                }
            }
        }
        needed += fresh.iter().map(|(_, _, size)| size).sum::<u64>();
        if !fresh.is_empty() {
            // Scratch lies on the archive's own disk.
            if let Some(free) = self.place.room_left()? {
                space::enough(self.dir(), free, needed, "this backup")?;
            }
        }
        for (place, day, _) in fresh {
            let scratch = self.place.scratch()?;
            let part = self
                .archive_day(store, day, day != newest, known, scratch.path(), progress)
                .map_err(space::told)?;
            parts.push((place, part));
        }
        parts.sort_by_key(|(place, _)| *place);
        Ok(parts.into_iter().map(|(_, part)| part).collect())
    }

    fn archive_day(
        &self,
        store: &Store,
        day: Day,
        sealed: bool,
        known: &Known<'_>,
        scratch: &Path,
        progress: &dyn Progress,
    ) -> Result<DayPart> {
        let live = store.day_path(day);
        let copy = scratch.join(day.file_name());
        // Taken before the copy: if the file changes meanwhile, the next backup reads it again.
        let source = at_rest(&live);
        let label = |what: &str| format!("{what} {day}");
        if let Some(part) = known.newest(day)
            && let Some(gained) = gained::extract(&live, part, &scratch.join("delta.db"))?
        {
            let part = DayPart {
                sealed,
                source,
                ..part.clone()
            };
            return self.add_delta(part, gained, scratch, known, &|what, done, total| {
                progress.step(&label(what), done, total);
            });
        }
        copy::of(&open_reader(&live)?, &live, &copy, &mut |done, total| {
            progress.step(&label("copy"), done, total);
        })?;
        progress.step(&label("check"), 0, 1);
        let conn = plain::open(&copy)?;
        plain::check(&conn, false).map_err(|found| Error::Damaged {
            path: live.clone(),
            found,
        })?;
        let contents = contents::of(&conn, &live)?;
        let digest = compared(&conn, &live, &contents)?;
        drop(conn);
        unlisted::leave_out_postings(&copy)?;
        progress.step(&label("check"), 1, 1);
        let object = self.store_object(
            &copy,
            &format!("events-{day}"),
            known,
            &|what, done, total| {
                progress.step(&label(what), done, total);
            },
        )?;
        Ok(DayPart {
            day: day.to_string(),
            sealed,
            object,
            events: contents.events,
            from_id: contents.from_id,
            to_id: contents.to_id,
            from_ms: contents.from_ms,
            to_ms: contents.to_ms,
            deltas: Vec::new(),
            digest: Some(digest),
            stretches: listed(contents.stretches),
            gaps: contents.gaps,
            state: contents.state,
            edits: contents.edits,
            source,
        })
    }

    /// A day of an earlier backup and what it gained since.
    fn add_delta(
        &self,
        mut part: DayPart,
        gained: Gained,
        scratch: &Path,
        known: &Known<'_>,
        tick: &dyn Fn(&str, u64, u64),
    ) -> Result<DayPart> {
        let path = scratch.join("delta.db");
        let conn = plain::open(&path)?;
        plain::check(&conn, false).map_err(|said| {
            not_kept(&path)
                .expected("a sound copy")
                .found(format!("a damaged copy: {said}"))
        })?;
        let contents = contents::of(&conn, &path)?;
        drop(conn);
        let mut gaps = contents.gaps;
        gaps.retain(|gap| !part.gaps.contains(gap));
        // Nothing new was recorded; a keyframe alone can wait for the next event.
        if gained.events == 0 && gaps.is_empty() {
            return Ok(part);
        }
        let after_id = part.to_id.unwrap_or(-1);
        let object = self.store_object(
            &path,
            &format!("events-{}-after-{after_id}", part.day),
            known,
            tick,
        )?;
        part.digest = Some(gained.digest);
        part.gaps.extend(gaps);
        part.state = contents.state;
        part.events += gained.events;
        part.to_id = gained.to_id.or(part.to_id);
        part.from_ms = part.from_ms.into_iter().chain(contents.from_ms).min();
        part.to_ms = part.to_ms.max(contents.to_ms);
        part.stretches = part.stretches.and_then(|known| {
            let mut stretches = Stretches::from(&known);
            (contents.stretches.into_iter()).for_each(|run| stretches.push(run));
            listed(stretches.finish())
        });
        part.deltas.push(Delta {
            object,
            after_id,
            to_id: gained.to_id,
            events: gained.events,
        });
        Ok(part)
    }

    /// Compresses a file into the archive, reads it back, and only then gives it its name.
    fn store_object(
        &self,
        raw: &Path,
        stem: &str,
        known: &Known<'_>,
        tick: &dyn Fn(&str, u64, u64),
    ) -> Result<Object> {
        let total = raw
            .metadata()
            .map_err(Error::io(raw, "read its size"))?
            .len();
        let mut from = File::open(raw).map_err(Error::io(raw, "read the copy"))?;
        let mut draft = self.place.draft(DAYS)?;
        let level = if total <= SMALL {
            LEVEL_OF_SMALL
        } else {
            LEVEL
        };
        let sizes = gzip::compress(&mut from, &mut draft, level, &mut |done| {
            tick("compress", done, total);
            Ok(())
        })
        .map_err(|trouble| trouble.with(raw, &draft.path()))?;
        if let Some(object) = known.same_content(&sizes) {
            return Ok(object.clone());
        }
        draft.finish()?;
        read_back(&mut *draft, &sizes, &|done| tick("read back", done, total))?;
        let stem = format!("{DAYS}/{stem}-{}", &sizes.sha256[..16]);
        let file = self.place.free_of_folders(&stem, ".db.gz");
        draft.publish(parts(&file).1)?;
        let object = Object {
            file,
            bytes: sizes.bytes,
            sha256: sizes.sha256,
            raw_bytes: sizes.raw_bytes,
            raw_sha256: sizes.raw_sha256,
        };
        known.stored(&object);
        Ok(object)
    }

    fn settings_parts(&self, files: &[SettingsFile]) -> Result<Vec<SettingsPart>> {
        let mut parts: Vec<SettingsPart> = Vec::new();
        for file in files {
            if file.name.is_empty() || parts.iter().any(|part| part.name == file.name) {
                return Err(Error::Input {
                    what: "name of a settings file".into(),
                    found: format!("{:?}", file.name),
                    expected: "a name, each once".into(),
                });
            }
            let text = file.source.read()?;
            let (copy, left_out) = without_secrets(&text);
            let hash = sha256(copy.as_bytes());
            let stem = format!("{SETTINGS}/{}", &hash[..16]);
            let end = format!("-{}", stored_name(&file.name));
            let stored = self.place.free_of_folders(&stem, &end);
            let kept = self.place.get_small(&stored, copy.len() as u64);
            if kept.ok().as_deref() != Some(copy.as_bytes()) {
                self.place.put(&stored, copy.as_bytes())?;
            }
            parts.push(SettingsPart {
                name: file.name.clone(),
                file: stored,
                bytes: copy.len() as u64,
                sha256: hash,
                left_out,
            });
        }
        Ok(parts)
    }
}

/// A clock that was set more often than this makes a long manifest; then a restore to a moment looks itself.
fn listed(stretches: Vec<Stretch>) -> Option<Vec<Stretch>> {
    const MOST: usize = 1_000;
    (stretches.len() <= MOST).then_some(stretches)
}

/// Where the record and the shipping stood when the backup began.
struct Stand {
    vouched: Vouched,
    begun_ms: i64,
    segments_to: u64,
    shipped: Shipped,
    claim: Claim,
}

fn of_parts(
    days: Vec<DayPart>,
    settings: Vec<SettingsPart>,
    previous: Option<Link>,
    last_sequence: Option<u64>,
    stand: Stand,
    place: &dyn Place,
) -> Manifest {
    let mut created_at_ms = SystemClock.now_ms();
    // Where the name is taken (two in one millisecond, or the clock went back) the next free millisecond is used.
    while place.has(&Manifest::file_name(&id_of(created_at_ms))) {
        created_at_ms += 1;
    }
    Manifest {
        kind: Manifest::kind(),
        format: FORMAT,
        id: id_of(created_at_ms),
        archive: Some(stand.claim.archive),
        lineage: Some(stand.claim.identity.present()),
        store: Some(stand.claim.identity.store),
        lineages: stand.claim.identity.lineages,
        created_at: rfc3339(created_at_ms),
        created_at_ms,
        sequence: last_sequence.map_or(1, |last| last + 1),
        previous,
        program: env!("CARGO_PKG_VERSION").into(),
        sqlite: sqlite_version().into(),
        events: days.iter().map(|day| day.events).sum(),
        from_ms: days.iter().filter_map(|day| day.from_ms).min(),
        to_ms: days.iter().filter_map(|day| day.to_ms).max(),
        covers_to_ms: days
            .iter()
            .filter_map(|day| day.to_ms)
            .chain(stand.vouched.until_ms)
            .max()
            .unwrap_or(0),
        open_gap: stand.vouched.open_gap.map(|gap| GapPart {
            from_ms: gap.from_ms,
            to_ms: stand.begun_ms.max(gap.from_ms),
            why: gap.why,
        }),
        segments_to: stand.segments_to,
        shipped: Some(stand.shipped),
        days,
        settings,
    }
}

/// The digest of a day's copy, which must be the one that its writer left where it left one and nobody edited since.
fn compared(conn: &Connection, live: &Path, contents: &Contents) -> Result<RowDigest> {
    let failed = || Error::sqlite(live, "compare it with what was recorded");
    let until = |id: i64| -> Result<RowDigest> {
        let running = row_digest::until(conn, "main", id, Trust::Kept, &mut |_| Ok(()));
        running.map(|running| running.now()).map_err(failed())
    };
    if let Some(vouched) = RowDigest::vouched(conn).map_err(failed())?
        && contents.edits.is_none()
    {
        let found = until(vouched.id)?;
        if found != vouched {
            return Err(Error::Damaged {
                path: live.to_path_buf(),
                found: format!(
                    "{} changes up to {} that are not the {} that were recorded",
                    found.count, vouched.id, vouched.count
                ),
            });
        }
    }
    until(i64::MAX)
}

/// Reads a stored file as a restore would and compares both hashes.
fn read_back(draft: &mut dyn Unseen, sizes: &Sizes, tick: &dyn Fn(u64)) -> Result<()> {
    let path = draft.path();
    let mut stored = BufReader::with_capacity(256 * 1024, draft.read_back()?);
    let again = gzip::decompress(&mut stored, &mut io::sink(), &mut |done| {
        tick(done);
        Ok(())
    })
    .map_err(|trouble| trouble.with(&path, &path))?;
    if again == *sizes {
        Ok(())
    } else {
        Err(not_kept(&path)
            .expected(format!(
                "{} bytes with SHA-256 {}, as written",
                sizes.bytes, sizes.sha256
            ))
            .found(format!(
                "{} bytes with SHA-256 {}",
                again.bytes, again.sha256
            ))
            .into())
    }
}

fn not_kept(path: &Path) -> Finding {
    Finding::new(path, "not what was written")
        .hint("look at the disk: it does not keep what it is given")
}
