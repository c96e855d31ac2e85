//! A row of `import nas`. The secret is a reference; a literal one is refused without being repeated, or put into a file of its own.

use crate::csv_import::{Fields, LiteralSecrets};
use noctule_domain::SafeText;
use noctule_domain::nas::Nas;
use noctule_domain::secret::SecretRef;
use noctule_storage::NewNas;
use std::net::{IpAddr, SocketAddr};

/// The port of RFC 5176.
const PORT: u16 = 3799;

pub fn nas(
    f: &Fields<'_>,
    old: Option<&Nas>,
    has_profile: &dyn Fn(&str) -> bool,
    literal: Option<&mut LiteralSecrets>,
) -> Result<NewNas, String> {
    let name = f.key("name")?;
    let raw = f.raw("address").ok_or("address: is empty")?;
    let address = address(raw)
        .ok_or_else(|| format!("address: '{}' is not an address as in 192.0.2.1 or [2001:db8::1]:3799", SafeText::bounded(raw, 60)))?;
    let profile = f.keep("profile", f.raw("profile").unwrap_or("generic").to_owned(), old.map(|n| n.profile.clone()));
    if !has_profile(&profile) {
        return Err(format!("profile: there is no NAS profile '{}'", SafeText::bounded(&profile, 40)));
    }
    // The rest first: a secret is not put into a file for a row that is refused.
    let mut new = NewNas {
        id: None,
        profile,
        address,
        nas_ip: f.keep("nas_ip", f.parsed("nas_ip", "an address")?, old.map(|n| n.nas_ip)),
        nas_identifier: f.keep("nas_identifier", f.text("nas_identifier"), old.map(|n| n.nas_identifier.clone())),
        secret: SecretRef::Env(String::new()),
        position: f.keep("lat", f.position("lat", "lng")?, old.map(|n| n.position)),
        site: f.keep("site", f.text("site"), old.map(|n| n.site.clone())),
        enabled: f.keep("enabled", f.flag("enabled")?.unwrap_or(true), old.map(|n| n.enabled)),
        name,
    };
    let secret = f.raw("secret").ok_or("secret: is empty")?;
    new.secret = match (secret.parse(), literal) {
        (Ok(reference), _) => reference,
        (Err(_), Some(files)) => files.take(new.name.as_str(), secret)?,
        (Err(_), None) => {
            return Err("secret: a secret is not written into a file that is passed around: give env:NAME, file:PATH or command:PROGRAM ARGUMENTS, or let --secrets-dir DIR put it into a private file".into());
        }
    };
    Ok(new)
}

fn address(raw: &str) -> Option<SocketAddr> {
    let bare = raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(raw);
    let address = raw.parse().ok().or_else(|| bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT)))?;
    (address.port() != 0).then_some(address)
}
