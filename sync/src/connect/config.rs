//! Where the centre is, how its line is protected, and as whom we come. No secret is shown by Debug.

use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, TenantId};
use noctule_tls::Tls;
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

impl CentreConfig {
    /// As the server and the log show this connection. The server cuts at 63 bytes.
    pub(crate) fn application_name(&self) -> String {
        format!("{} {}", self.application, self.console.short())
    }
}
