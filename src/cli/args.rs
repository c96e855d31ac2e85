//! Words that options take.

use clap::ValueEnum;

/// When to use colour in the output of commands, and in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that has colours, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

/// What a CSV file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportKind {
    Subscribers,
    Nas,
    Technicians,
    Tasks,
}

impl ImportKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subscribers => "subscribers",
            Self::Nas => "nas",
            Self::Technicians => "technicians",
            Self::Tasks => "tasks",
        }
    }
}

/// What to write out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportKind {
    Subscribers,
    Nas,
    Technicians,
    Tasks,
    Operations,
    Audit,
}

impl ExportKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subscribers => "subscribers",
            Self::Nas => "nas",
            Self::Technicians => "technicians",
            Self::Tasks => "tasks",
            Self::Operations => "operations",
            Self::Audit => "audit",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One header line, then one line a row
    Csv,
    /// One JSON array of objects
    Json,
}
