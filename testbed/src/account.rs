//! As whom the servers run. PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`; anybody else as himself.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TestbedError;

/// The user that runs the servers. `other` is set only when it is not the user of this process.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    other: Option<(u32, u32, String)>,
}

/// The effective user id of this process.
pub(crate) fn euid() -> u32 {
    rustix::process::geteuid().as_raw()
}

impl Account {
    pub(crate) fn find() -> Result<Self, TestbedError> {
        if euid() != 0 {
            return Ok(Self { other: None });
        }
        let path = "/etc/passwd";
        let users = fs::read_to_string(path).map_err(TestbedError::file("the users of this machine can not be read", path))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
                let mut fields = line.split(':').skip(2);
                Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, (*name).to_owned()))
            })
            .map(|user| Self { other: Some(user) })
            .ok_or(TestbedError::NoAccount)
    }

    /// The id of the user, as part of a key.
    pub(crate) fn id(&self) -> u32 {
        self.other.as_ref().map_or_else(euid, |(id, ..)| *id)
    }

    /// A command that will run as this user (its groups are dropped by the standard library when root becomes somebody else).
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group, _)) = &self.other {
            command.uid(*user).gid(*group);
        }
        command
    }

    /// Makes the user the owner of one file or folder.
    pub(crate) fn own(&self, path: &Path) -> Result<(), TestbedError> {
        match &self.other {
            Some((user, group, _)) => {
                chown(path, Some(*user), Some(*group)).map_err(TestbedError::file("the owner can not be changed", path))
            }
            None => Ok(()),
        }
    }

    /// Whether the user can enter `folder` and all that is above it; said in words here, because the server's own words would be obscure.
    pub(crate) fn must_reach(&self, folder: &Path) -> Result<(), TestbedError> {
        let Some((user, _, name)) = &self.other else { return Ok(()) };
        for above in folder.ancestors() {
            let known = fs::metadata(above).map_err(TestbedError::file("the folder can not be looked at", above))?;
            if known.permissions().mode() & 0o001 == 0 && known.uid() != *user {
                return Err(TestbedError::NotTraversable { folder: above.to_owned(), user: name.clone() });
            }
        }
        Ok(())
    }
}

/// The folder that all test processes of this user share: templates and port locks. Never one that somebody else has prepared.
pub(crate) fn shared_folder() -> Result<PathBuf, TestbedError> {
    let path = std::env::temp_dir().join(format!("noctule-testbed-{}", euid()));
    match fs::create_dir(&path) {
        Ok(()) => fs::set_permissions(&path, fs::Permissions::from_mode(0o711))
            .map_err(TestbedError::file("the folder's mode can not be set", &path))?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(TestbedError::file("the folder can not be made", &path)(error)),
    }
    let known = fs::symlink_metadata(&path).map_err(TestbedError::file("the folder can not be looked at", &path))?;
    if !known.is_dir() || known.uid() != euid() || known.permissions().mode() & 0o022 != 0 {
        return Err(TestbedError::UnsafeFolder(path));
    }
    Ok(path)
}
