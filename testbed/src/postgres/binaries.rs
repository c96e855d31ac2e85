//! Finds PostgreSQL 15 or newer on this machine: what `pg_config` says, then PATH, then where Debian keeps it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::{TestbedError, process};

const OLDEST: u32 = 15;
const NEEDED: [&str; 4] = ["postgres", "initdb", "pg_basebackup", "psql"];

/// The folder of the server's programs, and the version in words ("postgres (PostgreSQL) 15.13").
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    folder: PathBuf,
    version: String,
}

impl Binaries {
    /// Searches once a process.
    pub(crate) fn find() -> Result<Self, TestbedError> {
        static FOUND: OnceLock<Binaries> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found.clone());
        }
        let found = Self::search()?;
        Ok(FOUND.get_or_init(|| found).clone())
    }

    fn search() -> Result<Self, TestbedError> {
        let mut candidates = Vec::new();
        if let Ok(told) = process::must(config_command(), "", Duration::from_secs(10)) {
            candidates.push(PathBuf::from(told.stdout.trim()));
        }
        // Links are followed: what stands in PATH may be a link to one program of a folder that holds them all.
        candidates.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).filter_map(|folder| {
            let real = fs::canonicalize(folder.join("postgres")).ok()?;
            real.parent().map(Path::to_owned)
        }));
        let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        debian.sort();
        candidates.extend(debian.into_iter().rev().map(|(_, folder)| folder));

        let mut too_old = None;
        for folder in &candidates {
            if NEEDED.iter().any(|name| !folder.join(name).is_file()) {
                continue;
            }
            let mut command = Command::new(folder.join("postgres"));
            command.arg("--version");
            let version = process::must(command, "", Duration::from_secs(10))?.stdout.trim().to_owned();
            if major(&version).is_some_and(|major| major >= OLDEST) {
                return Ok(Self { folder: folder.clone(), version });
            }
            too_old = Some(TestbedError::PostgresTooOld { found: version, bin: folder.clone() });
        }
        Err(too_old.unwrap_or_else(|| TestbedError::PostgresMissing {
            searched: "pg_config --bindir, PATH, /usr/lib/postgresql/*/bin".to_owned(),
        }))
    }

    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

fn config_command() -> Command {
    let mut command = Command::new("pg_config");
    command.arg("--bindir");
    command
}

/// "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)" is 15; "18beta1" is 18.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn versions_are_understood() {
        assert_eq!(major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres"), None);
    }
}
