//! Ships committed rows into segments between backups, several times a second, so that a lost disk costs less than a
//! second.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;

mod writer;

use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::segment::{self, Covers};
use crate::archive::make::ship::writer::Writer;
use crate::archive::open::Archive;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::space;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::dictionary;
use crate::store::folder::Store;
use crate::store::schema::open_reader;

/// Rows taken at once: bounds memory when there is much to catch up. Stands in the statements as a number: SQLite
/// prepares a statement anew whenever a LIMIT is bound to it.
const MOST_ROWS: usize = 20_000;
/// Keyframes taken at once: a link that comes and goes all night without one change would leave thousands.
const MOST_KEYFRAMES: i64 = 16;
/// With nothing to ship, a record still says that nothing happened.
const HEARTBEAT_MS: i64 = 10_000;
/// How often to look for a backup that covers the segments.
const LOOK_MS: i64 = 1000;

/// Follows a store and appends what was committed to the archive. Reads only committed rows through its own
/// connection; a recorder does not notice it.
#[derive(Debug)]
pub struct Shipper {
    archive: Archive,
    store: Store,
    file: Option<Writer>,
    open: Option<Open>,
    /// The day and its last id that segments or a backup hold.
    cursor: Option<(Day, i64)>,
    last_record_ms: i64,
    reset: bool,
    /// The first segment since the store was put back, until a backup covers it.
    unanchored: Option<u64>,
    looked_at_ms: i64,
}

#[derive(Debug)]
struct Open {
    conn: Connection,
    day: Day,
    identity: (u64, u64),
    sent: Dictionary,
}

/// What was sent of the file's dictionary. A series comes once and learns the rule of its strings and the range of its
/// positions once, so that three counts tell whether there is anything new.
#[derive(Debug, Default)]
struct Dictionary {
    counts: [i64; 3],
    /// Of each series whether it was sent with its rule, and with its range.
    learned: HashMap<i64, [bool; 2]>,
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shipped {
    /// Events that are in the archive now and were not before.
    pub events: u64,
    /// Bytes written.
    pub bytes: u64,
    /// There is more to catch up with: call again at once.
    pub more: bool,
    /// Everything up to here is in the archive, Unix milliseconds. 0 after the store was put back or a day was lost,
    /// until the next backup.
    pub covers_to_ms: i64,
    /// No backup covers the beginning of what is shipped: the store was put back or a day was lost since the last one.
    pub unanchored: bool,
}

impl Archive {
    /// Follows a store from where the archive ends. Call [`Shipper::step`] at least four times a second.
    ///
    /// # Errors
    /// When the archive's segments cannot be read.
    pub fn ship(&self, store: &Store) -> Result<Shipper> {
        let mut cursor: Option<(Day, i64)> = None;
        if let Some((manifest, _)) = self.manifests()?.first()
            && let Some(part) = manifest.days.last()
            && let (Ok(day), Some(to)) = (part.day.parse(), part.to_id)
        {
            cursor = Some((day, to));
        }
        // A torn record at the end of a file never was shipped.
        for (_, name) in segment::files(&*self.place)?.iter().rev() {
            // What a file holds that cannot be read is shipped again.
            let records = segment::records(&*self.place, name, 0);
            if let Some(last) = records.ok().and_then(Iterator::last) {
                let last = last?;
                cursor = cursor.max(Some((last.covers.day, last.covers.to)));
                break;
            }
        }
        Ok(Shipper {
            archive: self.clone(),
            store: store.clone(),
            file: None,
            open: None,
            cursor,
            last_record_ms: 0,
            reset: false,
            unanchored: self.unanchored()?,
            looked_at_ms: 0,
        })
    }

