//! The owner's way to the centre: a libpq URL as administrators have it, or a console's configuration with another user. The owner is a
//! superuser, or a login that may create roles and has CREATE on the database.

use super::error::SchemaError;
use crate::connect::{Access, CentreConfig, CentreError, ClientCertificate, Line, Tls};
use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, SafeText, TenantId};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::config::Host;
use uuid::Uuid;

const CONNECT: Duration = Duration::from_secs(10);
/// A migration of a large table may take its time; a question that takes longer than this is taken for lost.
const CALL: Duration = Duration::from_secs(600);

/// Where the centre is and who looks after it.
#[derive(Clone)]
pub struct OwnerConfig {
    centre: CentreConfig,
}

impl fmt::Debug for OwnerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerConfig").field("centre", &self.centre).finish()
    }
}

impl OwnerConfig {
    /// A libpq URL: `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=…&sslcert=…&sslkey=…`. Without `sslmode` it
    /// is `verify-full`, and on the loopback or a unix socket no TLS; the modes of libpq that do not check who answers are refused.
    pub fn from_url(url: &str) -> Result<Self, SchemaError> {
        let bad = |why: String| SchemaError::BadAddress(SafeText::bounded(&why, 300));
        let (rest, asked) = TlsAsked::take(url).map_err(bad)?;
        // The error of the parser may show parts of what it read, and that may hold the password.
        let parsed: tokio_postgres::Config =
            rest.parse().map_err(|_| bad("it is not a URL as libpq knows it (postgres://user@host:port/database)".to_owned()))?;
        let user = parsed.get_user().ok_or_else(|| bad("it names no user".to_owned()))?.to_owned();
        let ports = parsed.get_ports();
        let hosts: Vec<(String, u16)> = parsed
            .get_hosts()
            .iter()
            .enumerate()
            .map(|(at, host)| {
                let name = match host {
                    Host::Tcp(name) => name.clone(),
                    Host::Unix(path) => path.display().to_string(),
                };
                (name, ports.get(at).or(ports.first()).copied().unwrap_or(5432))
            })
            .collect();
        if hosts.is_empty() {
            return Err(bad("it names no host".to_owned()));
        }
        let near = hosts.iter().all(|(host, _)| is_near(host));
        let tls = asked.decide(near).map_err(bad)?;
        Ok(Self {
            centre: CentreConfig {
                hosts,
                database: parsed.get_dbname().unwrap_or(&user).to_owned(),
                password: parsed.get_password().map(Secret::new),
                user,
                tls,
                // The owner's work begins on no tenant.
                tenant: TenantId(Uuid::nil()),
                console: ConsoleId(Uuid::nil()),
                connect_timeout: CONNECT,
                call_timeout: CALL,
                application: "noctule central".to_owned(),
            },
        })
    }

    /// The same servers, database and TLS as a console's, with the owner's login.
    pub fn from_centre(centre: &CentreConfig, user: &str, password: Option<Secret>) -> Self {
        Self {
            centre: CentreConfig {
                user: user.to_owned(),
                password,
                tenant: TenantId(Uuid::nil()),
                console: ConsoleId(Uuid::nil()),
                call_timeout: CALL,
                application: "noctule central".to_owned(),
                ..centre.clone()
            },
        }
    }

    /// For one whose password is asked for rather than written into the URL.
    #[must_use]
    pub fn with_password(mut self, password: Secret) -> Self {
        self.centre.password = Some(password);
        self
    }

    /// The owner's connection for calls on one tenant: loading a store, looking up an employee id.
    pub fn centre(&self, tenant: TenantId) -> CentreConfig {
        CentreConfig { tenant, ..self.centre.clone() }
    }

    pub fn has_password(&self) -> bool {
        self.centre.password.is_some()
    }

    pub fn user(&self) -> &str {
        &self.centre.user
    }

    pub fn database(&self) -> &str {
        &self.centre.database
    }

    /// A connection to the primary.
    pub(super) async fn open(&self) -> Result<Line, SchemaError> {
        let line = self.open_any().await?;
        if line.standby { Err(CentreError::ReadOnly.into()) } else { Ok(line) }
    }

