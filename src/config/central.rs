//! `[central]`: where the PostgreSQL is that consoles share, and as whom they come. An address that would carry a password, and a
//! connection that others could read, are refused here, before anything is asked of the network.

use noctule_domain::secret::SecretRef;
use noctule_domain::{SafeText, words};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// PostgreSQL's own.
const PORT: u16 = 5432;
/// libpq knows no limit; more than this is a mistake.
const MAX_HOSTS: usize = 8;

words!(
    /// How the connection is protected.
    TlsMode {
        VerifyFull = "verify-full",
        /// Only towards this machine.
        Off = "off",
    }
);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CentralConfig {
    pub url: Option<String>,
    pub user: Option<SafeText>,
    pub password: Option<SecretRef>,
    pub tls: TlsMode,
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub read_url: Option<String>,
    pub poll_s: u32,
    pub listen: bool,
    pub connect_timeout_s: u32,
    pub timeout_s: u32,
    pub folder: Option<PathBuf>,
    pub store_key: Option<SecretRef>,
}

impl Default for CentralConfig {
    fn default() -> Self {
        Self {
            url: None,
            user: None,
            password: None,
            tls: TlsMode::VerifyFull,
            ca_file: None,
            cert_file: None,
            key_file: None,
            read_url: None,
            poll_s: 5,
            listen: true,
            connect_timeout_s: 5,
            timeout_s: 30,
            folder: None,
            store_key: None,
        }
    }
}

/// Hosts in the order in which they are tried, and the database. A host that begins with `/` is a folder of sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub hosts: Vec<(String, u16)>,
    pub database: String,
}

impl Place {
    /// `postgresql://host1[:port],host2[:port]/database`. No error repeats what stood before an `@`.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"));
        let rest = rest.ok_or("postgresql://HOST/DATABASE is wanted")?;
        if rest.contains('@') {
            return Err("a user name or password in the address is refused: set central.user, and let `noctule login` take the password");
        }
        if rest.contains(['?', '#']) || url.chars().any(|c| c.is_whitespace() || noctule_domain::text::is_dangerous(c)) {
            return Err("an address without options is wanted: postgresql://HOST[:PORT]/DATABASE");
        }
        let (hosts, database) = rest.split_once('/').ok_or("the database is missing: postgresql://HOST/DATABASE")?;
        if database.is_empty() || database.contains('/') {
            return Err("the database is missing: postgresql://HOST/DATABASE");
        }
        let hosts = hosts.split(',').map(host).collect::<Result<Vec<_>, _>>()?;
        if hosts.len() > MAX_HOSTS {
            return Err("more than eight hosts");
        }
        Ok(Self { hosts, database: database.to_owned() })
    }

    /// True where nobody between could listen: every host is this machine.
    pub fn is_this_machine(&self) -> bool {
        self.hosts.iter().all(|(host, _)| {
            host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        })
    }

    /// `db1:5432, db2:5432, database noctule`, for people.
    pub fn words(&self) -> SafeText {
        let hosts: Vec<String> = self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        SafeText::new(&format!("{}, database {}", hosts.join(", "), self.database))
    }
}

fn host(text: &str) -> Result<(String, u16), &'static str> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or("a [ without its ] in the address")?;
            (address.to_owned(), after.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name.to_owned(), Some(port)),
            None => (text.to_owned(), None),
        },
    };
    let name = name.replace("%2F", "/").replace("%2f", "/");
    if name.is_empty() {
        return Err("a host is missing: postgresql://HOST/DATABASE");
    }
    let port = match port {
        None => PORT,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or("a port is a number from 1 to 65535")?,
    };
    Ok((name, port))
}

/// Where a secret may be found depends on what it opens.
pub(super) fn secret_rules(section: &str, name: &str, reference: &SecretRef) -> Result<(), &'static str> {
    match (section, reference) {
        ("central", SecretRef::File(_)) if name == "store_key" => {
            Err("a file is refused here: the key would lie beside what it protects; use keyring:NAME, command: or env:")
        }
        ("central", SecretRef::Prompt) if name == "store_key" => Err("use keyring:NAME, command: or env: for this key"),
        ("central", SecretRef::File(_)) => Err("a file is refused here: the password would lie on the disk in clear; use keyring:NAME \
             and `noctule login`, command: with a password program, or prompt"),
        ("central", _) => Ok(()),
        (_, SecretRef::Prompt) => Err("prompt is for central.password only; use keyring:NAME, command:, env: or file:"),
        _ => Ok(()),
    }
}

impl CentralConfig {
    pub fn is_on(&self) -> bool {
        self.url.is_some()
    }

    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_s.into())
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.into())
    }

    pub fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_s.into())
    }

    /// Rules between keys: the key that is wrong, and why.
    pub(super) fn rules(&self) -> Result<(), (&'static str, &'static str)> {
        for (name, url) in [("url", &self.url), ("read_url", &self.read_url)] {
            let Some(url) = url else { continue };
            let place = Place::parse(url).map_err(|why| (name, why))?;
            if self.tls == TlsMode::Off && !place.is_this_machine() {
                return Err((
                    "tls",
                    "off is refused: a host is another machine, and password and rows would cross the network unprotected",
                ));
            }
        }
        if self.url.is_none() && self.read_url.is_some() {
            return Err(("read_url", "there is no central.url beside it"));
        }
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => Err(("cert_file", "its private key is missing: set key_file")),
            (None, Some(_)) => Err(("key_file", "its certificate is missing: set cert_file")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_hosts_and_a_database_and_nothing_else() {
        let place = Place::parse("postgresql://db1,db2:6432,[2001:db8::5]:7,%2Frun%2Fpg/noctule").expect("a place");
        let hosts: Vec<(&str, u16)> = place.hosts.iter().map(|(host, port)| (host.as_str(), *port)).collect();
        assert_eq!(hosts, [("db1", 5432), ("db2", 6432), ("2001:db8::5", 7), ("/run/pg", 5432)]);
        assert_eq!(place.database, "noctule");
        for bad in [
            "db1/noctule",
            "postgresql://db1",
            "postgresql:///x",
            "postgresql://db1/",
            "postgresql://db1:0/x",
            "postgresql://db1:x/x",
            "postgresql://db1/x?sslmode=disable",
            "postgresql://db1/a/b",
            "postgresql://[::1/x",
            "postgresql://a b/x",
            "https://db1/x",
        ] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
        let refused = Place::parse("postgresql://anna:hunter2@db1/x").expect_err("refused");
        assert!(refused.contains("central.user") && !refused.contains("hunter2"));
    }

    #[test]
    fn without_tls_only_to_this_machine() {
        for (url, fine) in [
            ("postgresql://127.0.0.1/x", true),
            ("postgresql://[::1]:5433,localhost/x", true),
            ("postgresql://%2Frun%2Fpostgresql/x", true),
            ("postgresql://localhost,db2/x", false),
            ("postgresql://127.0.0.1.evil.example/x", false),
        ] {
            let config = CentralConfig { url: Some(url.into()), tls: TlsMode::Off, ..CentralConfig::default() };
            assert_eq!(config.rules().is_ok(), fine, "{url}");
        }
        let standby = CentralConfig {
            url: Some("postgresql://localhost/x".into()),
            read_url: Some("postgresql://db2/x".into()),
            tls: TlsMode::Off,
            ..CentralConfig::default()
        };
        assert_eq!(standby.rules().expect_err("refused").0, "tls");
    }
}
