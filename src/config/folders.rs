//! Where configuration, store and state live: the folders of the platform (XDG on Linux). Nothing is made here.

use super::ConfigError;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    pub config: PathBuf,
    pub data: PathBuf,
    /// Logs and recordings.
    pub state: PathBuf,
}

impl Folders {
    pub fn find() -> Result<Self, ConfigError> {
        let dirs = directories::ProjectDirs::from("", "", "noctule").ok_or(ConfigError::NoHome)?;
        Ok(Self {
            config: dirs.config_dir().to_path_buf(),
            data: dirs.data_dir().to_path_buf(),
            state: dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_path_buf(),
        })
    }

    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    pub fn store_file(&self) -> PathBuf {
        self.data.join("noctule.db")
    }
}