    /// A connection to whichever server answers: a standby can tell its status.
    pub(super) async fn open_any(&self) -> Result<Line, SchemaError> {
        let mut last = SchemaError::BadAddress("it names no host".into());
        // Line takes the first that answers; the primary may be the second.
        for host in &self.centre.hosts {
            match Line::open(&CentreConfig { hosts: vec![host.clone()], ..self.centre.clone() }, Access::Bulk).await {
                Ok(line) if line.standby && self.centre.hosts.len() > 1 && Some(host) != self.centre.hosts.last() => {}
                Ok(line) => return Ok(line),
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }
}

/// The loopback and unix sockets: no network lies between.
fn is_near(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The parts of a URL that speak of TLS, which tokio-postgres does not know.
#[derive(Debug, Default, PartialEq, Eq)]
struct TlsAsked {
    mode: Option<String>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl TlsAsked {
    fn take(url: &str) -> Result<(String, Self), String> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err("it must begin with postgres://".to_owned());
        }
        let Some((head, query)) = url.split_once('?') else { return Ok((url.to_owned(), Self::default())) };
        let mut asked = Self::default();
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = || decode(value).ok_or_else(|| format!("{name} holds a % that stands for nothing"));
            match name {
                "sslmode" => asked.mode = Some(value()?),
                "sslrootcert" => asked.ca = Some(value()?.into()),
                "sslcert" => asked.certificate = Some(value()?.into()),
                "sslkey" => asked.key = Some(value()?.into()),
                _ => others.push(pair),
            }
        }
        let rest = if others.is_empty() { head.to_owned() } else { format!("{head}?{}", others.join("&")) };
        Ok((rest, asked))
    }

    fn decide(self, near: bool) -> Result<Tls, String> {
        let client = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
            (None, None) => None,
            _ => return Err("sslcert and sslkey belong together".to_owned()),
        };
        match self.mode.as_deref() {
            Some("disable") if near => Ok(Tls::Off),
            Some("disable") => Err("sslmode=disable is for this machine alone; use verify-full".to_owned()),
            None if near && self.ca.is_none() && client.is_none() => Ok(Tls::Off),
            None | Some("verify-full") => Ok(Tls::VerifyFull { ca: self.ca.filter(|path| path.as_os_str() != "system"), client }),
            Some(mode) => Err(format!("sslmode={mode} does not check who answers; use verify-full")),
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (hex, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_its_password_is_not_shown() {
        let owner =
            OwnerConfig::from_url("postgres://own%20er:s3cr%40t@10.0.0.1:5433,db2:5434/isp?sslmode=verify-full&sslrootcert=%2Fca.pem")
                .expect("a good URL");
        assert_eq!((owner.user(), owner.database()), ("own er", "isp"));
        assert_eq!(owner.centre.hosts, [("10.0.0.1".to_owned(), 5433), ("db2".to_owned(), 5434)]);
        assert_eq!(owner.centre.tls, Tls::VerifyFull { ca: Some("/ca.pem".into()), client: None });
        assert_eq!(owner.centre.password.as_ref().map(Secret::expose), Some(b"s3cr@t".as_slice()));
        assert!(!format!("{owner:?}").contains("s3cr"));
    }

    #[test]
    fn a_line_that_checks_nobody_is_refused_off_this_machine() {
        let tls = |url: &str| OwnerConfig::from_url(url).map(|owner| owner.centre.tls);
        assert_eq!(tls("postgres://o@127.0.0.1/d"), Ok(Tls::Off));
        assert_eq!(tls("postgres://o@db/d"), Ok(Tls::VerifyFull { ca: None, client: None }));
        for bad in ["postgres://o@db/d?sslmode=disable", "postgres://o@db/d?sslmode=require", "postgres://o@127.0.0.1/d?sslmode=prefer"] {
            assert!(matches!(tls(bad), Err(SchemaError::BadAddress(_))), "{bad}");
        }
        let told = OwnerConfig::from_url("postgres://o:hidden@db:x/d").expect_err("no port").to_string();
        assert!(!told.contains("hidden"), "{told}");
    }
}
