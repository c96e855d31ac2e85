//! A data folder that `initdb` made once, kept for all test processes of this user and copied for each cluster: every test has a process of
//! its own, and `initdb` for each would be most of the time that a test takes. The template is made anew after a day, because the sweepers
//! of temporary folders take single old files away.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::binaries::Binaries;
use crate::account::{Account, shared_folder};
use crate::{TestbedError, process};

const LIMIT: Duration = Duration::from_secs(120);
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Small log segments keep the template small; durable benches lose nothing that can be measured by them.
const INITDB: [&str; 8] = [
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--auth=scram-sha-256",
    "--wal-segsize=4",
    "--data-checksums",
    "--no-sync",
    "--no-instructions",
];
/// Made while the cluster of the template has no network yet.
const ROLES: &str = "CREATE ROLE cert_users NOLOGIN;\n";

/// A copy of the template.
pub(crate) struct Copy {
    /// The password of the user `postgres`.
    pub(crate) password: String,
}

/// Copies the template to `data`, which must not exist; makes the template first when there is none.
pub(crate) fn copy_to(binaries: &Binaries, account: &Account, data: &Path) -> Result<Copy, TestbedError> {
    let shared = shared_folder()?;
    account.must_reach(&shared)?;
    let mut key = DefaultHasher::new();
    (binaries.version(), binaries.path(""), INITDB, ROLES, account.id()).hash(&mut key);
    let folder = shared.join(format!("template-{:016x}", key.finish()));
    let lock_path = folder.with_extension("lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(TestbedError::file("the lock file can not be opened", &lock_path))?;
    let locked = |result: std::io::Result<()>| result.map_err(TestbedError::file("the lock can not be had", &lock_path));

    locked(lock.lock_shared())?;
    if !fresh(&folder) {
        locked(lock.unlock())?;
        locked(lock.lock())?;
        // Another process may have made it while this one waited.
        if !fresh(&folder) {
            make(binaries, account, &folder)?;
        }
        // From exclusive to shared there may be a gap, and it does no harm: the template is fresh for a day.
        locked(lock.lock_shared())?;
    }
    let mut copy = Command::new("cp");
    copy.args(["-a", "--reflink=auto", "--"]).arg(folder.join("data")).arg(data);
    process::must(copy, "", LIMIT)?;
    let path = folder.join("password");
    let password = fs::read_to_string(&path).map_err(TestbedError::file("the password can not be read", &path))?;
    Ok(Copy { password })
}

fn fresh(folder: &Path) -> bool {
    // The password is written last, so it says that all the rest is there.
    fs::metadata(folder.join("password")).and_then(|known| known.modified()).is_ok_and(|made| made.elapsed().is_ok_and(|age| age < LIFE))
}

fn make(binaries: &Binaries, account: &Account, folder: &Path) -> Result<(), TestbedError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(TestbedError::file("the old template can not be removed", folder))?;
    }
    // initdb is started by the other user: it makes its data folder itself, inside one that is its own, and reads the password there.
    fs::create_dir(folder).map_err(TestbedError::file("the folder can not be made", folder))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))
        .map_err(TestbedError::file("the folder's mode can not be set", folder))?;
    let data = folder.join("data");
    fs::create_dir(&data).map_err(TestbedError::file("the folder can not be made", &data))?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).map_err(TestbedError::file("the folder's mode can not be set", &data))?;
    account.own(&data)?;

    let password = uuid::Uuid::new_v4().simple().to_string();
    let told = write_secret(&folder.join("told"), &password)?;
    account.own(&told)?;
    let mut initdb = account.command(binaries.path("initdb"));
    initdb.args(INITDB).arg("--pgdata").arg(&data).arg("--pwfile").arg(&told).current_dir(folder);
    process::must(initdb, "", LIMIT)?;
    fs::remove_file(&told).map_err(TestbedError::file("the file can not be removed", &told))?;

    let mut single = account.command(binaries.path("postgres"));
    single.args(["--single", "-j", "-F", "-D"]).arg(&data).arg("postgres").current_dir(folder);
    process::must(single, ROLES, LIMIT)?;
    write_secret(&folder.join("password"), &password)?;
    Ok(())
}

fn write_secret(path: &Path, text: &str) -> Result<PathBuf, TestbedError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(TestbedError::file("the file can not be written", path))?;
    Ok(path.to_owned())
}
