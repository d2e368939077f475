//! Which changes each series has in a span: from the postings where a block is complete, from the changes elsewhere.

use crate::store::postings;
use crate::store::query::reader::DayReader;

/// Passes on a series and some ids of its changes in `low..=high`, rising, until all were passed on. The ids of one
/// series come in order.
/// `wanted` holds series numbers, ascending; `None` means all.
pub(super) fn each_id(
    reader: &DayReader,
    wanted: Option<&[i64]>,
    low: i64,
    high: i64,
    note: &mut dyn FnMut(i64, &[i64]),
) -> rusqlite::Result<()> {
    let conn = &reader.conn;
    let mut blocks = conn.prepare(
        "SELECT first, last FROM blocks WHERE last >= ?1 AND first <= ?2 ORDER BY first",
    )?;
    let mut found = blocks.query([low, high])?;
    let (mut from, mut ids) = (low, Vec::new());
    while let Some(block) = found.next()? {
        let (first, last): (i64, i64) = (block.get(0)?, block.get(1)?);
        if from < first {
            loose(reader, wanted, from, first - 1, note)?;
        }
        let mut take = |row: &rusqlite::Row<'_>| -> rusqlite::Result<()> {
            let series = row.get(0)?;
            ids.clear();
            if postings::unpack(first, row.get_ref(1)?.as_blob()?, &mut ids).is_none() {
                let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
                let what = format!("the postings of block {first} are damaged");
                return Err(rusqlite::Error::SqliteFailure(damaged, Some(what)));
            }
            let begin = ids.partition_point(|id| *id < low);
            let end = ids.partition_point(|id| *id <= high);
            if begin < end {
                note(series, &ids[begin..end]);
            }
            Ok(())
        };
        match wanted {
            None => {
                let mut all =
                    conn.prepare_cached("SELECT series, ids FROM postings WHERE block = ?1")?;
                let mut rows = all.query([first])?;
                while let Some(row) = rows.next()? {
                    take(row)?;
                }
            }
            Some(wanted) => {
                let one = "SELECT series, ids FROM postings WHERE block = ?1 AND series = ?2";
                let mut one = conn.prepare_cached(one)?;
                for series in wanted {
                    let mut rows = one.query([first, *series])?;
                    if let Some(row) = rows.next()? {
                        take(row)?;
                    }
                }
            }
        }
        from = last.saturating_add(1);
    }
    if from <= high {
        loose(reader, wanted, from, high, note)
    } else {
        Ok(())
    }
}

fn loose(
    reader: &DayReader,
    wanted: Option<&[i64]>,
    low: i64,
    high: i64,
    note: &mut dyn FnMut(i64, &[i64]),
) -> rusqlite::Result<()> {
    let sql = "SELECT id, series FROM changes WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let mut query = reader.conn.prepare_cached(sql)?;
    let mut rows = query.query([low, high])?;
    while let Some(row) = rows.next()? {
        let series = row.get(1)?;
        if wanted.is_none_or(|wanted| wanted.binary_search(&series).is_ok()) {
            note(series, &[row.get(0)?]);
        }
    }
    Ok(())
}
