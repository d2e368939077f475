//! SHA-256 of bytes as they pass, written the way `sha256sum` prints it.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// Hashes and counts what goes through it.
#[derive(Clone, Default)]
pub(crate) struct Digest {
    hash: Sha256,
    bytes: u64,
}

impl Digest {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// 64 lower-case hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        hex(&self.hash.finalize())
    }
}

/// The SHA-256 of one piece.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.add(bytes);
    digest.finish()
}

/// The SHA-256 and length of everything a reader gives.
pub(crate) fn sha256_of(from: &mut impl Read) -> io::Result<(String, u64)> {
    let mut digest = Digest::default();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => digest.add(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let bytes = digest.bytes();
    Ok((digest.finish(), bytes))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

/// A writer that hashes what it passes on.
pub(crate) struct Hashing<W> {
    to: W,
    pub(crate) digest: Digest,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(to: W) -> Hashing<W> {
        Hashing {
            to,
            digest: Digest::default(),
        }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.digest.add(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_what_sha256sum_prints() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let (hash, bytes) = sha256_of(&mut &b"abc"[..]).unwrap();
        assert_eq!((hash, bytes), (sha256(b"abc"), 3));
    }
}
