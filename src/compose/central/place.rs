//! From `[central]` to how the connection is made: hosts, TLS, login, password. Nothing is asked of the network here.

use crate::config::{CentralConfig, CentralPlace, ConfigError, Loaded, Place, TlsMode};
use crate::secrets::{SecretError, Secrets};
use noctule_domain::secret::{Secret, SecretRef};
use noctule_domain::{ConsoleId, SafeText, TenantId};
use noctule_sync::connect::{CentreConfig, ClientCertificate, Tls};
use sha2::{Digest, Sha256};

/// Under which name `noctule login` keeps the password unless the configuration names another. The keyring is one per account, and an account may
/// have several configurations: centre, tenant and login are in the name, as a digest, because a name has its limits.
pub fn keyring_name(loaded: &Loaded) -> String {
    let url = loaded.config.central.url.as_deref().unwrap_or_default();
    let tenant = loaded.config.tenant.id.map(|id| id.to_string()).unwrap_or_default();
    name_of(url, &tenant, login(loaded).as_str())
}

fn name_of(url: &str, tenant: &str, login: &str) -> String {
    let place = CentralPlace::parse(url).map(|place| place.words()).unwrap_or_default();
    let digest = Sha256::digest(format!("{place}\n{tenant}\n{login}"));
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("noctule-central-{hex}")
}

/// Who comes: the configured user, else the operator's name.
pub fn login(loaded: &Loaded) -> SafeText {
    let configured = loaded.config.central.user.clone().filter(|user| !user.is_empty());
    configured.unwrap_or_else(|| loaded.config.operator_name())
}

/// How the line is protected, as configured.
pub fn tls(config: &CentralConfig) -> Tls {
    match config.tls {
        TlsMode::Off => Tls::Off,
        TlsMode::VerifyFull => Tls::VerifyFull {
            ca: config.ca_file.clone(),
            client: config.cert_file.clone().zip(config.key_file.clone()).map(|(certificate, key)| ClientCertificate { certificate, key }),
        },
    }
}

/// The connection to the place that `url` names. Checked already when the configuration was read, so an error here is a configuration
/// that was put together without its checks.
pub fn centre_config(
    loaded: &Loaded,
    url: &str,
    tenant: TenantId,
    console: ConsoleId,
    password: Option<Secret>,
) -> Result<CentreConfig, ConfigError> {
    let config = &loaded.config.central;
    let place = CentralPlace::parse(url)
        .map_err(|why| ConfigError::Wrong { place: Place::Variable("NOCTULE_CENTRAL_URL".into()), message: why.to_owned() })?;
    Ok(CentreConfig {
        hosts: place.hosts,
        database: place.database,
        user: login(loaded).into_string(),
        password,
        tls: tls(config),
        tenant,
        console,
        connect_timeout: config.connect_timeout(),
        call_timeout: config.timeout(),
        application: format!("noctule {}", env!("CARGO_PKG_VERSION")),
    })
}

/// Asks on the terminal what will be needed later and can only be asked for before the screen is taken. Looks into the kernel's keyring
/// on the way, which takes microseconds, and starts no program.
pub(super) fn ask_before(loaded: &Loaded, secrets: &Secrets) -> Result<(), SecretError> {
    let config = &loaded.config.central;
    let words = format!("Password of {} at the centre: ", login(loaded));
    match &config.password {
        Some(SecretRef::Prompt) => secrets.ask(&words),
        Some(_) => Ok(()),
        None if config.cert_file.is_some() || crate::keyring::find(&keyring_name(loaded)).is_ok() => Ok(()),
        None => match secrets.ask(&words) {
            // Nobody to ask, or nothing typed: the centre may let this account in without (a socket, a certificate), or says no itself.
            Ok(()) | Err(SecretError::NoTerminal | SecretError::Empty(_)) => Ok(()),
            Err(error) => Err(error),
        },
    }
}

/// The password. `None`: none is known, and the centre may not want one. Blocks: a password program takes its time.
pub fn password(loaded: &Loaded, secrets: &Secrets) -> Result<Option<Secret>, SecretError> {
    match &loaded.config.central.password {
        Some(reference) => secrets.resolve(reference).map(Some),
        None => Ok(crate::keyring::find(&keyring_name(loaded)).or_else(|_| secrets.resolve(&SecretRef::Prompt)).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn two_centres_tenants_or_logins_of_one_account_have_two_names_and_the_same_has_one() {
        let url = "postgresql://db1.example.net/noctule";
        let names = [
            name_of(url, "t1", "anna"),
            name_of(url, "t1", "ben"),
            name_of(url, "t2", "anna"),
            name_of("postgresql://db2.example.net/noctule", "t1", "anna"),
            name_of("postgresql://db1.example.net/staging", "t1", "anna"),
        ];
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "{names:?}");
        assert_eq!(names[0], name_of("postgresql://db1.example.net:5432/noctule", "t1", "anna"), "the port of PostgreSQL may be left out");
    }
}
