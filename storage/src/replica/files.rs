//! The folder of a copy: `outbox.db` (precious), the cache as numbered files of which a small pointer names the current one, the lock of
//! the process that syncs. A new cache gets a new number and the pointer moves: a database is never renamed over an open one, because
//! another process could mix the old one's write-ahead log with it.

use crate::open::{private_file, private_folder};
use noctule_domain::secret::Secret;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Freed on a full disk, so that answers and decisions can still be written.
pub(crate) const BALLAST: usize = 1024 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    /// Of an encrypted copy.
    key: Option<Secret>,
}

/// Held while the folder's files are made or exchanged; milliseconds.
pub(crate) struct Held(#[expect(dead_code, reason = "held for its lock")] File);

impl Files {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        private_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), key: None })
    }

    /// Without making anything.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), key: None }
    }

    pub(crate) fn locked_by(mut self, key: Option<Secret>) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn outbox(&self) -> PathBuf {
        self.folder.join("outbox.db")
    }

    pub(crate) fn cache(&self, number: u64) -> PathBuf {
        self.folder.join(format!("cache-{number}.db"))
    }

    fn pointer(&self) -> PathBuf {
        self.folder.join("cache.current")
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// The number of the current cache.
    pub(crate) fn current(&self) -> io::Result<Option<u64>> {
        match fs::read_to_string(self.pointer()) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Makes cache `number` the current one, durably.
    pub(crate) fn point_at(&self, number: u64) -> io::Result<()> {
        let beside = self.folder.join("cache.current.new");
        let mut file = private_file(&beside)?;
        file.set_len(0)?;
        writeln!(file, "{number}")?;
        file.sync_all()?;
        fs::rename(&beside, self.pointer())?;
        File::open(&self.folder)?.sync_all()
    }

    /// Numbers of the cache files that are there, ascending.
    pub(crate) fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|n| n.strip_prefix("cache-")).and_then(|n| n.strip_suffix(".db"));
            numbers.extend(number.and_then(|n| n.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A number that no file has or had, also before a wipe: whoever closes a database removes its log by name.
    pub(crate) fn next(&self) -> io::Result<u64> {
        let highest = self.numbers()?.last().copied().unwrap_or(0).max(self.current()?.unwrap_or(0));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok((highest + 1).max(u64::try_from(now.as_millis()).unwrap_or(0)))
    }

    pub(crate) fn remove(&self, number: u64) -> io::Result<()> {
        let path = self.cache(number);
        for suffix in ["-journal", "-wal", "-shm", ""] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            remove(Path::new(&name))?;
        }
        remove(&path.with_extension("fts"))
    }

    /// Deletes caches older than the current one, and logs whose cache is gone. Who still reads an old one goes on reading it.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        let Some(current) = self.current()? else { return Ok(()) };
        for number in self.numbers()?.into_iter().filter(|n| *n < current) {
            self.remove(number)?;
        }
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().filter(|n| n.starts_with("cache-")) else { continue };
            let database = ["-journal", "-wal", "-shm"].iter().find_map(|suffix| name.strip_suffix(suffix));
            if database.is_some_and(|database| !self.folder.join(database).exists()) {
                fs::remove_file(self.folder.join(name))?;
            }
        }
        Ok(())
    }

    /// The lock under which files are made or exchanged; waits for another process up to ten seconds.
    pub(crate) fn hold(&self) -> io::Result<Held> {
        let file = private_file(&self.folder.join("open.lock"))?;
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Held(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(TryLockError::Error(e)) => return Err(e),
            }
        }
    }

    /// The lock of the process that syncs; `None` when another one has it. The kernel lets go of it when that one dies.
    pub(crate) fn lead(&self) -> io::Result<Option<File>> {
        let file = private_file(&self.folder.join("sync.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    /// Lays by some room on the disk, if there is any.
    pub(crate) fn lay_ballast(&self) {
        let lay = || -> io::Result<()> {
            if fs::metadata(self.ballast()).is_ok_and(|m| m.len() == BALLAST as u64) {
                return Ok(());
            }
            let mut file = private_file(&self.ballast())?;
            // Not zeros: a file system may keep those for nothing, and then nothing is freed later.
            let block: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            (0..BALLAST / block.len()).try_for_each(|_| file.write_all(&block))?;
            file.sync_all()
        };
        if let Err(error) = lay() {
            tracing::debug!(%error, "no room could be laid by for a full disk");
            self.drop_ballast();
        }
    }

    /// True when there was some.
    pub(crate) fn drop_ballast(&self) -> bool {
        fs::remove_file(self.ballast()).is_ok()
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Removes the cache of `folder`, and with `also_unsent` the outbox too: everything that was kept of the centre. What another process
/// still has open it can read until it ends.
pub fn wipe(folder: &Path, also_unsent: bool) -> io::Result<()> {
    let files = Files::at(folder);
    if !folder.is_dir() {
        return Ok(());
    }
    let _held = files.hold()?;
    remove(&files.pointer())?;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with("cache-")
            || name.starts_with("cache.current")
            || name == "ballast"
            || name.starts_with("jobs.")
            || (also_unsent && name.starts_with("outbox.db"))
        {
            fs::remove_file(folder.join(name))?;
        }
    }
    File::open(folder)?.sync_all()
}
