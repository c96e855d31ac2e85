//! The Linux kernel's keyring: a password lies in the kernel's memory, for this user only, and is gone at reboot, at the last logout, or
//! after the time that was set. Nothing of it is ever written to a disk.

use crate::secrets::{MAX_SECRET, SecretError};
use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use noctule_domain::SafeText;
use noctule_domain::secret::Secret;
use std::time::Duration;

/// Names of other programs' keys are left alone: ours begin with this.
const OURS: &str = "noctule:";

/// Puts a password there, in place of the one under that name. `Some` lets it expire.
pub fn put(name: &str, secret: &Secret, keep: Option<Duration>) -> Result<(), SecretError> {
    with_ring(name, |ring| {
        let key = ring.add_key(&described(name), secret.expose())?;
        // Of the user, not only of the login session that put it there: the console in another terminal reads it too.
        key.set_perms(KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::ALL).build())?;
        if let Some(keep) = keep {
            key.set_timeout(usize::try_from(keep.as_secs()).unwrap_or(usize::MAX))?;
        }
        Ok(())
    })
}

/// The password under that name.
pub fn find(name: &str) -> Result<Secret, SecretError> {
    let bytes = with_ring(name, |ring| {
        let key = ring.search(&described(name))?;
        let mut buffer = vec![0u8; MAX_SECRET];
        let length = key.read(&mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    })?;
    if bytes.is_empty() {
        return Err(SecretError::NotInKeyring(SafeText::bounded(name, 80)));
    }
    Ok(Secret::new(bytes))
}

/// Takes it out. False when there was none.
pub fn forget(name: &str) -> Result<bool, SecretError> {
    let gone = with_ring(name, |ring| {
        let key = ring.search(&described(name))?;
        key.invalidate().or_else(|_| key.revoke())
    });
    match gone {
        Ok(()) => Ok(true),
        Err(SecretError::NotInKeyring(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn described(name: &str) -> String {
    format!("{OURS}{name}")
}

/// Works on the user's keyring from a thread of its own: a key may be read only by who possesses it, so the user's keyring is linked to
/// that of the thread, and the link goes with the thread.
fn with_ring<T: Send + 'static>(name: &str, work: impl FnOnce(&KeyRing) -> Result<T, KeyError> + Send) -> Result<T, SecretError> {
    let ended = std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)?;
            KeyRing::from_special_id(KeyRingIdentifier::Thread, true)?.link_keyring_id(KeyRingIdentifier::User)?;
            work(&user)
        });
        work.join()
    });
    let shown = SafeText::bounded(name, 80);
    match ended {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked)) => Err(SecretError::NotInKeyring(shown)),
        Ok(Err(error)) => Err(SecretError::NoKeyring(words(error))),
        Err(_) => Err(SecretError::NoKeyring("it failed inside".into())),
    }
}

fn words(error: KeyError) -> SafeText {
    // 38 is ENOSYS: the number that Linux gives for a call that it was built without.
    SafeText::from(match error {
        KeyError::PermissionDenied | KeyError::Unknown(38) | KeyError::OperationNotSupported => {
            "the system does not allow it, as in most containers".to_owned()
        }
        KeyError::AccessDenied => "the key belongs to another user".to_owned(),
        KeyError::QuotaExceeded => "the quota of keys is used up (see `keyctl show`)".to_owned(),
        other => format!("the kernel says {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where there is a keyring, a password makes the round; where there is none, the words say so. Both are decided, none is skipped.
    #[test]
    fn a_password_is_kept_found_replaced_and_forgotten_or_the_words_say_why_not() {
        let name = format!("test-{}", uuid::Uuid::new_v4());
        match put(&name, &Secret::new("correct horse"), Some(Duration::from_secs(60))) {
            Ok(()) => {
                assert_eq!(find(&name).expect("found").expose(), b"correct horse");
                put(&name, &Secret::new("battery staple"), None).expect("replaced");
                let elsewhere = name.clone();
                let found = std::thread::spawn(move || find(&elsewhere)).join().expect("thread").expect("found");
                assert_eq!(found.expose(), b"battery staple");
                assert!(forget(&name).expect("forgotten"));
                assert!(!forget(&name).expect("nothing there"));
                assert!(matches!(find(&name), Err(SecretError::NotInKeyring(_))));
            }
            Err(error) => {
                assert!(matches!(error, SecretError::NoKeyring(_)), "{error}");
                let said = error.to_string();
                assert!(said.contains("keyring") && said.contains("prompt") && !said.contains("horse"), "{said}");
            }
        }
    }
}
