//! What the console remembers of its operator, in one small file of the state folder.

use noctule_ui::Preferences;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
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
    // For the owner alone: remembered filters name subscribers.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = file.with_extension(format!("tmp-{}", std::process::id()));
    let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    serde_json::to_writer_pretty(&mut out, preferences)?;
    out.flush()?;
    std::fs::rename(&beside, file)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_remembered_comes_back_and_is_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = preferences_file(&folder.path().join("state"));
        assert_eq!(load(&file), Preferences::default());
        let wanted = Preferences { theme: Some("light".to_owned()), mouse: true, ..Preferences::default() };
        save(&file, &wanted).unwrap();
        save(&file, &wanted).unwrap();
        assert_eq!(load(&file), wanted);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        std::fs::write(&file, "not json").unwrap();
        assert_eq!(load(&file), Preferences::default());
    }
}
