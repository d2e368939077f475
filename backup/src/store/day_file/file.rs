//! One day file open for writing: batches of changes, keyframes, gaps, and the blocks of postings as they fill.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Error, Result};
use crate::store::arrival;
use crate::store::change::{Change, Row, unstorable};
use crate::store::day::Day;
use crate::store::day_file::load;
use crate::store::day_file::rows::{self, Prepared};
use crate::store::day_file::slots::Slots;
use crate::store::day_file::states;
use crate::store::day_file::watch::Watch;
use crate::store::event::{ClockStep, Gap};
use crate::store::fresh::{Fresh, FreshFile, FreshWriter};
use crate::store::id::EventId;
use crate::store::identity::Identity;
use crate::store::names::Names;
use crate::store::postings::BlockBuilder;
use crate::store::row_digest::{Meant, Running};
use crate::store::schema::{open_scratch, open_writer};
use crate::store::state_digest::StateDigest;
use crate::store::word::RecordEnd;

use crate::store::day_file::refusal::WriteError;

/// A day file open for writing. After any error it must be dropped and opened again: memory and file may differ.
pub(crate) struct DayFile {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    day: Day,
    pub(super) watch: Watch,
    /// The last change in it.
    pub(super) end: Option<EventId>,
    slots: Slots,
    block: BlockBuilder,
    since_keyframe: u64,
    /// Over all changes in it.
    digest: Running,
    /// An import builds the blocks and digests at its end, as more rows may still come between those of a block.
    blocks_deferred: bool,
    /// Where its changes go once they are committed.
    fresh: Option<FreshWriter>,
}

impl DayFile {
    /// Opens or creates a day's file.
    pub(crate) fn open(dir: &Path, day: Day, names: &Names) -> Result<DayFile> {
        let path = dir.join(day.file_name());
        DayFile::on(open_writer(&path)?, path, day, names)
    }

    /// The same of a file that is being built in scratch.
    pub(crate) fn open_scratch(dir: &Path, day: Day, names: &Names) -> Result<DayFile> {
        let path = dir.join(day.file_name());
        DayFile::on(open_scratch(&path)?, path, day, names)
    }

    fn on(mut conn: Connection, path: PathBuf, day: Day, names: &Names) -> Result<DayFile> {
        let failed = |source| Error::Sqlite {
            path: path.clone(),
            doing: "read the day file",
            source,
        };
        let slots = Slots::load(&conn, names).map_err(failed)?;
        let blocks_deferred = load::meta(&conn, "importing").map_err(failed)?.is_some();
        let mut block = BlockBuilder::default();
        let mut digest = Running::begin();
        if !blocks_deferred {
            load::tail(&conn, &mut block).map_err(failed)?;
            digest = load::digest(&mut conn).map_err(failed)?;
        }
        // An import opens the file anew for every few thousand rows; the count is made at its end.
        let since_keyframe = if blocks_deferred {
            0
        } else {
            conn.query_row(
                "SELECT count(*) FROM changes WHERE id > coalesce((SELECT max(id) FROM keyframes), -1)",
                [],
                |row| row.get(0),
            )
            .map_err(failed)?
        };
        let end: Option<i64> = conn
            .query_row("SELECT max(id) FROM changes", [], |row| row.get(0))
            .map_err(failed)?;
        let watch = Watch::of(&mut conn, &path).map_err(failed)?;
        Ok(DayFile {
            conn,
            path,
            day,
            watch,
            end: end.map(EventId),
            slots,
            block,
            since_keyframe,
            digest,
            blocks_deferred,
            fresh: None,
        })
    }

    /// Keeps what is committed from here on for those who follow the store.
    pub(crate) fn keep_fresh(&mut self, fresh: &Arc<Fresh>) {
        let file = self.watch.place().map(|place| FreshFile {
            day: self.day,
            place,
        });
        let end = self.end.map_or(-1, |end| end.0);
        self.fresh = file.map(|file| FreshWriter::begin(fresh, file, end));
    }

    /// For a recorder, which appends: it comes back to few pages, and keeps few in memory.
    pub(crate) fn keep_few_pages(&self) -> rusqlite::Result<()> {
        self.conn.pragma_update(None, "cache_size", -2000)
    }

    /// Those who follow the store read the file again.
    pub(super) fn forget_fresh(&mut self) {
        if let Some(fresh) = &mut self.fresh {
            fresh.forget();
        }
    }

    /// Something else than changes is written in the open transaction.
    fn other_than_changes(&mut self) {
        if let Some(fresh) = &mut self.fresh {
            fresh.other();
        }
    }

    pub(crate) fn day(&self) -> Day {
        self.day
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an import has put off the postings and not made them yet.
    pub(crate) fn is_index_deferred(&self) -> bool {
        self.blocks_deferred
    }

    /// Changes since the last keyframe.
    pub(crate) fn since_keyframe(&self) -> u64 {
        self.since_keyframe
    }

    /// The highest id in the file.
    pub(crate) fn last_id(&self) -> rusqlite::Result<Option<EventId>> {
        let last: Option<i64> = self.conn.query_row(
            "SELECT max(id) FROM (SELECT max(id) AS id FROM changes
             UNION ALL SELECT max(id) FROM keyframes UNION ALL SELECT max(id) FROM gaps)",
            [],
            |row| row.get(0),
        )?;
        Ok(last.map(EventId))
    }

