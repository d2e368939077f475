//! Which changes belong to which series, block by block: an index that is written once and never rebalanced.

use std::sync::LazyLock;

use rusqlite::{Connection, params};

/// Changes in a block, where a file has no more than 4,096 series.
const BLOCK: usize = 32_768;
/// Changes in a block at most: a query for one control scans no more rows than this without help.
const LARGEST: usize = 4 * BLOCK;
/// With fewer changes for each series a posting costs as much as an entry in an index.
const EACH: usize = 8;

/// Postings in one statement.
const TOGETHER: usize = 32;
const COLUMNS: usize = 4;

static INSERT_TOGETHER: LazyLock<String> = LazyLock::new(|| insert(TOGETHER));
static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert(1));

fn insert(postings: usize) -> String {
    let places = vec!["(?, ?, ?, ?)"; postings].join(", ");
    // FAIL: SQLite need not copy the pages before each statement.
    format!("INSERT OR FAIL INTO postings (block, series, count, ids) VALUES {places}")
}

/// Collects the ids of a block that is not full yet.
#[derive(Debug, Default)]
pub(crate) struct BlockBuilder {
    rows: Vec<(i64, i64)>,
    /// The highest number of a series so far. They are counted up, so there are about as many.
    series: usize,
}

impl BlockBuilder {
    /// Notes that the change `id` belongs to `series`. Ids must rise.
    pub(crate) fn push(&mut self, id: i64, series: i64) {
        self.rows.push((series, id));
        self.series = self.series.max(usize::try_from(series).unwrap_or(0));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= self.series.saturating_mul(EACH).clamp(BLOCK, LARGEST)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Writes the block and begins the next one. Call inside the transaction that writes its changes.
    pub(crate) fn write(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let (Some((_, first)), Some((_, last))) =
            (self.rows.first().copied(), self.rows.last().copied())
        else {
            return Ok(());
        };
        conn.prepare_cached("INSERT INTO blocks (first, last, count) VALUES (?1, ?2, ?3)")?
            .execute(params![first, last, self.rows.len()])?;
        // The ids of each series stay in their order.
        self.rows.sort_by_key(|(series, _)| *series);
        let runs: Vec<&[(i64, i64)]> = self.rows.chunk_by(|a, b| a.0 == b.0).collect();
        let chunks = runs.chunks_exact(TOGETHER);
        let rest = chunks.remainder();
        for postings in chunks {
            put(conn, &INSERT_TOGETHER, first, postings)?;
        }
        for posting in rest.chunks(1) {
            put(conn, &INSERT_ONE, first, posting)?;
        }
        self.rows.clear();
        Ok(())
    }
}

/// Writes postings, each the numbers of one series with their ids, by a statement that takes so many.
fn put(
    conn: &Connection,
    statement: &str,
    block: i64,
    postings: &[&[(i64, i64)]],
) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached(statement)?;
    let mut ids = Vec::new();
    for (place, posting) in postings.iter().enumerate() {
        ids.clear();
        let mut before = block;
        for (_, id) in *posting {
            push_leb128(&mut ids, (id - before) as u64);
            before = *id;
        }
        let column = place * COLUMNS + 1;
        insert.raw_bind_parameter(column, block)?;
        insert.raw_bind_parameter(column + 1, posting[0].0)?;
        insert.raw_bind_parameter(column + 2, posting.len())?;
        insert.raw_bind_parameter(column + 3, &ids)?;
    }
    insert.raw_execute().map(drop)
}

fn push_leb128(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Unpacks the ids of a posting, which rise; `None` when the bytes are not one.
pub(crate) fn unpack(block: i64, bytes: &[u8], ids: &mut Vec<i64>) -> Option<()> {
    const LONGEST: u32 = 56; // nine bytes hold every difference of two ids
    let (mut id, mut number, mut shift) = (block, 0i64, 0u32);
    for byte in bytes {
        number |= i64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            id = id.checked_add(number)?;
            ids.push(id);
            (number, shift) = (0, 0);
        } else if shift < LONGEST {
            shift += 7;
        } else {
            return None;
        }
    }
    (shift == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_come_back_as_they_went_in(first in 0i64..1 << 53, steps in proptest::collection::vec(0u64..1 << 40, 0..200)) {
            let (mut bytes, mut expected, mut id) = (Vec::new(), Vec::new(), first);
            for step in steps {
                push_leb128(&mut bytes, step);
                id += step as i64;
                expected.push(id);
            }
            let mut ids = Vec::new();
            prop_assert_eq!(unpack(first, &bytes, &mut ids), Some(()));
            prop_assert_eq!(ids, expected);
        }

        #[test]
        fn any_bytes_at_all_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = unpack(i64::MAX - 3, &bytes, &mut Vec::new());
        }
    }
}
