//! The proof of a PIN that a request carries: both ends make it, nobody sends the PIN.

use sha2::{Digest, Sha256};

/// HMAC-SHA256 with the PIN as key over `id \n kind \n target \n at`, as 64 lower-case hex digits.
///
/// `target` is the request's `pointId`, else its `moment`, else empty. The plugin puts the result into
/// `pinProof`; the agent makes it again from its own PIN and compares. A proof is good for one request only.
pub fn pin_proof(pin: &str, id: &str, kind: &str, target: &str, at: &str) -> String {
    let mut key = [0_u8; 64];
    if pin.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(pin.as_bytes()));
    } else {
        key[..pin.len()].copy_from_slice(pin.as_bytes());
    }
    let message = [id, kind, target, at].join("\n");
    let inner = Sha256::new()
        .chain_update(key.map(|byte| byte ^ 0x36))
        .chain_update(message.as_bytes())
        .finalize();
    let outer = Sha256::new()
        .chain_update(key.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
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

    const PROOF: &str = "4133ff108bc45fe0990ccf39c25af4c62fabbf10838ec06e0eeae020adf0b520";
}
