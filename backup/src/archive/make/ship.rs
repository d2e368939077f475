//! Ships committed rows into segments between backups, several times a second, so that a lost disk costs less than a
//! second.

use std::os::unix::fs::MetadataExt as _;

mod anchor;
mod dictionary;
mod writer;

mod open;
mod shipped;

mod rows;

mod follow;
mod read;

mod standing;

mod begin;

use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::manifest::{Manifest, Shipped as ChainEnd};
use crate::archive::format::owner::ArchiveId;
use crate::archive::format::segment::{self, Covers, Link, Press};
use crate::archive::make::chain;
use crate::archive::make::session::Turn;
use crate::archive::make::ship::anchor::broke_off;
use crate::archive::make::ship::dictionary::Dictionary;
use crate::archive::make::ship::open::Open;
use crate::archive::make::ship::rows::{MOST_ROWS, Rows};
pub use crate::archive::make::ship::shipped::Shipped;
use crate::archive::make::ship::standing::Standing;
use crate::archive::make::ship::writer::Writer;
use crate::archive::open::Archive;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::space;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::fresh::Fresh;
use crate::store::identity::Identity;
use crate::store::schema::open_reader;

/// With nothing to ship, a record still says up to when nothing happened.
const HEARTBEAT_MS: i64 = 10_000;
/// How often to look for a backup that covers the segments.
const LOOK_MS: i64 = 1000;

/// Follows a store and appends what was committed to the archive. A recorder of this process hands over what it has just
/// committed; all else is read from the day's file through a connection of its own, which a recorder does not notice.
#[derive(Debug)]
pub struct Shipper {
    archive: Archive,
    store: Store,
    /// The archive that it began in.
    id: ArchiveId,
    turn: Turn,
    file: Option<Writer>,
    press: Press,
    open: Option<Open>,
    /// The day and its last id that segments or a backup hold.
    cursor: Option<(Day, i64)>,
    last_record_ms: i64,
    /// The last gap that was shipped, and its day.
    told: Option<(Day, i64)>,
    /// The store with the history that is shipped.
    identity: Identity,
    /// The last record of the archive.
    end: ChainEnd,
    /// The history has begun and no record says so yet.
    announce: bool,
    /// No backup covers the beginning of what is shipped.
    unanchored: bool,
    /// How often that was found anew.
    breaks: u64,
    /// The newest backup that was there when the day was found not to go on from what was shipped, or a part of that to be
    /// missing.
    broken_after: Option<u64>,
    looked_at_ms: i64,
    /// What was there at the last look.
    standing: Standing,
}

impl Shipper {
    /// Appends what was committed since the last step and brings it to the disk.
    ///
    /// # Errors
    /// When the store cannot be read or the archive cannot be written; the next step tries the same again. After
    /// [`Error::OtherArchive`] shipping has to begin anew; [`Error::OtherAgent`] comes as long as somebody else ships.
    pub fn step(&mut self) -> Result<Shipped> {
        self.turn.require(&self.archive).map_err(space::told)?;
        self.look()?;
        let shipped = self.advance().map_err(space::told);
        if shipped.is_err() {
            // How much of the dictionary arrived is unknown: the next try opens the day anew and sends all of it.
            self.open = None;
        }
        Ok(Shipped {
            unanchored: self.unanchored,
            breaks: self.breaks,
            ..shipped?
        })
    }

