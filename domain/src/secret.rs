//! Where a secret is found, and the secret itself: a type that shows nothing.

use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, path::PathBuf, str::FromStr};

/// A secret in memory. Debug, Display and Serialize print a placeholder. The bytes are overwritten when dropped, as far as safe Rust can.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes. Only the code that signs or sends calls this.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// A secret that a guesser would find: short, or one of the famous ones.
    pub fn is_weak(&self) -> bool {
        const FAMOUS: [&[u8]; 6] = [b"testing123", b"radius", b"secret", b"password", b"cisco", b"mikrotik"];
        self.0.len() < 16 || FAMOUS.contains(&self.0.as_slice())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

/// Where a secret is found: `env:NAME`, `file:PATH` (mode 0600 or stricter), `command:PROGRAM ARGUMENTS` (no shell), `keyring:NAME` (the
/// kernel's keyring: memory, gone at logout or reboot) or `prompt` (asked on the terminal, kept in memory).
/// The store and the configuration hold this, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    Env(String),
    File(PathBuf),
    Command(String),
    Keyring(String),
    Prompt,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret is named as env:NAME, file:PATH, command:PROGRAM ARGUMENTS, keyring:NAME or prompt; it is never written out here")]
pub struct BadSecretRef;

impl FromStr for SecretRef {
    type Err = BadSecretRef;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((_, "")) => Err(BadSecretRef),
            Some(("env", name)) => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) => Ok(Self::File(path.into())),
            Some(("command", line)) => Ok(Self::Command(line.to_owned())),
            Some(("keyring", name)) => Ok(Self::Keyring(name.to_owned())),
            None if text == "prompt" => Ok(Self::Prompt),
            _ => Err(BadSecretRef),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Command(line) => write!(f, "command:{line}"),
            Self::Keyring(name) => write!(f, "keyring:{name}"),
            Self::Prompt => f.write_str("prompt"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing() {
        let secret = Secret::new("wonderland-and-more");
        for shown in [format!("{secret:?}"), format!("{secret}"), serde_json::to_string(&secret).expect("serialises")] {
            assert!(!shown.contains("wonderland"), "{shown}");
        }
    }

    #[test]
    fn a_literal_secret_is_not_a_reference_and_is_not_echoed() {
        let error = "hunter2".parse::<SecretRef>().expect_err("refused");
        assert!(!error.to_string().contains("hunter2"));
        for reference in ["env:X", "file:/x", "command:pass show x", "keyring:noctule-central", "prompt"] {
            assert_eq!(reference.parse::<SecretRef>().expect("parses").to_string(), reference);
        }
    }
}
