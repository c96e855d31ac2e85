//! Where the centre is, how its line is protected, and as whom we come. No secret is shown by Debug.

use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, TenantId};
use std::path::PathBuf;
use std::time::Duration;

/// How to reach one centre. Several hosts are one cluster: a primary and its standbys, tried in this order.
#[derive(Debug, Clone)]
pub struct CentreConfig {
    /// Host name or address and port; a name that begins with `/` is the folder of a unix socket.
    pub hosts: Vec<(String, u16)>,
    pub database: String,
    pub user: String,
    pub password: Option<Secret>,
    pub tls: Tls,
    pub tenant: TenantId,
    pub console: ConsoleId,
    /// For one host, from the first packet to the end of the login.
    pub connect_timeout: Duration,
    /// For one question and its answer. A line on which it passes is given up.
    pub call_timeout: Duration,
    /// Shown by the server beside the connection: `noctule 0.1.0`. The short id of the console is added.
    pub application: String,
}

/// How the line is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// For the loopback and unix sockets only; the command line refuses it elsewhere.
    Off,
    /// The server must show a certificate for the very name that was asked for, signed by `ca` (PEM file), or else by an authority that this
    /// system trusts.
    VerifyFull { ca: Option<PathBuf>, client: Option<ClientCertificate> },
}

/// PEM files. The key must not be readable by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl CentreConfig {
    /// As the server and the log show this connection. The server cuts at 63 bytes.
    pub(crate) fn application_name(&self) -> String {
        format!("{} {}", self.application, self.console.short())
    }
}