    fn advance(&mut self) -> Result<Shipped> {
        let now_ms = SystemClock.now_ms();
        // Before anything is read: what is vouched for now is committed, and so are the gaps before it.
        let vouched = self.store.vouched()?;
        let is_sign_due = now_ms - self.last_record_ms >= HEARTBEAT_MS || self.announce;
        let handed_over = self.just_committed()?;
        let next = match handed_over.filter(|next| next.rows.events > 0 || !is_sign_due) {
            Some(next) => next,
            None => match self.committed()? {
                Some(next) => next,
                None => return Ok(Shipped::default()),
            },
        };
        let (day, after, newer) = (next.day, next.after, next.newer.is_some());
        let rows = next.rows;
        let tells = rows.gap.map(|gap| (day, gap)) > self.told;
        if rows.events == 0 && !tells {
            if newer {
                // The day is over and all of it is shipped.
                self.open = None;
                self.cursor = next.newer.map(|newer| (newer, -1));
                return Ok(Shipped {
                    more: true,
                    ..Shipped::default()
                });
            }
            if !is_sign_due {
                return Ok(Shipped {
                    covers_to_ms: self.claim(vouched.until_ms.unwrap_or(0)),
                    ..Shipped::default()
                });
            }
        }
        let more = rows.events as usize >= MOST_ROWS || newer;
        let mut head = rows.head;
        if let (Some(open), 0, false) = (&vouched.open_gap, rows.events, newer) {
            read::push_open(&mut head, open, now_ms);
        }
        // Not yet caught up: only what is in the record is certain.
        let seen_ms = vouched.until_ms.filter(|_| !more);
        let covers = Covers {
            day,
            after,
            to: rows.to,
            at_ms: seen_ms.max(rows.to_ms).unwrap_or(0),
            events: rows.events,
        };
        let (number, previous) = chain::next(&self.end);
        let link = Link {
            lineage: self.identity.present(),
            left: broke_off(&self.identity),
            number,
            previous,
        };
        let path = self.store.day_path(day);
        let store = &self.identity.store;
        let pieces = [&head[..], &rows.text];
        let record = segment::encode(&mut self.press, covers, link, store, &pieces)
            .map_err(Error::io(&path, "compress what is new"))?;
        let Some(file) = &mut self.file else {
            return Ok(Shipped::default());
        };
        file.append(&record, rows.describes)?;
        self.end = chain::after(link, &record);
        self.announce = false;
        self.cursor = Some((day, covers.to));
        self.told = self.told.max(rows.gap.map(|gap| (day, gap)));
        self.last_record_ms = now_ms;
        Ok(Shipped {
            events: u64::from(covers.events),
            bytes: record.len() as u64,
            more,
            covers_to_ms: self.claim(covers.at_ms),
            ..Shipped::default()
        })
    }

    /// What the recorder of this process has just committed behind what was shipped; nothing where the file has to be read.
    fn just_committed(&mut self) -> Result<Option<Next>> {
        let (Some((day, after)), Some(open)) = (self.cursor, &self.open) else {
            return Ok(None);
        };
        if open.day != day || open.stretch.is_none() || open.identity != self.place_of(day)? {
            return Ok(None);
        }
        self.hold_segment()?;
        let (Some(file), Some(open), Some(fresh)) = (&self.file, &self.open, self.store.fresh())
        else {
            return Ok(None);
        };
        let rows = follow::just_committed(open, fresh, after, &file.described);
        Ok(rows.map(|rows| Next {
            day,
            after,
            newer: None,
            rows,
        }))
    }

    /// What the day's file holds behind what was shipped; `None` where there is nothing to ship.
    fn committed(&mut self) -> Result<Option<Next>> {
        let days = self.store.days()?;
        let Some(day) = self.day_to_ship(&days) else {
            return Ok(None);
        };
        self.open_day(day)?;
        let after = self.after(day);
        self.hold_segment()?;
        let (Some(file), Some(open)) = (&self.file, &mut self.open) else {
            return Ok(None);
        };
        // Before the file is read: what is committed afterwards is not in it, or comes twice.
        let stretch = self.store.fresh().map(Fresh::stretch);
        let rows = read::committed(open, after, self.identity.present(), &file.described).map_err(
            Error::sqlite(&self.store.day_path(day), "read what was committed"),
        )?;
        let Some(rows) = rows else {
            // Another history begins, or has not begun in this file yet. Meanwhile the segment stays the one to go on with.
            return match self.look_for_history()? {
                true => self.committed(),
                false => Ok(None),
            };
        };
        open.stretch = stretch.filter(|_| rows.whole);
        Ok(Some(Next {
            day,
            after,
            newer: days.into_iter().find(|other| *other > day),
            rows,
        }))
    }

    /// Makes sure that there is a segment to append to.
    fn hold_segment(&mut self) -> Result<()> {
        if !self.file.as_ref().is_some_and(Writer::goes_on) {
            // Somebody else may have shipped meanwhile.
            self.end = chain::end(&*self.archive.place)?;
            self.file = Some(Writer::begin(&self.archive.place, self.first_file()?)?);
        }
        Ok(())
    }

