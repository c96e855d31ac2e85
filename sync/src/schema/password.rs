//! Passwords of operators: made here if nobody has one in mind, and turned into a SCRAM verifier before they leave this program, so that no
//! log, statistics view or trace of the server ever holds one in clear.

use super::error::SchemaError;
use noctule_domain::secret::Secret;
use postgres_protocol::password::scram_sha_256;
use rand::RngExt;

const SHORTEST: usize = 10;
const LONGEST: usize = 200;
/// No characters that are taken for one another when a password is read out or copied from paper.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A new password: 24 letters and digits in groups of six, 137 bits.
pub fn generate_password() -> Secret {
    let mut random = rand::rng();
    let mut text = Vec::with_capacity(27);
    for at in 0..24 {
        if at > 0 && at % 6 == 0 {
            text.push(b'-');
        }
        text.push(LETTERS[random.random_range(0..LETTERS.len())]);
    }
    Secret::new(text)
}

/// What PostgreSQL stores instead of the password: SCRAM-SHA-256, with a salt of its own each time.
pub(super) fn verifier(password: &Secret) -> Result<String, SchemaError> {
    let bytes = password.expose();
    if bytes.len() < SHORTEST || bytes.len() > LONGEST {
        return Err(SchemaError::refused(format!("a password has {SHORTEST} to {LONGEST} bytes: nothing was changed; choose another")));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(scram_sha_256(bytes)),
        _ => Err(SchemaError::refused("a password is text without control characters: nothing was changed; choose another")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_are_good_and_differ() {
        let (one, two) = (generate_password(), generate_password());
        assert_ne!(one.expose(), two.expose());
        assert_eq!(one.expose().len(), 27);
        assert!(verifier(&one).expect("good").starts_with("SCRAM-SHA-256$4096:"));
        assert_ne!(verifier(&one).expect("good"), verifier(&one).expect("good"), "its own salt each time");
    }

    #[test]
    fn what_is_no_password_is_refused() {
        for bad in ["short", "has a\nline end", &"x".repeat(201)] {
            assert!(verifier(&Secret::new(bad)).is_err(), "{bad}");
        }
    }
}
