//! A record's header: gzip's own, with what the record covers in the extra fields.

use crate::archive::format::segment::record::{Covers, Kind, LARGEST, Link, Mark, Record};
use crate::store::day::Day;
use crate::store::identity::LineageId;

/// Gzip's header and the length of the extra fields.
const GZIP: usize = 10 + 2;
/// `QR` with the member's length.
const QR: usize = 4 + 4;
/// `QS`: day, after, to, at_ms, number, lineage, the mark before, events, flags, and a checksum of all before it.
const QS: usize = 6 * 8 + 16 + 3 * 4;
/// `QH` of version 1: day, after, to, at_ms, events, reset.
const QH: usize = 4 * 8 + 2 * 4;

/// Bytes of a header.
pub(super) const SIZE: usize = GZIP + QR + 4 + QS;
/// Bytes of a header of version 1.
pub(super) const OLDER_SIZE: usize = GZIP + QR + 4 + QH;

/// Where the first number begins in both versions.
const FIELDS: usize = GZIP + QR + 4;
const LEFT: u32 = 1;

/// Gzip's header with the extra fields; the length and the checksum come with [`complete`].
pub(super) fn begin(covers: Covers, link: Link) -> Vec<u8> {
    // Deflate, with extra fields, without a time, from an unknown system.
    let mut head = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255];
    head.extend(((SIZE - GZIP) as u16).to_le_bytes());
    head.extend(*b"QR\x04\0\0\0\0\0");
    head.extend(*b"QS");
    head.extend((QS as u16).to_le_bytes());
    for number in [covers.day.start_ms(), covers.after, covers.to, covers.at_ms] {
        head.extend(number.to_le_bytes());
    }
    head.extend(link.number.to_le_bytes());
    head.extend(link.lineage.0.to_le_bytes());
    head.extend(link.previous.0);
    head.extend(covers.events.to_le_bytes());
    head.extend(if link.left { LEFT } else { 0 }.to_le_bytes());
    head.extend([0; 4]);
    head
}

/// Puts the record's length and the header's checksum in place.
pub(super) fn complete(record: &mut [u8], length: u32) {
    record[GZIP + 4..GZIP + 8].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(&record[..SIZE - 4]);
    record[SIZE - 4..SIZE].copy_from_slice(&sum.to_le_bytes());
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The record that begins with these bytes at `offset`, in either version.
pub(super) fn decode(head: &[u8], offset: u64) -> Option<Record> {
    if head.len() < OLDER_SIZE || head[..4] != [0x1f, 0x8b, 8, 4] || head[12..16] != *b"QR\x04\0" {
        return None;
    }
    let extra_length = usize::from(u16::from_le_bytes([head[10], head[11]]));
    let length = small(head, 16)? as usize;
    let (size, kind, events) = match &head[20..22] {
        b"QS" if head.len() >= SIZE => {
            if small(head, SIZE - 4)? != checksum(&head[..SIZE - 4]) {
                return None;
            }
            let flags = small(head, FIELDS + 68)?;
            let link = Link {
                number: long(head, FIELDS + 32)? as u64,
                lineage: LineageId(long(head, FIELDS + 40)? as u64),
                previous: Mark(head[FIELDS + 48..FIELDS + 64].try_into().ok()?),
                left: flags & LEFT != 0,
            };
            if flags > LEFT {
                return None;
            }
            (SIZE, Kind::Chained(link), small(head, FIELDS + 64)?)
        }
        b"QH" => {
            let reset = small(head, FIELDS + 36)?;
            if reset > 1 {
                return None;
            }
            let kind = Kind::Older { reset: reset != 0 };
            (OLDER_SIZE, kind, small(head, FIELDS + 32)?)
        }
        _ => return None,
    };
    if extra_length != size - GZIP
        || usize::from(u16::from_le_bytes([head[22], head[23]])) != size - FIELDS
        || !(size + 8..=LARGEST).contains(&length)
    {
        return None;
    }
    let day = Day::of_ms(long(head, FIELDS)?);
    let covers = Covers {
        day,
        after: long(head, FIELDS + 8)?,
        to: long(head, FIELDS + 16)?,
        at_ms: long(head, FIELDS + 24)?,
        events,
    };
    (day.start_ms() == long(head, FIELDS)?).then_some(Record {
        offset,
        length,
        covers,
        kind,
    })
}

fn long(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn small(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
