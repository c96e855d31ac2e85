//! What an import did: counts of everything, reasons of the first thousand bad rows. Its size does not grow with the file.

use noctule_domain::SafeText;
use serde::Serialize;

/// Reasons kept.
pub const MAX_SHOWN: usize = 1000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    pub reason: SafeText,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub kind: &'static str,
    pub rows: u64,
    /// Rows that are in the store now.
    pub imported: u64,
    pub bad: u64,
    pub dry_run: bool,
    pub errors: Vec<BadRow>,
}

impl Report {
    pub fn new(kind: &'static str, dry_run: bool) -> Self {
        Self { kind, rows: 0, imported: 0, bad: 0, dry_run, errors: Vec::new() }
    }

    pub fn bad(&mut self, line: u64, reason: impl AsRef<str>) {
        self.bad += 1;
        if self.errors.len() < MAX_SHOWN {
            self.errors.push(BadRow { line, reason: SafeText::bounded(reason.as_ref(), 400) });
        }
    }

    /// Reasons in the order of the file: a batch may report later than the reader.
    pub fn sort(&mut self) {
        self.errors.sort_by_key(|bad| bad.line);
    }
}
