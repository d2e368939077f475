//! Changes that the recorder has just committed, kept in memory so that whoever follows the store need not read them
//! back from the file.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::types::ValueRef;

use crate::store::cell::StoredChange;
use crate::store::day::Day;

/// Bytes of rows that are kept at most. The oldest go first: whoever is so far behind reads the file.
const MOST_BYTES: usize = 1 << 20;

/// The changes committed last to the open day file. A *stretch* is a time in which nothing but changes was written into
/// one file, by the recorder alone. With anything else (a keyframe, a gap, a step of the clock, a new series or rule,
/// another file, any doubt) another stretch begins, and the file has to be read once.
#[derive(Debug, Default)]
pub(crate) struct Fresh(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    stretch: u64,
    file: Option<FreshFile>,
    /// The last change in the file.
    end: i64,
    runs: VecDeque<Run>,
    bytes: usize,
}

/// Which file the changes are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FreshFile {
    pub(crate) day: Day,
    /// Device and inode.
    pub(crate) place: (u64, u64),
}

/// The changes of one commit, in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The last change before them; -1: the day has none.
    after: i64,
    pub(crate) to: i64,
    pub(crate) rows: usize,
    bytes: Vec<u8>,
}

impl Fresh {
    /// The present stretch. To be asked before the file is read: of what is read then, nothing but changes can follow
    /// while the stretch lasts.
    pub(crate) fn stretch(&self) -> u64 {
        self.kept().stretch
    }

    /// Takes out what follows a change in the same stretch and file, with the first commit that brings it to `most` rows
    /// or more. `None`: the file has to be read.
    pub(crate) fn take(
        &self,
        stretch: u64,
        file: FreshFile,
        after: i64,
        most: usize,
    ) -> Option<Vec<Run>> {
        let mut kept = self.kept();
        if kept.stretch != stretch || kept.file != Some(file) {
            return None;
        }
        // What was read from the file meanwhile.
        while kept.runs.front().is_some_and(|run| run.to <= after) {
            kept.drop_oldest();
        }
        let follows = match kept.runs.front() {
            Some(run) => run.after == after,
            None => kept.end == after,
        };
        let (mut taken, mut rows) = (Vec::new(), 0);
        while follows
            && rows < most
            && let Some(run) = kept.drop_oldest()
        {
            rows += run.rows;
            taken.push(run);
        }
        follows.then_some(taken)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn drop_oldest(&mut self) -> Option<Run> {
        let run = self.runs.pop_front()?;
        self.bytes -= run.bytes.len();
        Some(run)
    }

    fn begin_stretch(&mut self) {
        self.stretch += 1;
        self.runs.clear();
        self.bytes = 0;
    }
}

/// The open day file's end. When it is dropped, nothing follows any more.
#[derive(Debug)]
pub(crate) struct FreshWriter {
    fresh: Arc<Fresh>,
    /// Of the open transaction.
    staged: Run,
    /// Something else than changes is in the open transaction.
    other: bool,
}

impl FreshWriter {
    /// For a file that was just opened, whose last change is `end`.
    pub(crate) fn begin(fresh: &Arc<Fresh>, file: FreshFile, end: i64) -> FreshWriter {
        let mut kept = fresh.kept();
        kept.begin_stretch();
        (kept.file, kept.end) = (Some(file), end);
        drop(kept);
        FreshWriter {
            fresh: Arc::clone(fresh),
            staged: Run {
                after: end,
                to: end,
                ..Run::default()
            },
            other: false,
        }
    }

    /// Notes a change that was written in the open transaction.
    pub(crate) fn push(&mut self, row: &StoredChange<'_>) {
        let bytes = &mut self.staged.bytes;
        bytes.extend(row.id.to_le_bytes());
        bytes.extend(row.series.to_le_bytes());
        for cell in [row.value, row.string, row.position, row.at] {
            push_cell(bytes, cell);
        }
        self.staged.to = row.id;
        self.staged.rows += 1;
    }

    /// Notes that something else than changes is written: the stretch ends when that is committed.
    pub(crate) fn other(&mut self) {
        self.other = true;
    }

    /// Somebody else wrote to the file: the stretch ends now.
    pub(crate) fn forget(&mut self) {
        self.fresh.kept().begin_stretch();
    }

    /// What was noted is committed.
    pub(crate) fn committed(&mut self) {
        let end = self.staged.to;
        let next = Run {
            after: end,
            to: end,
            ..Run::default()
        };
        let run = std::mem::replace(&mut self.staged, next);
        let mut kept = self.fresh.kept();
        kept.end = end;
        if std::mem::take(&mut self.other) {
            kept.begin_stretch();
        } else if run.rows > 0 {
            kept.bytes += run.bytes.len();
            kept.runs.push_back(run);
            while kept.bytes > MOST_BYTES {
                kept.drop_oldest();
            }
        }
    }
}

impl Drop for FreshWriter {
    fn drop(&mut self) {
        let mut kept = self.fresh.kept();
        kept.begin_stretch();
        kept.file = None;
    }
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

fn push_cell(bytes: &mut Vec<u8>, cell: ValueRef<'_>) {
    let (kind, content) = match cell {
        ValueRef::Null => return bytes.push(NULL),
        ValueRef::Integer(number) => {
            bytes.push(INTEGER);
            return bytes.extend(number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            bytes.push(REAL);
            return bytes.extend(number.to_le_bytes());
        }
        ValueRef::Text(text) => (TEXT, text),
        ValueRef::Blob(blob) => (BLOB, blob),
    };
    bytes.push(kind);
    bytes.extend(content.len().to_le_bytes());
    bytes.extend(content);
}

impl Run {
    /// Its changes in their order.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows { left: &self.bytes }
    }
}

/// Reads the changes of a run.
pub(crate) struct Rows<'a> {
    left: &'a [u8],
}

impl<'a> Rows<'a> {
    fn number(&mut self) -> Option<[u8; 8]> {
        let (number, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(*number)
    }

    fn content(&mut self) -> Option<&'a [u8]> {
        let length = usize::from_le_bytes(self.number()?);
        let (content, left) = self.left.split_at_checked(length)?;
        self.left = left;
        Some(content)
    }

