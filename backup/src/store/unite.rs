//! Brings rows of another day file into one. Series are known by their names: a number means nothing outside its file.

use rusqlite::Connection;

use crate::store::dictionary;

/// Makes the temporary table `joint` for an attached day file: for each of its series the number here, and whether
/// strings and positions follow from values by the same rule in both. Series that are new here are added; a rule that
/// only the other file has learned is taken over where no row here depends on having none. [`forget`] ends it.
pub(crate) fn series(conn: &Connection, other: &str) -> rusqlite::Result<()> {
    let columns = dictionary::listed(str::to_owned);
    let same_name = alike(&dictionary::NAMED, "=");
    let (text, range) = dictionary::RULES.split_at(5);
    conn.execute_batch(&format!(
        "INSERT INTO main.series ({columns}) SELECT {columns} FROM {other}.series WHERE true ON CONFLICT DO NOTHING;
         CREATE TEMP TABLE joint (other INTEGER PRIMARY KEY, main INTEGER NOT NULL, text, range);
         INSERT INTO temp.joint (other, main, text, range)
         SELECT o.id, m.id, NULL, NULL FROM {other}.series o JOIN main.series m ON {same_name};"
    ))?;
    for (rules, given, cell) in [(text, "rule", "string"), (range, "low", "position")] {
        let (all, theirs) = (rules.join(", "), rules.join(", o."));
        conn.execute_batch(&format!(
            "UPDATE main.series SET ({all}) = (
                 SELECT o.{theirs} FROM temp.joint j JOIN {other}.series o ON o.id = j.other WHERE j.main = series.id)
             WHERE {given} IS NULL
               AND id IN (SELECT j.main FROM temp.joint j JOIN {other}.series o ON o.id = j.other WHERE o.{given} IS NOT NULL)
               AND id NOT IN (SELECT DISTINCT series FROM main.changes WHERE {cell} IS NULL);"
        ))?;
    }
    let (same_text, same_range) = (alike(text, "IS"), alike(range, "IS"));
    conn.execute_batch(&format!(
        "UPDATE temp.joint SET (text, range) = (
             SELECT {same_text}, {same_range} FROM {other}.series o JOIN main.series m
             WHERE o.id = joint.other AND m.id = joint.main);"
    ))
}

/// Makes the temporary table `matches` for two attached day files: the numbers of each series that both know, and
/// whether all its rules are alike.
pub(crate) fn matches(conn: &Connection, one: &str, other: &str) -> rusqlite::Result<()> {
    let same_name = alike(&dictionary::NAMED, "=");
    let same_rules = alike(&dictionary::RULES, "IS");
    conn.execute_batch(&format!(
        "CREATE TEMP TABLE matches ({one} INTEGER PRIMARY KEY, {other} INTEGER UNIQUE, alike);
         INSERT INTO temp.matches ({one}, {other}, alike)
         SELECT m.id, o.id, {same_rules} FROM {one}.series m JOIN {other}.series o ON {same_name};"
    ))
}

fn alike(columns: &[&str], is: &str) -> String {
    let pairs = columns.iter().map(|name| format!("o.{name} {is} m.{name}"));
    pairs.collect::<Vec<_>>().join(" AND ")
}

/// What to do with a change whose id is taken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is an error: the two files do not belong together.
    Refuse,
    /// What is here stays.
    Keep,
}

/// Brings the changes with ids after `after`; gives their number.
pub(crate) fn changes(
    conn: &Connection,
    other: &str,
    after: i64,
    taken: Taken,
) -> rusqlite::Result<u64> {
    let insert = match taken {
        Taken::Refuse => "INSERT",
        Taken::Keep => "INSERT OR IGNORE",
    };
    let direct = format!(
        "{insert} INTO main.changes (id, series, value, string, position, at)
         SELECT c.id, j.main, c.value, c.string, c.position, c.at
         FROM {other}.changes c JOIN temp.joint j ON j.other = c.series WHERE c.id > ?1 AND {PLAIN} ORDER BY c.id"
    );
    let written_out = format!(
        "{insert} INTO main.changes (id, series, value, string, position, at)
         {} WHERE c.id > ?1 AND NOT ({PLAIN}) ORDER BY c.id",
        written_out(other)
    );
    Ok((conn.execute(&direct, [after])? + conn.execute(&written_out, [after])?) as u64)
}

/// A cell that is there means the same under any rule; one that follows from the value, only under its own.
const PLAIN: &str = "(j.text OR c.string IS NOT NULL) AND (j.range OR c.position IS NOT NULL)";

/// The other file's changes as they would lie here, without need of its rules.
fn written_out(other: &str) -> String {
    format!(
        "SELECT c.id, j.main, c.value,
                CASE WHEN j.text OR c.string IS NOT NULL THEN c.string ELSE coalesce(e.string_value, x'') END,
                CASE WHEN j.range OR c.position IS NOT NULL THEN c.position ELSE coalesce(e.position, x'') END, c.at
         FROM {other}.changes c JOIN temp.joint j ON j.other = c.series JOIN {other}.events e ON e.id = c.id"
    )
}

