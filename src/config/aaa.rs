//! `[aaa]`: the database of the FreeRADIUS that decides logins and keeps accounting, and as whom we come.

use super::{CentralConfig, TlsMode, central};
use noctule_domain::secret::SecretRef;
use noctule_domain::{SafeText, words};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// In place of an address: the tables lie in the database of the centre.
pub const CENTRAL: &str = "central";

words!(
    /// Which AAA system it is.
    AaaBackend {
        /// The SQL tables of FreeRADIUS 3.2 on PostgreSQL.
        FreeradiusPostgresql = "freeradius-postgresql",
    }
);

words!(
    /// How user names stand in the tables.
    AaaNames {
        /// As FreeRADIUS is installed: what is not in its `safe_characters` as `=` and two digits.
        Escaped = "escaped",
        /// With `auto_escape = yes` in queries.conf.
        Plain = "plain",
    }
);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AaaConfig {
    pub backend: AaaBackend,
    pub dsn: Option<String>,
    pub user: Option<SafeText>,
    pub password: Option<SecretRef>,
    pub tls: TlsMode,
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub schema: String,
    pub names: AaaNames,
    pub accounting: bool,
    pub poll_s: u32,
    pub whole_min: u32,
    pub connect_timeout_s: u32,
    pub timeout_s: u32,
}

impl Default for AaaConfig {
    fn default() -> Self {
        Self {
            backend: AaaBackend::FreeradiusPostgresql,
            dsn: None,
            user: None,
            password: None,
            tls: TlsMode::VerifyFull,
            ca_file: None,
            cert_file: None,
            key_file: None,
            schema: "public".to_owned(),
            names: AaaNames::Escaped,
            accounting: true,
            poll_s: 5,
            whole_min: 10,
            connect_timeout_s: 5,
            timeout_s: 20,
        }
    }
}

impl AaaConfig {
    pub fn is_on(&self) -> bool {
        self.dsn.is_some()
    }

    pub fn is_central(&self) -> bool {
        self.dsn.as_deref() == Some(CENTRAL)
    }

    pub fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_s.into())
    }

    pub fn whole(&self) -> Duration {
        Duration::from_secs(u64::from(self.whole_min) * 60)
    }

    /// Rules between keys: the key that is wrong, and why.
    pub(super) fn rules(&self, central: &CentralConfig) -> Result<(), (&'static str, &'static str)> {
        if self.schema.is_empty() || !self.schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(("schema", "the plain name of a schema is wanted: letters, digits and _"));
        }
        let Some(dsn) = &self.dsn else { return Ok(()) };
        if self.is_central() {
            return match central.is_on() {
                true => Ok(()),
                false => Err(("dsn", "there is no centre: central.url is not set")),
            };
        }
        if dsn.contains('@') {
            return Err(("dsn", "a user name or password in the address is refused: set aaa.user and aaa.password"));
        }
        let place = central::Place::parse(dsn).map_err(|why| ("dsn", why))?;
        if self.tls == TlsMode::Off && !place.is_this_machine() {
            return Err(("tls", "off is refused: a host is another machine, and password and rows would cross the network unprotected"));
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
    fn an_address_names_no_user_and_the_centre_must_be_there() {
        let of = |dsn: &str, tls| AaaConfig { dsn: Some(dsn.into()), tls, ..AaaConfig::default() };
        let (alone, with) = (CentralConfig::default(), CentralConfig { url: Some("postgresql://db/x".into()), ..CentralConfig::default() });
        assert!(of("postgres://radius-db/radius", TlsMode::VerifyFull).rules(&alone).is_ok());
        assert!(of("postgres://127.0.0.1:5433/radius", TlsMode::Off).rules(&alone).is_ok());
        assert_eq!(of("postgres://radius-db/radius", TlsMode::Off).rules(&alone).expect_err("refused").0, "tls");
        let refused = of("postgres://me:hunter2@db/radius", TlsMode::VerifyFull).rules(&alone).expect_err("refused");
        assert!(refused.1.contains("aaa.password"));
        assert!(of("central", TlsMode::VerifyFull).rules(&with).is_ok());
        assert_eq!(of("central", TlsMode::VerifyFull).rules(&alone).expect_err("refused").0, "dsn");
        let schema = AaaConfig { schema: "a, b".into(), ..AaaConfig::default() };
        assert_eq!(schema.rules(&alone).expect_err("refused").0, "schema");
    }
}