    /// The first segment since the store was put back, where no backup covers it yet; or one that cannot be read, as
    /// nothing is reached past it.
    fn unanchored(&self) -> Result<Option<u64>> {
        let manifests = self.manifests()?;
        let held = manifests
            .first()
            .map_or(0, |(newest, _)| newest.segments_to);
        let after = segment::files(&*self.place)?.into_iter().rev();
        for (number, name) in after.take_while(|(number, _)| *number > held) {
            let reached = segment::first(&*self.place, &name)
                .map(|first| first.is_none_or(|first| !first.covers.reset));
            if !reached.unwrap_or(false) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

impl Shipper {
    /// Appends what was committed since the last step and brings it to the disk.
    ///
    /// # Errors
    /// When the store cannot be read or the archive cannot be written; the next step tries the same again.
    pub fn step(&mut self) -> Result<Shipped> {
        let shipped = self.advance().map_err(space::told);
        if shipped.is_err() {
            // How much of the dictionary arrived is unknown: the next try opens the day anew and sends all of it.
            self.open = None;
        }
        Ok(Shipped {
            unanchored: self.unanchored.is_some(),
            ..shipped?
        })
    }

    fn advance(&mut self) -> Result<Shipped> {
        let now_ms = SystemClock.now_ms();
        let days = self.store.days()?;
        let Some(day) = self.day_to_ship(&days) else {
            return Ok(Shipped::default());
        };
        self.open_day(day)?;
        let after = self.after(day);
        let Some(open) = &mut self.open else {
            return Ok(Shipped::default());
        };
        let path = self.store.day_path(day);
        let (rows, events, to) =
            read_rows(open, after).map_err(Error::sqlite(&path, "read what was committed"))?;
        let newer = days.iter().any(|other| *other > day);
        if events == 0 {
            if newer {
                // The day is over and all of it is shipped.
                self.open = None;
                let next = days.into_iter().find(|other| *other > day);
                self.cursor = next.map(|next| (next, -1));
                return Ok(Shipped {
                    more: true,
                    ..Shipped::default()
                });
            }
            if now_ms - self.last_record_ms < HEARTBEAT_MS && rows.is_empty() && !self.reset {
                return Ok(Shipped {
                    covers_to_ms: self.claim(now_ms)?,
                    ..Shipped::default()
                });
            }
        }
        let more = events as usize >= MOST_ROWS || newer;
        let covers = Covers {
            day,
            after,
            to,
            // Not yet caught up: only the events themselves are certain.
            at_ms: if more { to >> 12 } else { now_ms },
            events,
            reset: self.reset,
        };
        let bytes = self.append(covers, &rows)?;
        self.cursor = Some((day, to));
        self.last_record_ms = now_ms;
        self.reset = false;
        Ok(Shipped {
            events: u64::from(events),
            bytes,
            more,
            covers_to_ms: self.claim(covers.at_ms)?,
            ..Shipped::default()
        })
    }

    /// The moment that a restore would reach: none while no backup covers the beginning of the shipped history.
    fn claim(&mut self, at_ms: i64) -> Result<i64> {
        let now_ms = SystemClock.now_ms();
        if self.unanchored.is_some() && (now_ms - self.looked_at_ms).abs() >= LOOK_MS {
            self.looked_at_ms = now_ms;
            self.unanchored = self.archive.unanchored()?;
        }
        Ok(if self.unanchored.is_some() { 0 } else { at_ms })
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
        let meta = path
            .metadata()
            .map_err(Error::io(&path, "find the day file"))?;
        let identity = (meta.dev(), meta.ino());
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.day == day && open.identity == identity)
        {
            return Ok(());
        }
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
            // The store was put back. Earlier segments tell another history; this one goes on from here.
            let last: Option<i64> = conn
                .query_row("SELECT max(id) FROM changes", [], |row| row.get(0))
                .map_err(failed())?;
            self.cursor = Some((day, last.unwrap_or(-1)));
            self.reset = true;
            self.file = None;
        }
        self.open = Some(Open {
            conn,
            day,
            identity,
            sent: Dictionary::default(),
        });
        Ok(())
    }

    fn append(&mut self, covers: Covers, rows: &str) -> Result<u64> {
        let path = self.store.day_path(covers.day);
        let record =
            segment::encode(covers, rows).map_err(Error::io(&path, "compress what is new"))?;
        let mut file = match self.file.take().filter(Writer::goes_on) {
            Some(file) => file,
            None => Writer::begin(&self.archive.place)?,
        };
        let appended = file.append(&record);
        if appended.is_ok() && covers.reset {
            self.unanchored = Some(file.number);
        }
        self.file = Some(file);
        appended.map(|()| record.len() as u64)
    }
}

/// The committed rows after an id, all from one moment.
fn read_rows(open: &mut Open, after: i64) -> rusqlite::Result<(String, u32, i64)> {
    let conn = &open.conn;
    conn.execute_batch("BEGIN")?;
    let read = read_in(conn, &mut open.sent, after);
    conn.execute_batch("COMMIT")?;
    read
}

fn read_in(
    conn: &Connection,
    sent: &mut Dictionary,
    after: i64,
) -> rusqlite::Result<(String, u32, i64)> {
    let mut changes = String::new();
    let (mut events, mut to) = (0u32, after);
    {
        let mut query = conn.prepare_cached(&format!(
            "SELECT id, series, value, string, position, at FROM changes WHERE id > ?1 ORDER BY id LIMIT {MOST_ROWS}"
        ))?;
        let mut rows = query.query([after])?;
        while let Some(row) = rows.next()? {
            to = row.get(0)?;
            segment::push_row(&mut changes, "c", row, 6)?;
            events += 1;
        }
    }
    // A keyframe or gap belongs before the changes with the same or a greater id. The last piece brings all of them, an
    // earlier one those up to its end.
    let until = if events as usize >= MOST_ROWS {
        to
    } else {
        i64::MAX
    };
    let first: i64 = conn
        .prepare_cached(&format!(
            "SELECT coalesce(min(id), ?1 + 1) FROM (SELECT id FROM keyframes WHERE id > ?1 AND id <= ?2
             ORDER BY id DESC LIMIT {MOST_KEYFRAMES})"
        ))?
        .query_row([after, until], |row| row.get(0))?;
    let mut text = String::new();
    for (table, columns, sql) in [
        (
            "k",
            3,
            "SELECT id, reason, count FROM keyframes WHERE id > ?1 AND id <= ?2",
        ),
        (
            "f",
            5,
            "SELECT keyframe, series, value, string, position FROM keyframe_states WHERE keyframe > ?1 AND keyframe <= ?2",
        ),
        (
            "g",
            4,
            "SELECT id, from_ms, to_ms, why FROM gaps WHERE id > ?1 AND id <= ?2",
        ),
    ] {
        if events == 0 {
            // They come again with the next event; a restore needs them only then.
            break;
        }
        let mut query = conn.prepare_cached(sql)?;
        let from = if table == "g" { after } else { first - 1 };
        let mut rows = query.query([from, until])?;
        while let Some(row) = rows.next()? {
            segment::push_row(&mut text, table, row, columns)?;
        }
    }
    if events > 0 {
        sent.push_news(conn, &mut text)?;
    }
    text.push_str(&changes);
    Ok((text, events, to))
}

impl Dictionary {
    /// Appends the series that are new or have learned something.
    fn push_news(&mut self, conn: &Connection, text: &mut String) -> rusqlite::Result<()> {
        let counts = conn
            .prepare_cached("SELECT count(*), count(rule), count(low) FROM series")?
            .query_row([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        if counts == self.counts {
            return Ok(());
        }
        let columns = dictionary::listed(str::to_owned);
        let mut query = conn.prepare_cached(&format!(
            "SELECT id, {columns}, rule IS NOT NULL, low IS NOT NULL FROM series"
        ))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let learned = [row.get(13)?, row.get(14)?];
            if self.learned.insert(row.get(0)?, learned) != Some(learned) {
                segment::push_row(text, "s", row, 13)?;
            }
        }
        self.counts = counts;
        Ok(())
    }
}
