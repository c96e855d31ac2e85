//! Where the database of the FreeRADIUS is, as whom we come, and how the server writes user names there. No secret is shown by Debug.

use noctule_domain::secret::Secret;
use noctule_tls::Tls;
use std::time::Duration;

/// How to reach one database with the tables of FreeRADIUS.
#[derive(Debug, Clone)]
pub struct AaaConfig {
    /// Host name or address and port, tried in this order; a name that begins with `/` is the folder of a unix socket.
    pub hosts: Vec<(String, u16)>,
    pub database: String,
    pub user: String,
    pub password: Option<Secret>,
    pub tls: Tls,
    /// The schema that holds the tables.
    pub schema: String,
    pub names: Names,
    /// For one host, from the first packet to the end of the login.
    pub connect_timeout: Duration,
    /// For one question and its answer. A line on which it passes is given up.
    pub timeout: Duration,
    /// Shown by the server beside the connection.
    pub application: String,
}

/// How FreeRADIUS writes user names into its tables, and so how it looks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As installed: what is not in `safe_characters` is written as `=` and two hexadecimal digits.
    Escaped,
    /// With `auto_escape = yes` in queries.conf: as they are.
    Plain,
}
