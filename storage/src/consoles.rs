//! Which consoles live: each holds an exclusive lock on a file of its own for as long as its process runs. A lock that can be had, or a
//! file that is missing, means that the console is dead; the kernel lets go of the lock even after kill -9.

use noctule_domain::ConsoleId;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The proof that this console lives. Dropping it says that it does not.
pub(crate) struct Alive {
    path: PathBuf,
    _lock: File,
}

fn path_of(folder: &Path, console: ConsoleId) -> PathBuf {
    folder.join(format!("{console}.lock"))
}

impl Alive {
    /// `Ok(None)` when another process has this console's lock.
    pub(crate) fn announce(folder: &Path, console: ConsoleId) -> io::Result<Option<Self>> {
        crate::open::private_folder(folder)?;
        let path = path_of(folder, console);
        let file = crate::open::private_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // While the lock is still held: nobody can have taken the name over.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// True when the process of `console` is known to be gone. When in doubt it lives: its lease will end.
pub(crate) fn is_dead(folder: &Path, console: ConsoleId) -> bool {
    match File::open(path_of(folder, console)) {
        Ok(file) => file.try_lock().is_ok(),
        Err(e) => e.kind() == io::ErrorKind::NotFound,
    }
}
