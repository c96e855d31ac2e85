//! `--secrets-dir`: secrets that stand in a NAS file are put into private files, and the store gets references to those.

use crate::config::write_private;
use noctule_domain::SafeText;
use noctule_domain::secret::{Secret, SecretRef};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that are to be written. Nothing is written before `write`, which comes last before the rows are stored.
#[derive(Debug)]
pub struct LiteralSecrets {
    dir: PathBuf,
    pending: BTreeMap<PathBuf, Secret>,
}

impl LiteralSecrets {
    /// `dir` need not be there yet.
    pub fn new(dir: &Path) -> std::io::Result<Self> {
        Ok(Self { dir: std::path::absolute(dir)?, pending: BTreeMap::new() })
    }

    /// Remembers the secret of a NAS and gives the reference to its file.
    pub(super) fn take(&mut self, nas: &str, secret: &str) -> Result<SecretRef, String> {
        if secret.len() > crate::secrets::MAX_SECRET {
            return Err(format!("secret: is longer than {} bytes", crate::secrets::MAX_SECRET));
        }
        let path = self.dir.join(file_name(nas));
        let secret = Secret::new(secret);
        let there = std::fs::read(&path).ok().map(|mut bytes| {
            while bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            Secret::new(bytes)
        });
        let shown = SafeText::new(&path.to_string_lossy());
        if there.is_some_and(|there| there != secret) || self.pending.get(&path).is_some_and(|other| *other != secret) {
            return Err(format!("secret: {shown} is there already and holds another secret; remove it first if the new one is right"));
        }
        self.pending.insert(path.clone(), secret);
        Ok(SecretRef::File(path))
    }

    /// Writes the files with mode 0600. When one fails, those that were made are removed again.
    pub fn write(&self) -> Result<Written, String> {
        let mut written = Written { made: Vec::new(), keep: false };
        for (path, secret) in &self.pending {
            if path.exists() {
                continue;
            }
            write_private(path, secret.expose(), false)
                .map_err(|error| format!("{} can not be written: {error}", SafeText::new(&path.to_string_lossy())))?;
            written.made.push(path.clone());
        }
        Ok(written)
    }
}

/// Files just made; they go again unless `keep` is called.
#[derive(Debug)]
pub struct Written {
    made: Vec<PathBuf>,
    keep: bool,
}

impl Written {
    /// The rows that refer to them are stored.
    pub fn keep(mut self) -> usize {
        self.keep = true;
        self.made.len()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.keep {
            for path in &self.made {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// A name that is a file name everywhere: letters, digits and `-` stay, every other byte is written as `_` and two hex digits.
fn file_name(nas: &str) -> String {
    let mut name = String::with_capacity(nas.len() + 7);
    for byte in nas.to_lowercase().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => name.push(char::from(byte)),
            other => name.push_str(&format!("_{other:02x}")),
        }
    }
    name + ".secret"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_gets_a_private_file_that_goes_again_when_the_rows_are_not_stored() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("secrets");
        let mut literal = LiteralSecrets::new(&dir).unwrap();
        let reference = literal.take("../BNG 1", "hunter2hunter2").unwrap();
        let SecretRef::File(path) = &reference else { panic!("{reference}") };
        assert_eq!(path.parent(), Some(dir.as_path()));
        assert!(!path.exists(), "nothing is written before the rows are good");
        assert!(!format!("{literal:?}").contains("hunter2"));
        drop(literal.write().unwrap());
        assert!(!path.exists());
        assert_eq!(literal.write().unwrap().keep(), 1);
        assert_eq!(std::fs::read(path).unwrap(), b"hunter2hunter2");
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        let error = literal.take("../bng 1", "another-secret").unwrap_err();
        assert!(error.contains("another secret") && !error.contains("another-secret"));
        assert_eq!(literal.take("../BNG 1", "hunter2hunter2").unwrap(), reference);
    }
}
