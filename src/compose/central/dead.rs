//! Consoles of this machine whose processes are known to be gone: each live one holds a lock file, and the kernel lets go of the lock even
//! after kill -9. What they were doing at the centre is taken over at once, instead of when their leases end.

use noctule_domain::ConsoleId;
use std::fs::File;
use std::path::Path;

/// Most that are told: they are told with every housekeeping.
const MAX: usize = 200;

/// Those whose lock can be had. When in doubt a console lives: its lease will end.
pub(super) fn consoles(folder: &Path) -> Vec<ConsoleId> {
    let Ok(entries) = std::fs::read_dir(folder.join("consoles")) else { return Vec::new() };
    let dead = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let console: ConsoleId = name.to_str()?.strip_suffix(".lock")?.parse().ok()?;
        File::open(entry.path()).ok()?.try_lock().is_ok().then_some(console)
    });
    dead.take(MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_its_lock_lives() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join("consoles")).expect("folder");
        let id = |n| ConsoleId::from_uuid(uuid::Uuid::from_u128(n));
        let file = |n| File::create(folder.path().join(format!("consoles/{}.lock", id(n)))).expect("file");
        let live = file(1);
        live.try_lock().expect("locked");
        drop(file(2));
        std::fs::write(folder.path().join("consoles/other.txt"), "x").expect("file");
        assert_eq!(consoles(folder.path()), [id(2)]);
        drop(live);
        assert_eq!(consoles(folder.path()).len(), 2);
        assert!(consoles(Path::new("/nowhere")).is_empty());
    }
}
