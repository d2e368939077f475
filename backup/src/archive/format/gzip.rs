//! Gzip on all cores with constant memory: members of 1 MiB of input each, which any `gunzip` joins again.
//!
//! Each member says its own compressed length in an extra field (`QR`), so that it can be found without inflating
//! the ones before it and several can be inflated at once. Files without that field are read one after the other.

mod member;

use std::io::{self, Read, Write};
use std::path::Path;

use libdeflater::CompressionLvl;

use crate::archive::format::gzip::member::{BLOCK, HEADER, LARGEST, TRAILER};
use crate::digest::{Digest, Hashing};
use crate::disk::fault;
use crate::disk::lanes::{self, WorkerGone};
use crate::error::Error;
use crate::finding::Finding;

/// What went in and what came out, with hashes of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) raw_bytes: u64,
    pub(crate) raw_sha256: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Why compressed data did not come through.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The source cannot be read.
    Read(io::Error),
    /// The target cannot be written.
    Write(io::Error),
    /// The compressed bytes are not what a complete gzip file holds.
    Damaged(String),
}

impl From<WorkerGone> for Trouble {
    fn from(gone: WorkerGone) -> Trouble {
        Trouble::Read(io::Error::other(gone))
    }
}

impl Trouble {
    /// As an error about the file that was read or the one that was written.
    pub(crate) fn with(self, from: &Path, to: &Path) -> Error {
        match self {
            Trouble::Read(error) => Error::io(from, "read it")(error),
            Trouble::Write(error) => Error::io(to, "write it")(error),
            Trouble::Damaged(found) => Finding::new(from, "damaged")
                .expected("a whole gzip file")
                .found(found)
                .hint("use another backup, or bring it back from a copy")
                .into(),
        }
    }
}

/// Compresses everything `from` gives, as hard as `level` says (0 to 12, of libdeflate). `tick` hears how many raw bytes
/// are done, and stops the work with an error.
pub(crate) fn compress(
    from: &mut impl Read,
    to: &mut impl Write,
    level: i32,
    tick: &mut dyn FnMut(u64) -> io::Result<()>,
) -> Result<Sizes, Trouble> {
    let level = CompressionLvl::new(level).unwrap_or_default();
    let mut raw = Digest::default();
    let mut out = Hashing::new(to);
    lanes::in_order(
        |lane| {
            loop {
                let block = read_up_to(from, BLOCK).map_err(Trouble::Read)?;
                // An empty file still is a gzip file: one empty member.
                if block.is_empty() && raw.bytes() > 0 {
                    return Ok(());
                }
                raw.add(&block);
                tick(raw.bytes()).map_err(Trouble::Read)?;
                let last = block.is_empty();
                lane.send(block)?;
                if last {
                    return Ok(());
                }
            }
        },
        |block| member::press(&block, level),
        |member: io::Result<Vec<u8>>| {
            let written = fault::step().and_then(|()| out.write_all(&member?));
            written.map_err(Trouble::Write)
        },
    )?;
    let stored = out.digest;
    Ok(Sizes {
        raw_bytes: raw.bytes(),
        raw_sha256: raw.finish(),
        bytes: stored.bytes(),
        sha256: stored.finish(),
    })
}

/// Inflates a gzip file, ours or any other, checking every checksum in it. Never trusts a length it has not checked.
pub(crate) fn decompress(
    from: &mut impl Read,
    to: &mut impl Write,
    tick: &mut dyn FnMut(u64) -> io::Result<()>,
) -> Result<Sizes, Trouble> {
    let first = read_up_to(from, HEADER).map_err(Trouble::Read)?;
    if member::length(&first).is_some() {
        decompress_members(first, from, to, tick)
    } else {
        decompress_foreign(first, from, to, tick)
    }
}

fn decompress_members(
    first: Vec<u8>,
    from: &mut impl Read,
    to: &mut impl Write,
    tick: &mut dyn FnMut(u64) -> io::Result<()>,
) -> Result<Sizes, Trouble> {
    let mut stored = Digest::default();
    let mut out = Hashing::new(to);
    lanes::in_order(
        |lane| {
            let mut head = first;
            while !head.is_empty() {
                let at = stored.bytes();
                let damaged = |why: &str| Trouble::Damaged(format!("{why} at byte {at}"));
                let length = member::length(&head).ok_or_else(|| {
                    damaged(if head.len() < HEADER {
                        "the end of the file inside a gzip header"
                    } else {
                        "no gzip member of this archive"
                    })
                })?;
                if !(HEADER + TRAILER..=LARGEST).contains(&length) {
                    return Err(damaged("an impossible member length"));
                }
                let mut member = head;
                let rest = read_up_to(from, length - HEADER).map_err(Trouble::Read)?;
                member.extend_from_slice(&rest);
                if member.len() < length {
                    return Err(damaged("the end of the file inside the gzip member"));
                }
                stored.add(&member);
                lane.send((at, member))?;
                head = read_up_to(from, HEADER).map_err(Trouble::Read)?;
            }
            Ok(())
        },
        |(at, member)| {
            member::inflate(&member)
                .map_err(|why| Trouble::Damaged(format!("{why} in the gzip member at byte {at}")))
        },
        |block: Result<Vec<u8>, Trouble>| {
            out.write_all(&block?).map_err(Trouble::Write)?;
            tick(out.digest.bytes()).map_err(Trouble::Write)
        },
    )?;
    let raw = out.digest;
    Ok(Sizes {
        raw_bytes: raw.bytes(),
        raw_sha256: raw.finish(),
        bytes: stored.bytes(),
        sha256: stored.finish(),
    })
}

