//! The migrations, in the program: a list of plain SQL files. A released file is never edited; its checksum is kept beside its number, and a
//! difference is refused rather than guessed about.

use sha2::{Digest, Sha256};

/// One migration: its number, its name, its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    pub version: i32,
    pub name: &'static str,
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/", $name, ".sql")),
        }),+]
    };
}

/// In their order.
pub const MIGRATIONS: &[Migration] = migrations![
    1 "0001_base",
    2 "0002_access",
    3 "0003_authority",
    4 "0004_push",
    5 "0005_people",
    6 "0006_import",
    7 "0007_aaa",
    8 "0008_import_whole",
    9 "0009_sessions",
    10 "0010_pools",
    11 "0011_suspend_reason",
    12 "0012_lean",
    13 "0013_reconcile",
    14 "0014_one_round_trip",
];

/// The schema version that this program makes.
pub const SCHEMA: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

impl Migration {
    /// SHA-256 of the statements, hex, with line ends as LF: a checkout on another system is the same migration.
    pub fn checksum(&self) -> String {
        let digest = Sha256::digest(self.sql.replace("\r\n", "\n").as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_by_one_and_stand_in_the_name() {
        for (at, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version), Ok(at + 1));
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)), "{}", migration.name);
        }
    }

    #[test]
    fn line_ends_make_no_other_migration() {
        let unix = Migration { version: 1, name: "a", sql: "SELECT 1;\nSELECT 2;\n" };
        let dos = Migration { sql: "SELECT 1;\r\nSELECT 2;\r\n", ..unix };
        assert_eq!(unix.checksum(), dos.checksum());
        assert_ne!(unix.checksum(), Migration { sql: "SELECT 1;", ..unix }.checksum());
    }
}
