//! The commented example, and writing it. A configuration is written 0600 and never over one that is there, unless asked.

use super::ConfigError;
use noctule_domain::{SafeText, TenantId};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// assets/config.example.toml.
pub const EXAMPLE: &str = include_str!("../../assets/config.example.toml");

/// What stands in the example in place of a tenant id.
const NO_TENANT: &str = "00000000-0000-0000-0000-000000000000";

/// The example with an id of its own.
pub fn example_for(tenant: TenantId) -> String {
    EXAMPLE.replace(NO_TENANT, &tenant.to_string())
}

/// Writes the example for a new tenant.
pub fn write_example(file: &Path, tenant: TenantId, force: bool) -> Result<(), ConfigError> {
    let name = SafeText::new(&file.to_string_lossy());
    if !force && file.symlink_metadata().is_ok() {
        return Err(ConfigError::Exists { file: name });
    }
    write_private(file, example_for(tenant).as_bytes(), force).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => ConfigError::Exists { file: name.clone() },
        _ => ConfigError::Unwritable { file: name.clone(), why: SafeText::new(&error.to_string()) },
    })
}

/// Writes a file with mode 0600 in a folder with mode 0700 (when it has to be made). Without `replace` an existing file is an error;
/// with it, the old file is replaced in one step, so that a full disk leaves the old one.
pub fn write_private(file: &Path, content: &[u8], replace: bool) -> std::io::Result<()> {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let target = if replace { folder.join(format!(".{}.new", uuid::Uuid::new_v4().simple())) } else { file.to_path_buf() };
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
    let written = open
        .set_permissions(std::fs::Permissions::from_mode(0o600))
        .and_then(|()| open.write_all(content))
        .and_then(|()| open.sync_all())
        .and_then(|()| if replace { std::fs::rename(&target, file) } else { Ok(()) });
    if written.is_err() {
        // A half-written file would be taken for a configuration.
        let _ = std::fs::remove_file(&target);
    }
    written
}
