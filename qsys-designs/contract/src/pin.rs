//! The proof of a PIN: both sides make it, and the PIN itself never travels.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// HMAC-SHA256 over `id \n kind \n target \n at` with the PIN as key, as 64 lower-case hex digits.
///
/// `target` is the request's `pointId`, else its `moment`, else empty. The plugin puts the result into
/// `pinProof`; the agent makes it again from its own PIN and compares. A proof is good for one request only.
pub fn pin_proof(pin: &str, id: &str, kind: &str, target: &str, at: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(pin.as_bytes()).expect("HMAC takes a key of any length");
    mac.update([id, kind, target, at].join("\n").as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hmac_everybody_knows() {
        // `printf 'a\nrestore\nb2\nt' | openssl dgst -sha256 -hmac 4071`
        let proof = pin_proof("4071", "a", "restore", "b2", "t");
        assert_eq!(proof, PROOF);
        assert_ne!(proof, pin_proof("4071", "a", "restore", "b1", "t"));
        assert_ne!(proof, pin_proof("4072", "a", "restore", "b2", "t"));
    }

    #[test]
    fn a_pin_longer_than_a_block_is_hashed_first() {
        // The same message; `-hmac` with 100 times `7`.
        let proof = pin_proof(&"7".repeat(100), "a", "restore", "b2", "t");
        assert_eq!(proof, LONG_PROOF);
    }

    const PROOF: &str = "4133ff108bc45fe0990ccf39c25af4c62fabbf10838ec06e0eeae020adf0b520";
    const LONG_PROOF: &str = "07bf351ee082ff8b5f670988a1c9ae3cac54e79033ca4a595dc71a131c0d0b38";
}
