//! What can be wrong with a configuration, and where.

use noctule_domain::SafeText;
use std::fmt;
use std::path::PathBuf;

/// Where a wrong value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Lines count from 1.
    Line {
        file: PathBuf,
        line: usize,
    },
    Variable(String),
    Option(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{} line {line}", SafeText::new(&file.to_string_lossy())),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Option(name) => write!(f, "option {name}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{place}: {message}")]
    Wrong { place: Place, message: String },
    #[error("the configuration {file} can not be read: {why}")]
    Unreadable { file: SafeText, why: SafeText },
    #[error("there is no configuration at {0}: check the path given with --config or NOCTULE_CONFIG")]
    Missing(SafeText),
    #[error("no home folder is known (HOME is not set): give --config and --store, or set HOME")]
    NoHome,
    #[error("no tenant is configured: run `noctule init`, which writes a configuration with a new tenant id, or set tenant.id")]
    NoTenant,
    #[error("{file} is there already and was left as it is; --force writes over it")]
    Exists { file: SafeText },
    #[error("{file} can not be written: {why}")]
    Unwritable { file: SafeText, why: SafeText },
}

impl From<ConfigError> for crate::exit::Failure {
    fn from(error: ConfigError) -> Self {
        let exit = match error {
            ConfigError::Exists { .. } => crate::exit::Exit::Guard,
            _ => crate::exit::Exit::Config,
        };
        Self::new(exit, error.to_string())
    }
}