/// Brings those changes after `after` whose ids another control's change has here, or one of another time, each under
/// the next free id up to `last`. Gives their number. To be called before [`changes`].
pub(crate) fn displaced(
    conn: &Connection,
    other: &str,
    after: i64,
    last: i64,
) -> rusqlite::Result<u64> {
    let ids: Vec<i64> = conn
        .prepare(&format!(
            "SELECT c.id FROM {other}.changes c JOIN main.changes m ON m.id = c.id
             JOIN temp.joint j ON j.other = c.series
             WHERE c.id > ?1 AND NOT (m.series = j.main AND coalesce(m.at, m.id >> 12) = coalesce(c.at, c.id >> 12))
             ORDER BY c.id"
        ))?
        .query_map([after], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut brought = 0;
    for id in ids {
        // The same may have been brought before, under the id that was free then.
        let there: bool = conn
            .prepare_cached(&format!(
                "SELECT EXISTS (SELECT 1 FROM {other}.events e JOIN {other}.changes c ON c.id = e.id
                     JOIN temp.joint j ON j.other = c.series
                     JOIN main.changes m ON m.id > e.id AND m.id < (e.id / 4096 + 1) * 4096 AND m.series = j.main
                     JOIN main.events n ON n.id = m.id
                 WHERE e.id = ?1 AND n.timestamp = e.timestamp AND m.value IS c.value
                   AND n.string_value IS e.string_value AND n.position IS e.position)"
            ))?
            .query_row([id], |row| row.get(0))?;
        if there {
            continue;
        }
        let free: Option<i64> = conn
            .prepare_cached(&format!(
                "WITH RECURSIVE next (id) AS (
                     SELECT ?1 + 1 UNION ALL SELECT id + 1 FROM next
                     WHERE id < ?2 AND (EXISTS (SELECT 1 FROM main.changes m WHERE m.id = next.id)
                                        OR EXISTS (SELECT 1 FROM {other}.changes c WHERE c.id = next.id)))
                 SELECT max(id) FROM next"
            ))?
            .query_row([id, last], |row| row.get(0))?;
        let Some(free) = free.filter(|free| *free <= last) else {
            continue;
        };
        brought += conn
            .prepare_cached(&format!(
                "INSERT OR IGNORE INTO main.changes (id, series, value, string, position, at)
                 SELECT ?2, main, value, string, position, coalesce(at, nullif(?1 >> 12, ?2 >> 12))
                 FROM (SELECT c.id AS id, j.main AS main, c.value AS value, c.at AS at,
                              coalesce(e.string_value, x'') AS string, coalesce(e.position, x'') AS position
                       FROM {other}.changes c JOIN temp.joint j ON j.other = c.series JOIN {other}.events e ON e.id = c.id
                       WHERE c.id = ?1)"
            ))?
            .execute([id, free])? as u64;
    }
    Ok(brought)
}

/// The last change up to which both files hold the same, as far as the digests that they keep tell.
pub(crate) fn common(conn: &Connection, other: &str) -> rusqlite::Result<i64> {
    let keeps: bool = conn.query_row(
        &format!("SELECT EXISTS (SELECT 1 FROM {other}.sqlite_schema WHERE name = 'digests')"),
        [],
        |row| row.get(0),
    )?;
    if !keeps {
        return Ok(-1);
    }
    conn.query_row(
        &format!(
            "SELECT coalesce(max(m.id), -1) FROM main.digests m JOIN {other}.digests o
             ON o.count = m.count AND o.id = m.id AND o.sha256 = m.sha256"
        ),
        [],
        |row| row.get(0),
    )
}

/// Brings the keyframes with ids after `after`. Their cells are always written out.
pub(crate) fn keyframes(
    conn: &Connection,
    other: &str,
    after: i64,
    taken: Taken,
) -> rusqlite::Result<()> {
    // A keyframe that is there in part comes whole, or stays as it is.
    let insert = match taken {
        Taken::Refuse => "INSERT OR REPLACE",
        Taken::Keep => "INSERT OR IGNORE",
    };
    conn.execute_batch(&format!(
        "{insert} INTO main.keyframes (id, reason, count) SELECT id, reason, count FROM {other}.keyframes WHERE id > {after};
         {insert} INTO main.keyframe_states (keyframe, series, value, string, position)
         SELECT k.keyframe, j.main, k.value, k.string, k.position
         FROM {other}.keyframe_states k JOIN temp.joint j ON j.other = k.series WHERE k.keyframe > {after};"
    ))
}

/// Brings what has no series and an id after `after`: gaps, none of which begins before `gaps_from_ms`, and, where the
/// other file has them, origins, clock steps, controls and designs. Quarantined rows come all.
pub(crate) fn rest(
    conn: &Connection,
    other: &str,
    after: i64,
    gaps_from_ms: i64,
) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "INSERT OR IGNORE INTO main.gaps (id, from_ms, to_ms, why)
         SELECT id, max(from_ms, {gaps_from_ms}), to_ms, why FROM {other}.gaps
         WHERE id > {after} AND to_ms > {gaps_from_ms};
         INSERT INTO main.quarantine (at_ms, series, value, string, reason)
         SELECT at_ms, series, value, string, reason FROM {other}.quarantine
         EXCEPT SELECT at_ms, series, value, string, reason FROM main.quarantine;"
    ))?;
    let newer: bool = conn.query_row(
        &format!("SELECT EXISTS (SELECT 1 FROM {other}.sqlite_schema WHERE name = 'origins')"),
        [],
        |row| row.get(0),
    )?;
    if newer {
        for table in ["origins", "clock_steps", "controls", "designs"] {
            conn.execute_batch(&format!(
                "INSERT OR IGNORE INTO main.{table} SELECT * FROM {other}.{table} WHERE id > {after};"
            ))?;
        }
    }
    Ok(())
}

/// Ends what [`series`] began.
pub(crate) fn forget(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("DROP TABLE temp.joint;")
}
