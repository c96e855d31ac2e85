//! What can go wrong while a private server is made, started or asked. Every message says what to do where something can be done.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A private server could not be had, or did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum TestbedError {
    #[error("PostgreSQL 15 or newer is needed and was not found ({searched}). On Debian: apt-get install postgresql, or run .ci/setup")]
    PostgresMissing { searched: String },
    #[error("PostgreSQL {found} was found in {}; 15 or newer is needed", .bin.display())]
    PostgresTooOld { found: String, bin: PathBuf },
    #[error("this process is root, and PostgreSQL refuses to run as root; neither the user `postgres` nor `nobody` exists to run it as")]
    NoAccount,
    #[error(
        "FreeRADIUS with its PostgreSQL module is needed, and its configuration below /etc/freeradius must be readable (as root, or in the \
         group freerad). On Debian: apt-get install freeradius freeradius-utils freeradius-postgresql, or run .ci/setup"
    )]
    FreeRadiusMissing,
    #[error("{} can not be entered by the user {user} that runs PostgreSQL; set TMPDIR to a folder that everybody may enter, such as /tmp", .folder.display())]
    NotTraversable { folder: PathBuf, user: String },
    #[error("{} belongs to somebody else or may be written by others, and is not used; remove it", .0.display())]
    UnsafeFolder(PathBuf),
    #[error("{what}: {}", .path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{program} could not be run")]
    Spawn {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} did not end within {limit:?} and was killed")]
    TimedOut { program: String, limit: Duration },
    #[error("{program} failed ({code}): {stderr}")]
    Failed { program: String, code: String, stderr: String },
    #[error("the server on port {port} {what}. The end of its log:\n{log}")]
    Server { port: u16, what: String, log: String },
    #[error("no free port was found on 127.0.0.1 after {tries} tries")]
    NoPort { tries: u32 },
    #[error("certificates could not be made")]
    Certificate(#[from] rcgen::Error),
    #[error("this cluster was started without `tls`; it has no certificates")]
    NoTls,
    #[error("a network that fails could not be set up: {what}")]
    Link {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error(
        "a small disk could not be mounted, neither as root nor in a user namespace: {why}. Run the tests as root, or allow user namespaces"
    )]
    NoDisk { why: String },
}

impl TestbedError {
    /// For `map_err`: what was being done to which file.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