    /// Where its record ends.
    pub(crate) fn record_end(&self) -> rusqlite::Result<RecordEnd> {
        RecordEnd::of(&self.conn)
    }

    /// Whether this very change is already in the file: its commit may have succeeded although it reported an error.
    pub(crate) fn has(&self, row: &Row) -> rusqlite::Result<bool> {
        let Some(number) = self.slots.number(row.change.series) else {
            return Ok(false);
        };
        let found: Option<i64> = self
            .conn
            .query_row(
                "SELECT series FROM changes WHERE id = ?1",
                [row.id.0],
                |found| found.get(0),
            )
            .optional()?;
        Ok(found == Some(number))
    }

    /// Whether no change has one of these ids.
    pub(crate) fn is_free(&self, first: EventId, last: EventId) -> rusqlite::Result<bool> {
        self.conn
            .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM changes WHERE id BETWEEN ?1 AND ?2)")?
            .query_row([first.0, last.0], |row| row.get(0))
    }

    pub(crate) fn begin(&mut self) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])
            .map(drop)
    }

    pub(crate) fn commit(&mut self) -> rusqlite::Result<()> {
        if self.block.is_full() {
            self.block.write(&self.conn)?;
        }
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        if let Some(fresh) = &mut self.fresh {
            fresh.committed();
        }
        self.watch.checkpoint_if_due(&self.conn);
        Ok(())
    }

    /// Writes changes inside the open transaction. Those that can never be stored are passed to `poison` with the
    /// reason and left out.
    pub(crate) fn put_changes<'r>(
        &mut self,
        names: &Names,
        rows: impl Iterator<Item = &'r Row>,
        mut poison: impl FnMut(&'r Row, String),
    ) -> std::result::Result<(), WriteError> {
        let mut prepared = Vec::with_capacity(rows.size_hint().0);
        let mut news = false;
        for row in rows {
            if let Some(reason) = unstorable(row) {
                poison(row, reason);
                continue;
            }
            let Some(slot) = self.slots.of(&self.conn, names, row.change.series)? else {
                let number = row.change.series.0;
                let reason = format!("series number {number} was never given out by this recorder");
                poison(row, reason);
                continue;
            };
            let change = &row.change;
            let value = change.value.as_ref();
            prepared.push(Prepared {
                row,
                series: slot.id,
                string: slot.string(&self.conn, value, change.string.as_deref())?,
                position: slot.position(&self.conn, value, change.position)?,
            });
            news |= slot.take_news();
        }
        if news {
            self.other_than_changes();
        }
        let mut refused = Vec::new();
        rows::put(&self.conn, &prepared, |row, reason| {
            refused.push(row.row.id);
            poison(row.row, reason);
        })?;
        for row in &prepared {
            let id = row.row.id;
            if refused.binary_search(&id).is_ok() {
                continue;
            }
            if !self.blocks_deferred {
                self.block.push(id.0, row.series);
                let Some(key) = self.slots.key(row.row.change.series) else {
                    continue;
                };
                let change = &row.row.change;
                let due = self.digest.add(&Meant {
                    id: id.0,
                    at_ms: row.row.at_ms,
                    key,
                    value: change.value.as_ref(),
                    string: change.string.as_deref(),
                    position: change.position,
                });
                if let Some(due) = due {
                    due.write(&self.conn)?;
                }
            }
            if let Some(fresh) = &mut self.fresh {
                fresh.push(&row.cells());
            }
            self.since_keyframe += 1;
            self.end = self.end.max(Some(id));
        }
        Ok(())
    }

    /// Notes inside the open transaction that rows came which were not recorded here.
    pub(crate) fn note_arrival(&self, came_ms: i64) -> rusqlite::Result<()> {
        arrival::note(&self.conn, came_ms)
    }

    /// Notes inside the open transaction whose record a file is that is made for rows which were not recorded here. Which
    /// history goes on in it is not known before it is recorded into.
    pub(crate) fn note_store(&self, identity: &Identity) -> rusqlite::Result<()> {
        self.conn
            .execute(
                "INSERT OR IGNORE INTO meta (key, value) VALUES ('store', ?1)",
                [identity.store.to_string()],
            )
            .map(drop)
    }

    /// Writes a keyframe inside the open transaction: the full state before all changes with ids from `id` on.
    pub(crate) fn put_keyframe<'r>(
        &mut self,
        names: &Names,
        id: EventId,
        reason: &str,
        states: impl Iterator<Item = &'r Change>,
    ) -> rusqlite::Result<()> {
        self.other_than_changes();
        self.conn
            .execute("DELETE FROM keyframe_states WHERE keyframe = ?1", [id.0])?;
        let mut numbered = Vec::with_capacity(states.size_hint().0);
        for change in states {
            if let Some(slot) = self.slots.of(&self.conn, names, change.series)? {
                numbered.push((slot.id, change));
            }
        }
        states::put(&self.conn, id.0, &numbered)?;
        self.conn.execute(
            "INSERT OR REPLACE INTO keyframes (id, reason, count) VALUES (?1, ?2, ?3)",
            params![id.0, reason, numbered.len()],
        )?;
        self.since_keyframe = 0;
        Ok(())
    }

    /// Writes a gap inside the open transaction, under the next id that no other gap has.
    pub(crate) fn put_gap(&mut self, id: EventId, gap: &Gap) -> rusqlite::Result<()> {
        self.other_than_changes();
        let mut insert = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO gaps (id, from_ms, to_ms, why) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut id = id.0;
        while insert.execute(params![id, gap.from_ms, gap.to_ms, gap.why])? == 0 {
            id += 1;
        }
        Ok(())
    }

    /// Writes a step of the clock inside the open transaction, under the next id that no other step has.
    pub(crate) fn put_clock_step(&mut self, id: EventId, step: &ClockStep) -> rusqlite::Result<()> {
        self.other_than_changes();
        let mut insert = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO clock_steps (id, from_ms, to_ms, how) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut id = id.0;
        while insert.execute(params![id, step.from_ms, step.to_ms, step.how])? == 0 {
            id += 1;
        }
        Ok(())
    }

    /// Keeps what can be kept of a poisonous change, and why it is one.
    pub(crate) fn put_quarantine(
        &mut self,
        names: &Names,
        row: &Row,
        reason: &str,
    ) -> rusqlite::Result<()> {
        const SHOWN: usize = 1000;
        let short = |text: &str| -> String { text.chars().take(SHOWN).collect() };
        let series = names
            .get(row.change.series)
            .map_or_else(String::new, |series| series.path.to_string());
        let value = row
            .change
            .value
            .as_ref()
            .map(|value| short(&format!("{value:?}")));
        self.conn.execute(
            "INSERT INTO quarantine (at_ms, series, value, string, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row.at_ms, series, value, row.change.string.as_deref().map(short), reason],
        )?;
        Ok(())
    }

    /// Notes something about the file itself.
    pub(crate) fn put_meta(&mut self, key: &str, value: i64) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![key, value])?;
        Ok(())
    }

    /// Notes whose record and which of its histories the file goes on with; nothing is written where it says so already.
    /// True where it was another one's until now.
    pub(crate) fn put_identity(&mut self, identity: &Identity) -> rusqlite::Result<bool> {
        let (store, lineage) = (identity.store.to_string(), identity.present().to_string());
        let notes = [("store", store), ("lineage", lineage)];
        let (mut there, mut of_another) = (true, false);
        for (key, value) in &notes {
            let found: Option<String> = self
                .conn
                .query_row(
                    "SELECT value FROM meta WHERE key = ?1 AND typeof(value) = 'text'",
                    [key],
                    |row| row.get(0),
                )
                .optional()?;
            there &= found.as_ref() == Some(value);
            of_another |= found.is_some_and(|found| found != *value);
        }
        if there {
            return Ok(false);
        }
        self.begin()?;
        for (key, value) in &notes {
            self.conn.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
                params![key, value],
            )?;
        }
        self.commit()?;
        Ok(of_another)
    }

    /// Whether the day knows its states by itself.
    pub(crate) fn has_keyframe(&self) -> rusqlite::Result<bool> {
        self.conn
            .query_row("SELECT EXISTS (SELECT 1 FROM keyframes)", [], |row| {
                row.get(0)
            })
    }

    /// Leaves the recorder's digests of the state and of all changes, in a transaction of its own.
    pub(crate) fn put_digests(&mut self, state: &StateDigest) -> rusqlite::Result<()> {
        let rows = self.digest.now();
        self.begin()?;
        state.write(&self.conn)?;
        rows.vouch(&self.conn)?;
        self.commit()
    }

    /// Reads what was noted.
    pub(crate) fn meta(&self, key: &str) -> rusqlite::Result<Option<i64>> {
        load::meta(&self.conn, key)
    }

    /// SQLite's quick check; the first thing wrong, if any.
    pub(crate) fn quick_check(&self) -> rusqlite::Result<Option<String>> {
        let found: String = self
            .conn
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((found != "ok").then_some(found))
    }

    /// Ends the day: completes the postings and folds the log into the file.
    pub(crate) fn seal(mut self) -> rusqlite::Result<()> {
        if self.block.len() > 0 && !self.blocks_deferred {
            self.begin()?;
            self.block.write(&self.conn)?;
            self.conn.execute_batch("COMMIT")?;
        }
        self.close()
    }

    /// Folds the log into the file and leaves the file alone in its folder.
    pub(crate) fn close(self) -> rusqlite::Result<()> {
        // A reader may still use the log; that does no harm, and nobody waits for it here.
        self.conn
            .busy_timeout(std::time::Duration::from_millis(20))?;
        self.conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        // A file that is not in WAL mode can be read from anywhere without leaving companions beside it, also where
        // nothing may be written.
        let _ = self
            .conn
            .query_row("PRAGMA journal_mode = DELETE", [], |row| {
                row.get::<_, String>(0)
            });
        Ok(())
    }
}