fn decompress_foreign(
    first: Vec<u8>,
    from: &mut impl Read,
    to: &mut impl Write,
    tick: &mut dyn FnMut(u64) -> io::Result<()>,
) -> Result<Sizes, Trouble> {
    if first.len() < 2 || first[..2] != [0x1f, 0x8b] {
        return Err(Trouble::Damaged(if first.is_empty() {
            "an empty file where a gzip file should be".into()
        } else {
            "a file that does not begin with 1f 8b, as gzip does".into()
        }));
    }
    let mut stored = Counting {
        from: first.as_slice().chain(from),
        digest: Digest::default(),
    };
    let mut out = Hashing::new(to);
    {
        let mut decoder = flate2::read::MultiGzDecoder::new(&mut stored);
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match decoder.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => out.write_all(&buffer[..n]).map_err(Trouble::Write)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(foreign_trouble(error)),
            }
            tick(out.digest.bytes()).map_err(Trouble::Write)?;
        }
    }
    let raw = out.digest;
    Ok(Sizes {
        raw_bytes: raw.bytes(),
        raw_sha256: raw.finish(),
        bytes: stored.digest.bytes(),
        sha256: stored.digest.finish(),
    })
}

fn foreign_trouble(error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Trouble::Damaged("a gzip file that was cut short".into()),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            Trouble::Damaged(format!("damaged gzip data ({error})"))
        }
        _ => Trouble::Read(error),
    }
}

fn read_up_to(from: &mut impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(limit);
    from.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

struct Counting<R> {
    from: R,
    digest: Digest,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.digest.add(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(raw: &[u8]) -> (Vec<u8>, Sizes) {
        let mut packed = Vec::new();
        let sizes = compress(&mut &raw[..], &mut packed, 1, &mut |_| Ok(())).unwrap();
        (packed, sizes)
    }

    fn unpacked(packed: &[u8]) -> Result<(Vec<u8>, Sizes), Trouble> {
        let mut raw = Vec::new();
        let sizes = decompress(&mut &packed[..], &mut raw, &mut |_| Ok(()))?;
        Ok((raw, sizes))
    }

    fn sample(len: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(7);
        (0..len).map(|i| (i % 97) as u8 ^ random.u8(0..4)).collect()
    }

    #[test]
    fn any_gunzip_reads_what_we_pack() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let raw = sample(len);
            let (packed, sizes) = packed(&raw);
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(&packed[..])
                .read_to_end(&mut plain)
                .unwrap();
            assert!(plain == raw, "{len}");
            let (back, again) = unpacked(&packed).unwrap();
            assert!(back == raw, "{len}");
            assert_eq!(sizes, again);
        }
    }

    #[test]
    fn other_tools_files_are_read_too() {
        let raw = sample(300_000);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(&raw).unwrap();
        let foreign = encoder.finish().unwrap();
        let (back, sizes) = unpacked(&foreign).unwrap();
        assert!(back == raw);
        assert_eq!(sizes.sha256, crate::digest::sha256(&foreign));
        assert!(matches!(
            unpacked(&foreign[..foreign.len() - 9]),
            Err(Trouble::Damaged(_))
        ));
    }

    #[test]
    fn a_file_cut_anywhere_is_damaged_unless_cut_between_members() {
        let raw = sample(BLOCK + 100);
        let (whole, _) = packed(&raw);
        let first = member::length(&whole).unwrap();
        for cut in [
            1,
            10,
            HEADER,
            first - 1,
            first + 1,
            first + HEADER,
            whole.len() - 1,
        ] {
            assert!(
                matches!(unpacked(&whole[..cut]), Err(Trouble::Damaged(_))),
                "{cut}"
            );
        }
        // Cut between members it is a valid gzip file with less data; length and hash in the manifest find that.
        assert_eq!(unpacked(&whole[..first]).unwrap().0.len(), BLOCK);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_flipped_bit_never_panics_and_never_passes_for_the_same_data(place in 0usize..20_000, bit in 0u8..8) {
            let raw = sample(60_000);
            let (mut bytes, _) = packed(&raw);
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
            if let Ok((_, sizes)) = unpacked(&bytes) {
                prop_assert_ne!(sizes.sha256, packed(&raw).1.sha256);
            }
        }

        #[test]
        fn any_bytes_at_all_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..2000), ours: bool) {
            let mut input = if ours { packed(b"x").0 } else { Vec::new() };
            input.extend(bytes);
            let _ = unpacked(&input);
        }
    }
}
