//! One gzip member: its input pressed in one go, and its own length in its header.

use std::io::{self, Read as _};

use libdeflater::{CompressionLvl, Compressor, Decompressor};

/// Input bytes of a member. A multiple of SQLite's page sizes, so equal pages stay equal blocks.
pub(super) const BLOCK: usize = 1 << 20;
/// Bytes before a member's deflate stream: the fixed header, the extra field's length, our subfield.
pub(super) const HEADER: usize = 20;
/// Bytes behind it: the CRC-32 and the length of what went in.
pub(super) const TRAILER: usize = 8;
/// Incompressible input grows by less than this.
pub(super) const LARGEST: usize = BLOCK + BLOCK / 64 + 1024;

/// Makes the member of a block.
pub(super) fn press(block: &[u8], level: CompressionLvl) -> io::Result<Vec<u8>> {
    let mut press = Compressor::new(level);
    let room = press.deflate_compress_bound(block.len());
    let mut member = vec![0; HEADER + room + TRAILER];
    let stream = press
        .deflate_compress(block, &mut member[HEADER..HEADER + room])
        .map_err(io::Error::other)?;
    let length = HEADER + stream + TRAILER;
    let said = u32::try_from(length).map_err(io::Error::other)?;
    // Gzip, deflate, an extra field; no time, no flags, an unknown system; the extra field and in it the member's length.
    member[..4].copy_from_slice(&[0x1f, 0x8b, 8, 4]);
    member[9] = 255;
    member[10..16].copy_from_slice(&[8, 0, b'Q', b'R', 4, 0]);
    member[16..HEADER].copy_from_slice(&said.to_le_bytes());
    member[HEADER + stream..length].copy_from_slice(&trailer(block));
    member.truncate(length);
    // Several wait in a row, mostly half as long as the room for them.
    member.shrink_to_fit();
    Ok(member)
}

/// What a member of this input ends with.
fn trailer(block: &[u8]) -> [u8; TRAILER] {
    let mut trailer = [0; TRAILER];
    trailer[..4].copy_from_slice(&libdeflater::crc32(block).to_le_bytes());
    // Gzip keeps the length's lower 32 bits.
    trailer[4..].copy_from_slice(&(block.len() as u32).to_le_bytes());
    trailer
}

/// The length that a header of ours gives for its member; `None` for any other header.
pub(super) fn length(head: &[u8]) -> Option<usize> {
    if head.len() < HEADER || head[..4] != [0x1f, 0x8b, 8, 4] {
        return None;
    }
    if head[10..16] != [8, 0, b'Q', b'R', 4, 0] {
        return None;
    }
    let length = u32::from_le_bytes(head[16..20].try_into().ok()?);
    usize::try_from(length).ok()
}

/// What went into a whole member, or what is wrong with it.
pub(super) fn inflate(member: &[u8]) -> Result<Vec<u8>, String> {
    let mut block = vec![0; BLOCK];
    if let Ok(length) = Decompressor::new().gzip_decompress(member, &mut block) {
        block.truncate(length);
        // It looks for the checksum behind the stream, wherever that ends.
        if member.ends_with(&trailer(&block)) {
            return Ok(block);
        }
    }
    inflate_and_tell(member)
}

/// The same byte by byte, which tells what is wrong.
fn inflate_and_tell(member: &[u8]) -> Result<Vec<u8>, String> {
    let mut decoder = flate2::bufread::GzDecoder::new(member);
    let mut block = Vec::with_capacity(BLOCK);
    let mut limited = (&mut decoder).take(BLOCK as u64 + 1);
    limited
        .read_to_end(&mut block)
        .map_err(|error| format!("damaged gzip data ({error})"))?;
    if block.len() > BLOCK {
        return Err("more data than a member may hold".into());
    }
    if !decoder.into_inner().is_empty() {
        return Err("bytes after the end of the data".into());
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn sample(len: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(7);
        (0..len).map(|i| (i % 97) as u8 ^ random.u8(0..4)).collect()
    }

    #[test]
    fn a_member_that_zlib_pressed_is_read() {
        let raw = sample(300_000);
        let extra = [b'Q', b'R', 4, 0, 0, 0, 0, 0];
        let mut encoder = flate2::GzBuilder::new()
            .extra(extra.as_slice())
            .write(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(&raw).unwrap();
        let older = encoder.finish().unwrap();
        assert_eq!(length(&older), Some(0));
        assert!(inflate(&older).unwrap() == raw);
    }

    #[test]
    fn a_member_is_as_long_as_it_says_and_its_header_is_the_documented_one() {
        for len in [0, 1, 5000, BLOCK] {
            let raw = sample(len);
            let member = press(&raw, CompressionLvl::default()).unwrap();
            assert_eq!(length(&member), Some(member.len()));
            assert_eq!(member[4..8], [0; 4]);
            assert!(inflate(&member).unwrap() == raw);
            assert!(inflate_and_tell(&member).unwrap() == raw);
        }
        let noise: Vec<u8> = {
            let mut random = fastrand::Rng::with_seed(1);
            (0..BLOCK).map(|_| random.u8(..)).collect()
        };
        let member = press(&noise, CompressionLvl::default()).unwrap();
        assert!(member.len() <= LARGEST && inflate(&member).unwrap() == noise);
    }

    #[test]
    fn bytes_behind_a_members_data_are_told() {
        let whole = press(&sample(5000), CompressionLvl::default()).unwrap();
        let end = whole.len();
        let said = "bytes after the end";
        for (place, put, said) in [
            (end, &b"more"[..], said),
            (end, &[0; 8], said),
            (end - TRAILER, b"more", "damaged gzip data"),
        ] {
            let mut longer = whole.clone();
            longer.splice(place..place, put.iter().copied());
            let found = inflate(&longer).unwrap_err();
            assert!(found.starts_with(said), "{place} {put:?}: {found}");
        }
    }

    #[test]
    fn a_member_that_inflates_to_more_than_it_may_is_told() {
        let member = press(&vec![0; BLOCK + 1], CompressionLvl::default()).unwrap();
        let found = inflate(&member).unwrap_err();
        assert_eq!(found, "more data than a member may hold");
    }
}
