//! What a record says of itself: what it covers, and where it stands in the chain.

use sha2::{Digest as _, Sha256};

use crate::archive::format::segment::rows;
use crate::digest::hex;
use crate::store::day::Day;
use crate::store::identity::LineageId;

/// Far above what a shipper writes at once.
pub(super) const LARGEST: usize = 64 << 20;

/// What a record covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covers {
    pub(crate) day: Day,
    /// The last id of that day before the record; -1: the day begins with it.
    pub(crate) after: i64,
    /// The last id in it.
    pub(crate) to: i64,
    /// Everything that happened up to here has been shipped, Unix ms.
    pub(crate) at_ms: i64,
    pub(crate) events: u32,
}

/// Where a record stands in the chain of all records of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// The history that its rows are of.
    pub(crate) lineage: LineageId,
    /// That history left another one: no backup of a program that knew no lineages stands under it.
    pub(crate) left: bool,
    /// One more than that of the record before, in whatever file that lies.
    pub(crate) number: u64,
    /// The mark of the record before.
    pub(crate) previous: Mark,
}

/// The first 16 bytes of the SHA-256 over a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark(pub(crate) [u8; 16]);

impl Mark {
    /// Of a record as it lies in its file.
    pub(crate) fn of(record: &[u8]) -> Mark {
        let mut mark = [0; 16];
        mark.copy_from_slice(&Sha256::digest(record)[..16]);
        Mark(mark)
    }

    /// 32 hexadecimal digits.
    pub(crate) fn text(&self) -> String {
        hex(&self.0)
    }

    /// Reads what [`Mark::text`] gives.
    pub(crate) fn parse(text: &str) -> Option<Mark> {
        let bytes = rows::unhex(text)?;
        Some(Mark(bytes.try_into().ok()?))
    }
}

/// A record where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) offset: u64,
    pub(crate) length: usize,
    pub(crate) covers: Covers,
    pub(crate) kind: Kind,
}

/// Who wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This program: the record says where it belongs, and its rows are read with its own dictionary.
    Chained(Link),
    /// A program that wrote version 1: the record follows the one before it, and its rows are numbered as in the day.
    /// With `reset` the store was put back; what earlier files hold is another history.
    Older { reset: bool },
}

impl Record {
    /// Where it stands in the chain.
    pub(crate) fn link(&self) -> Option<Link> {
        match self.kind {
            Kind::Chained(link) => Some(link),
            Kind::Older { .. } => None,
        }
    }

    /// An older program says that another history begins here.
    pub(crate) fn resets(&self) -> bool {
        self.kind == Kind::Older { reset: true }
    }
}
