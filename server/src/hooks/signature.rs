//! `X-Hook-Signature`: HMAC-SHA512 of the raw body in hexadecimal, keyed with the secret of the webhook object. Nothing else of the request is
//! signed, so an old delivery can come again: receiving one twice has to be harmless.

use hmac::{Hmac, KeyInit, Mac};
use noctule_domain::secret::Secret;
use sha2::Sha512;

pub const HEADER: &str = "x-hook-signature";
/// Bytes of an HMAC-SHA512.
const LENGTH: usize = 64;

/// Compared in constant time; a signature that is no hexadecimal of the right length is wrong.
pub fn verify(secret: &Secret, body: &[u8], signature: &[u8]) -> bool {
    let Some(given) = from_hex(signature) else { return false };
    mac(secret, body).is_some_and(|mac| mac.verify_slice(&given).is_ok())
}

/// As NetBox writes it. For tests and for `noctule doctor`.
pub fn sign(secret: &Secret, body: &[u8]) -> String {
    let bytes = mac(secret, body).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(secret: &Secret, body: &[u8]) -> Option<Hmac<Sha512>> {
    // A key of any length is taken.
    let mut mac = Hmac::<Sha512>::new_from_slice(secret.expose()).ok()?;
    mac.update(body);
    Some(mac)
}

fn from_hex(text: &[u8]) -> Option<[u8; LENGTH]> {
    if text.len() != 2 * LENGTH {
        return None;
    }
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut out = [0; LENGTH];
    for (to, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *to = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_signed_is_accepted_and_any_flipped_bit_is_not(key in prop::collection::vec(any::<u8>(), 0..200),
            body in prop::collection::vec(any::<u8>(), 0..500), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let secret = Secret::new(key.clone());
            let signature = sign(&secret, &body);
            prop_assert!(verify(&secret, &body, signature.as_bytes()));
            prop_assert!(verify(&secret, &body, signature.to_uppercase().as_bytes()));
            let mut other = body.clone();
            if !other.is_empty() {
                let at = at.index(other.len());
                other[at] ^= 1 << bit;
                prop_assert!(!verify(&secret, &other, signature.as_bytes()));
            }
            let mut wrong = signature.clone().into_bytes();
            let at = at.index(wrong.len());
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            prop_assert!(!verify(&secret, &body, &wrong));
        }

        #[test]
        fn no_header_panics(header in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!verify(&Secret::new("a secret of some length"), b"body", &header));
        }
    }
}
