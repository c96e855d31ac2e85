//! What the console remembers of its operator, in one small file of the state folder.

use noctule_ui::Preferences;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Larger than any preferences.
const MAX: u64 = 256 * 1024;

pub fn preferences_file(state: &Path) -> PathBuf {
    state.join("preferences.json")
}

/// Never fails: a file that is missing or broken gives the defaults, and the next save mends it.
pub fn load(file: &Path) -> Preferences {
    let Ok(meta) = std::fs::metadata(file) else { return Preferences::default() };
    if meta.len() > MAX {
        return Preferences::default();
    }
    std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Whole or not at all: written beside, then moved over.
pub fn save(file: &Path, preferences: &Preferences) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let beside = file.with_extension(format!("tmp-{}", std::process::id()));
    let mut out = std::fs::File::create(&beside)?;
    serde_json::to_writer_pretty(&mut out, preferences)?;
    out.flush()?;
    std::fs::rename(&beside, file)
}
