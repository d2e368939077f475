//! The seal of a manifest: its last member, the SHA-256 of all bytes before that member's line.

use crate::digest::sha256;

const BEFORE: &[u8] = b"  \"seal\": \"";
const AFTER: &[u8] = b"\"\n}\n";

/// A JSON object whose closing brace is still to come, with the seal as its last member.
pub(crate) fn put_on(open_object: &[u8]) -> Vec<u8> {
    let mut bytes = [open_object, b",\n"].concat();
    let seal = sha256(&bytes);
    bytes.extend([BEFORE, seal.as_bytes(), AFTER].concat());
    bytes
}

/// Whether the seal is the one that belongs to the bytes before it.
pub(crate) fn is_true(bytes: &[u8]) -> bool {
    let Some(seal_line) = bytes.len().checked_sub(BEFORE.len() + 64 + AFTER.len()) else {
        return false;
    };
    let (content, seal) = bytes.split_at(seal_line);
    seal.strip_prefix(BEFORE)
        .and_then(|seal| seal.strip_suffix(AFTER))
        .is_some_and(|seal| seal == sha256(content).as_bytes())
}