    fn cell(&mut self) -> Option<ValueRef<'a>> {
        let (kind, left) = self.left.split_first()?;
        self.left = left;
        Some(match *kind {
            INTEGER => ValueRef::Integer(i64::from_le_bytes(self.number()?)),
            REAL => ValueRef::Real(f64::from_le_bytes(self.number()?)),
            TEXT => ValueRef::Text(self.content()?),
            BLOB => ValueRef::Blob(self.content()?),
            _ => ValueRef::Null,
        })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = StoredChange<'a>;

    fn next(&mut self) -> Option<StoredChange<'a>> {
        Some(StoredChange {
            id: i64::from_le_bytes(self.number()?),
            series: i64::from_le_bytes(self.number()?),
            value: self.cell()?,
            string: self.cell()?,
            position: self.cell()?,
            at: self.cell()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> FreshFile {
        FreshFile {
            day: Day::of_ms(0),
            place: (1, 2),
        }
    }

    fn row(id: i64) -> StoredChange<'static> {
        StoredChange {
            id,
            series: 3,
            value: ValueRef::Real(-0.0),
            string: ValueRef::Text(b"a\"\0b"),
            position: ValueRef::Blob(&[]),
            at: ValueRef::Null,
        }
    }

    fn commit(writer: &mut FreshWriter, ids: std::ops::Range<i64>) {
        ids.for_each(|id| writer.push(&row(id)));
        writer.committed();
    }

    fn ids(taken: Option<Vec<Run>>) -> Option<Vec<i64>> {
        let of = |run: &Run| run.rows().map(|row| row.id).collect::<Vec<_>>();
        Some(taken?.iter().flat_map(of).collect())
    }

    #[test]
    fn what_goes_in_comes_out_once_and_only_where_it_goes_on() {
        let fresh = Arc::default();
        let mut writer = FreshWriter::begin(&fresh, file(), 9);
        let stretch = fresh.stretch();
        let take = |after| ids(fresh.take(stretch, file(), after, 3));
        assert_eq!(take(9), Some(vec![]));
        assert_eq!(take(8), None);
        commit(&mut writer, 10..12);
        commit(&mut writer, 12..14);
        commit(&mut writer, 14..16);
        assert_eq!(take(10), None, "not between two rows of a commit");
        assert_eq!(take(9), Some(vec![10, 11, 12, 13]));
        assert_eq!(take(9), None, "it was taken");
        assert_eq!(take(13), Some(vec![14, 15]));
        assert_eq!(take(15), Some(vec![]));
        commit(&mut writer, 16..18);
        commit(&mut writer, 18..20);
        assert_eq!(
            take(17),
            Some(vec![18, 19]),
            "the file was read up to there"
        );
        let elsewhere = FreshFile {
            place: (1, 3),
            ..file()
        };
        assert!(fresh.take(stretch, elsewhere, 19, 3).is_none());
    }

    #[test]
    fn cells_keep_their_bits() {
        let fresh = Arc::default();
        let mut writer = FreshWriter::begin(&fresh, file(), -1);
        writer.push(&row(1));
        writer.committed();
        let taken = fresh.take(fresh.stretch(), file(), -1, 1).unwrap();
        let back = taken[0].rows().next().unwrap();
        assert_eq!(back, row(1));
        assert!(matches!(back.value, ValueRef::Real(zero) if zero.is_sign_negative()));
    }

    #[test]
    fn what_is_not_committed_or_comes_with_something_else_is_read_from_the_file() {
        let fresh = Arc::default();
        let mut writer = FreshWriter::begin(&fresh, file(), 0);
        let stretch = fresh.stretch();
        writer.push(&row(1));
        assert_eq!(ids(fresh.take(stretch, file(), 0, 9)), Some(vec![]));
        writer.other();
        writer.committed();
        assert!(fresh.take(stretch, file(), 0, 9).is_none());
        let stretch = fresh.stretch();
        assert_eq!(ids(fresh.take(stretch, file(), 1, 9)), Some(vec![]));
        commit(&mut writer, 2..3);
        drop(writer);
        assert!(fresh.take(stretch, file(), 1, 9).is_none());
        assert!(fresh.take(fresh.stretch(), file(), 1, 9).is_none());
    }

    #[test]
    fn the_oldest_go_where_nobody_takes_them() {
        let fresh = Arc::default();
        let mut writer = FreshWriter::begin(&fresh, file(), 0);
        let long = "x".repeat(MOST_BYTES / 4);
        let row = |id| StoredChange {
            string: ValueRef::Text(long.as_bytes()),
            ..row(id)
        };
        for id in 1..=6 {
            writer.push(&row(id));
            writer.committed();
        }
        let stretch = fresh.stretch();
        assert!(fresh.take(stretch, file(), 0, 9).is_none());
        assert_eq!(ids(fresh.take(stretch, file(), 3, 9)), Some(vec![4, 5, 6]));
    }
}
