//! A disk that is soon full: a small file system in memory. Root mounts it; anybody else has it mounted by a process that lives in a user
//! namespace of its own, and reaches it through `/proc`.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::account::euid;
use crate::watcher::{UNMOUNT, Watcher};
use crate::{TestbedError, process};

const LIMIT: Duration = Duration::from_secs(20);
/// The mode lets a server's own user enter; what it may write it gets from its folder inside.
const MODE: &str = "0711";
const HOLDER: &str = r#"
mount -t tmpfs -o "size=$2m,mode=$3" noctule-testbed "$1" && echo mounted && cat >/dev/null
umount -l -- "$1"
rmdir -- "$1"
"#;

/// A file system of a few MiB. Dropped: unmounted and removed; the same when the process is killed. Servers on it must be dropped first.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
    _end: End,
}

/// Held for its dropping only.
#[derive(Debug)]
#[expect(dead_code, reason = "nothing is asked of them but that they end")]
enum End {
    Unmounted(Watcher),
    Namespace(Holder),
}

/// The process in whose namespace the disk is mounted: the mount goes when it goes, and it goes when its input ends.
#[derive(Debug)]
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl SmallDisk {
    /// Mounts a file system of `mib` MiB. A PostgreSQL cluster takes about 40 of them before it holds anything.
    pub fn new(mib: u32) -> Result<Self, TestbedError> {
        let temporary = tempfile::Builder::new()
            .prefix("noctule-disk-")
            .tempdir()
            .map_err(TestbedError::file("the folder can not be made", std::env::temp_dir()))?;
        let path = temporary.path().to_owned();
        if euid() != 0 {
            return Self::in_namespace(temporary.keep(), mib);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711))
            .map_err(TestbedError::file("the folder's mode can not be set", &path))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m,mode={MODE}"), "noctule-testbed"]).arg(&path);
        process::must(mount, "", LIMIT).map_err(|error| TestbedError::NoDisk { why: error.to_string() })?;
        let watcher = Watcher::start(UNMOUNT, Path::new("/"), &[&path])?;
        // From here on the watcher removes the folder.
        let _ = temporary.keep();
        Ok(Self { path, _end: End::Unmounted(watcher) })
    }

    fn in_namespace(mount_point: PathBuf, mib: u32) -> Result<Self, TestbedError> {
        let spawned = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", HOLDER, "noctule-testbed-disk"])
            .arg(&mount_point)
            .args([&mib.to_string(), MODE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let process = spawned.map_err(|source| TestbedError::Spawn { program: "unshare".to_owned(), source })?;
        let mut holder = Holder(process);
        let (sender, said) = mpsc::channel();
        if let Some(output) = holder.0.stdout.take() {
            thread::spawn(move || {
                let mut line = String::new();
                let _ = BufReader::new(output).read_line(&mut line);
                let _ = sender.send(line);
            });
        }
        if said.recv_timeout(LIMIT).is_ok_and(|line| line.trim() == "mounted") {
            // `unshare` becomes the shell, so the number is that of the process which is in the namespace.
            let path = PathBuf::from(format!("/proc/{}/root{}", holder.0.id(), mount_point.display()));
            return Ok(Self { path, _end: End::Namespace(holder) });
        }
        Err(TestbedError::NoDisk { why: "`unshare --user --map-root-user --mount` and a mount in it failed".to_owned() })
    }

    /// Its uppermost folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes that can still be written.
    pub fn available(&self) -> Result<u64, TestbedError> {
        let known = rustix::fs::statvfs(&self.path)
            .map_err(|error| TestbedError::file("the disk can not be looked at", &self.path)(error.into()))?;
        Ok(known.f_bavail.saturating_mul(known.f_frsize))
    }

    /// Writes a file of ballast until all but `leave` bytes are taken (rounded up to a page). Tells how many bytes it took.
    pub fn fill(&self, leave: u64) -> Result<u64, TestbedError> {
        let path = self.ballast();
        let failed = |source| TestbedError::file("the ballast can not be written", &path)(source);
        let mut file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        let piece = vec![0xa5; 4096];
        let mut taken = 0;
        while self.available()? > leave {
            match file.write(&piece) {
                Ok(length) => taken += u64::try_from(length).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(taken)
    }

    /// Takes the ballast away: there is room again.
    pub fn free(&self) -> Result<(), TestbedError> {
        let path = self.ballast();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(TestbedError::file("the ballast can not be removed", path)(error)),
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}
