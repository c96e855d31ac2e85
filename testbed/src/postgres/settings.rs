//! The two files that say how a cluster behaves: `postgresql.conf` and `pg_hba.conf`. Both are written whole, so nothing depends on what a
//! distribution puts into them.

use std::fmt::Write;
use std::path::Path;

use super::options::PostgresOptions;

/// `postgresql.conf`.
pub(crate) fn configuration(options: &PostgresOptions, port: u16, sockets: &Path) -> String {
    let on = |yes: bool| if yes { "on" } else { "off" }.to_owned();
    let mut rows: Vec<(&str, String)> = vec![
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("unix_socket_directories", sockets.display().to_string()),
        ("max_connections", options.max_connections.to_string()),
        ("shared_buffers", format!("{}MB", options.shared_buffers_mib)),
        ("shared_preload_libraries", String::new()),
        ("password_encryption", "scram-sha-256".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("lc_messages", "C.UTF-8".to_owned()),
        ("lc_monetary", "C.UTF-8".to_owned()),
        ("lc_numeric", "C.UTF-8".to_owned()),
        ("lc_time", "C.UTF-8".to_owned()),
        ("default_text_search_config", "pg_catalog.simple".to_owned()),
        ("wal_level", "replica".to_owned()),
        ("max_wal_senders", "5".to_owned()),
        // A standby that was away for a while still finds what it missed.
        ("wal_keep_size", "64MB".to_owned()),
        ("min_wal_size", "8MB".to_owned()),
        ("max_wal_size", "1GB".to_owned()),
        ("hot_standby", "on".to_owned()),
        ("wal_retrieve_retry_interval", "100ms".to_owned()),
        ("fsync", on(options.durable)),
        ("full_page_writes", on(options.durable)),
        // Also without fsync: what was committed has reached the kernel, so it outlives a killed server.
        ("synchronous_commit", "on".to_owned()),
        ("logging_collector", "off".to_owned()),
        ("log_line_prefix", "%m [%p] %q%u@%d ".to_owned()),
        ("ssl", on(options.tls)),
    ];
    if options.tls {
        rows.push(("ssl_ca_file", "ca.crt".to_owned()));
        rows.push(("ssl_cert_file", "server.crt".to_owned()));
        rows.push(("ssl_key_file", "server.key".to_owned()));
    }
    rows.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
    rows.iter().fold(String::new(), |mut text, (name, value)| {
        // Writing into a String does not fail.
        let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        text
    })
}

/// `pg_hba.conf`: the first row that fits decides.
pub(crate) fn access(options: &PostgresOptions) -> String {
    let mut text = String::from("local all all scram-sha-256\n");
    if options.tls {
        text.push_str("hostssl all +cert_users 127.0.0.1/32 cert\n");
        text.push_str("hostnossl all +cert_users 127.0.0.1/32 reject\n");
        if options.tls_only {
            text.push_str("hostnossl all all 127.0.0.1/32 reject\n");
        }
    }
    text.push_str("host all all 127.0.0.1/32 scram-sha-256\n");
    text.push_str("host replication all 127.0.0.1/32 scram-sha-256\n");
    text
}
