//! What a test may ask of its cluster.

use std::path::PathBuf;

/// How a cluster is to be started. `PostgresOptions::default()` is what [`crate::Postgres::start`] takes.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// TLS is offered, with a certificate of the cluster's own CA for 127.0.0.1 and localhost. Members of the role `cert_users` must then
    /// come with a client certificate (and need no password).
    pub tls: bool,
    /// TCP connections without TLS are refused. Means nothing without `tls`.
    pub tls_only: bool,
    /// More names that the server's certificate is good for.
    pub dns_names: Vec<String>,
    /// fsync and full_page_writes are on, as in production. Off by default: what was committed outlives a killed server all the same, and a
    /// test's data need not outlive the machine.
    pub durable: bool,
    /// Connections that the server accepts.
    pub max_connections: u32,
    /// Shared buffers in MiB.
    pub shared_buffers_mib: u32,
    /// The TCP port on 127.0.0.1. A free one by default.
    pub port: Option<u16>,
    /// An existing folder in which the data folder is made, such as that of a [`crate::SmallDisk`]; a private one by default.
    pub folder: Option<PathBuf>,
    /// More settings, as they stand in `postgresql.conf`; they win over all others. Values need no quotes.
    pub settings: Vec<(String, String)>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            tls: false,
            tls_only: false,
            dns_names: Vec::new(),
            durable: false,
            max_connections: 300,
            shared_buffers_mib: 32,
            port: None,
            folder: None,
            settings: Vec::new(),
        }
    }
}

impl PostgresOptions {
    /// One more setting.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }
}
