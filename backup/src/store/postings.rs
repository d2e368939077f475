//! Which changes belong to which series, block by block: an index that is written once and never rebalanced.

use rusqlite::{Connection, params};

/// Changes in a block, where a file has no more than 4,096 series.
const BLOCK: usize = 32_768;
/// Changes in a block at most: a query for one control scans no more rows than this without help.
const LARGEST: usize = 4 * BLOCK;
/// With fewer changes for each series a posting costs as much as an entry in an index.
const EACH: usize = 8;

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
        let mut insert = conn.prepare_cached(
            "INSERT INTO postings (block, series, count, ids) VALUES (?1, ?2, ?3, ?4)",
        )?;
        // The ids of each series stay in their order.
        self.rows.sort_by_key(|(series, _)| *series);
        let mut ids = Vec::new();
        for run in self.rows.chunk_by(|a, b| a.0 == b.0) {
            ids.clear();
            let mut before = first;
            for (_, id) in run {
                push_leb128(&mut ids, (id - before) as u64);
                before = *id;
            }
            insert.execute(params![first, run[0].0, run.len(), ids])?;
        }
        self.rows.clear();
        Ok(())
    }
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