    /// Fails where the archive does not hold any more what was shipped; looks for a backup that covers it.
    fn look(&mut self) -> Result<()> {
        let mut lost = self.file.as_ref().and_then(Writer::lost);
        let now_ms = SystemClock.now_ms();
        if (now_ms - self.looked_at_ms).abs() >= LOOK_MS && lost.is_none() {
            let now = self.standing.again(&self.archive)?;
            lost = now.lost_since(&self.standing);
            if lost.is_none() && now.shipped() > self.end.number {
                lost = Some("a backup made beside records that are gone".into());
            }
            if lost.is_none() {
                self.looked_at_ms = now_ms;
                if self.unanchored || now.has_another_backup(&self.standing) {
                    self.unanchored = self.look_for_anchor()?;
                }
                self.standing = now;
            }
        }
        match lost {
            Some(found) => Err(Error::OtherArchive {
                path: self.archive.dir().to_path_buf(),
                found,
                expected: self.id.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// The moment that a restore would reach: none while no backup covers the beginning of the shipped history.
    fn claim(&self, at_ms: i64) -> i64 {
        if self.unanchored { 0 } else { at_ms }
    }

    fn breaks_off(&mut self) {
        self.unanchored = true;
        self.breaks += 1;
    }

    fn look_for_anchor(&mut self) -> Result<bool> {
        anchor::is_missing(&self.archive, &self.identity, &mut self.broken_after)
    }

    /// Segments are never numbered as those that a backup has covered.
    fn first_file(&self) -> Result<u64> {
        let manifests = self.archive.manifests()?;
        let covered = manifests.iter().map(|(manifest, _)| manifest.segments_to);
        Ok(covered.max().map_or(1, |covered| covered + 1))
    }

    /// Follows the store into another history; whether it has begun one.
    fn look_for_history(&mut self) -> Result<bool> {
        // Where nothing says so, the recorder will: it knows whose record it writes.
        let Some(now) = Identity::read(self.store.dir())? else {
            return Ok(false);
        };
        self.archive.require(&self.identity.store, &now.store)?;
        let another = now.present() != self.identity.present();
        self.identity = now;
        if another {
            self.begin_history()?;
        }
        Ok(another)
    }

    /// What is in the store now comes with the next backup; what follows is shipped. Where a backup of the history was made
    /// already, what follows that.
    fn begin_history(&mut self) -> Result<()> {
        self.open = None;
        self.file = None;
        self.told = None;
        let manifests = self.archive.manifests()?;
        let newest = manifests.first().map(|(newest, _)| newest);
        let under = newest.filter(|newest| anchor::is_under(newest, &self.identity));
        self.cursor = under.and_then(end_of);
        if self.cursor.is_none()
            && let Some(day) = self.store.days()?.pop()
        {
            let path = self.store.day_path(day);
            let last = last_change(&open_reader(&path)?)
                .map_err(Error::sqlite(&path, "look for its end"))?;
            self.cursor = Some((day, last));
        }
        self.announce = true;
        self.breaks_off();
        Ok(())
    }

    fn day_to_ship(&self, days: &[Day]) -> Option<Day> {
        match self.cursor {
            // The day may have been taken away by a restore; then the newest is followed.
            Some((day, _)) => days
                .iter()
                .copied()
                .find(|other| *other >= day)
                .or(days.last().copied()),
            None => days.first().copied(),
        }
    }

    fn after(&self, day: Day) -> i64 {
        match self.cursor {
            Some((at, last)) if at == day => last,
            _ => -1,
        }
    }

    /// Opens the day, also anew when another file took its place.
    fn open_day(&mut self, day: Day) -> Result<()> {
        let path = self.store.day_path(day);
        let identity = self.place_of(day)?;
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.day == day && open.identity == identity)
        {
            return Ok(());
        }
        self.look_for_history()?;
        self.open = None;
        let conn = open_reader(&path)?;
        let after = self.after(day);
        let failed = || Error::sqlite(&path, "read the day file");
        let behind = self.cursor.is_some_and(|(at, _)| at > day);
        let continues = !behind
            && (after < 0
                || conn
                    .query_row("SELECT 1 FROM changes WHERE id = ?1", [after], |_| Ok(()))
                    .optional()
                    .map_err(failed())?
                    .is_some());
        if !continues {
            // Somebody exchanged the day's file. What was shipped tells of another one; this one is shipped from here on.
            self.cursor = Some((day, last_change(&conn).map_err(failed())?));
            let newest = self.archive.manifests()?.into_iter().next();
            self.broken_after = Some(newest.map_or(0, |(newest, _)| newest.sequence));
            self.breaks_off();
            self.file = None;
        }
        self.open = Some(Open {
            conn,
            day,
            identity,
            dictionary: Dictionary::default(),
            stretch: None,
        });
        Ok(())
    }

    /// Device and inode of a day's file.
    fn place_of(&self, day: Day) -> Result<(u64, u64)> {
        let path = self.store.day_path(day);
        let meta = path
            .metadata()
            .map_err(Error::io(&path, "find the day file"))?;
        Ok((meta.dev(), meta.ino()))
    }
}

/// What is shipped next.
struct Next {
    day: Day,
    after: i64,
    /// A later day is there already.
    newer: Option<Day>,
    rows: Rows,
}

/// Where a backup ends: its last day, and the last event of that. A day may have a gap and no event yet.
fn end_of(backup: &Manifest) -> Option<(Day, i64)> {
    let part = backup.days.last()?;
    Some((part.day.parse().ok()?, part.to_id.unwrap_or(-1)))
}

/// The last change of a day; -1: it has none.
fn last_change(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("SELECT coalesce(max(id), -1) FROM changes", [], |row| {
        row.get(0)
    })
}
