//! Walks a parsed file before it becomes types: unknown sections and keys, wrong kinds, words and ranges, each with its line; then the
//! rules between keys. serde's own messages would repeat values, which may be secrets: here nothing of a `Secret` key is ever repeated.

use super::keys::{IPAM_POOL_KEYS, KEYS, Key, Kind, POOL_KEYS};
use super::sections::{Config, PoolConfig};
use crate::near;
use noctule_domain::SafeText;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong, and which bytes of the input.
pub(super) struct Finding {
    pub span: Range<usize>,
    pub message: String,
}

/// The first thing that is wrong in `table`, or nothing.
pub(super) fn walk(table: &DeTable<'_>) -> Result<(), Finding> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let section = name.get_ref().as_ref();
        let mut names: Vec<&str> = KEYS.iter().map(|key| key.section).collect();
        names.dedup();
        if !names.contains(&section) {
            let message = match KEYS.iter().find(|key| key.name == section) {
                Some(key) => format!("'{}' belongs into the section [{}]", key.name, key.section),
                None => format!(
                    "there is no section [{}]{}; there are {}",
                    clean(section),
                    near::hint(section, names.iter().copied()),
                    names.join(", ")
                ),
            };
            return Err(Finding { span: name.span(), message });
        }
        let Some(inner) = value.get_ref().as_table() else {
            return Err(Finding {
                span: value.span(),
                message: format!("'{section}' is a section: write [{section}] on a line of its own"),
            });
        };
        keys(inner, section, KEYS)?;
    }
    Ok(())
}

fn keys(table: &DeTable<'_>, section: &str, known: &[Key]) -> Result<(), Finding> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let word = name.get_ref().as_ref();
        let Some(key) = known.iter().find(|key| key.section == section && key.name == word) else {
            let here = known.iter().filter(|key| key.section == section).map(|key| key.name);
            let elsewhere = KEYS.iter().find(|key| key.name == word);
            let message = match (near::nearest(word, here.clone()), elsewhere) {
                (None, Some(other)) => format!("'{word}' is no key of [{section}]; it belongs into [{}]", other.section),
                (near, _) => {
                    let hint = near.map(|n| format!("; did you mean '{n}'?")).unwrap_or_default();
                    format!("'{}' is no key of [{section}]{hint} (known: {})", clean(word), here.collect::<Vec<_>>().join(", "))
                }
            };
            return Err(Finding { span: name.span(), message });
        };
        one(key, value)?;
    }
    Ok(())
}

fn one(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<(), Finding> {
    let fail = |message: String| Err(Finding { span: value.span(), message: format!("{}.{}: {message}", key.section, key.name) });
    let found = value.get_ref();
    match key.kind {
        Kind::Flag if !found.is_bool() => fail(format!("true or false is wanted, this is a {}", found.type_str())),
        Kind::Text if (key.section, key.name) == ("tenant", "id") && !found.as_str().is_some_and(is_tenant) => {
            fail("this is no UUID; `noctule init` makes one, consoles that share subscribers share it".into())
        }
        Kind::Text | Kind::Path if !found.is_str() => fail(format!("a text in quotes is wanted, this is a {}", found.type_str())),
        Kind::Secret => match found.as_str().map(str::parse::<noctule_domain::secret::SecretRef>) {
            Some(Ok(reference)) => super::central::secret_rules(key.section, key.name, &reference).or_else(|why| fail(why.to_owned())),
            _ => fail(noctule_domain::secret::BadSecretRef.to_string()),
        },
        Kind::Word(words) => match found.as_str() {
            Some(word) if words.contains(&word) => Ok(()),
            Some(word) => fail(format!("'{}' is none of {}{}", clean(word), words.join(", "), near::hint(word, words.iter().copied()))),
            None => fail(format!("one of {} is wanted, this is a {}", words.join(", "), found.type_str())),
        },
        Kind::Number { min, max } => {
            let number = found.as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
            match number {
                Some(n) if (min..=max).contains(&n) => Ok(()),
                _ if max == i64::MAX => fail(format!("a whole number from {min} is wanted")),
                _ => fail(format!("a whole number from {min} to {max} is wanted")),
            }
        }
        Kind::Texts if !found.as_array().is_some_and(|list| list.iter().all(|v| v.get_ref().is_str())) => {
            fail("a list of texts is wanted, such as [\"turku\"]".into())
        }
        Kind::Numbers { min, max } => {
            let within = |v: &Spanned<DeValue<'_>>| {
                let number = v.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
                number.is_some_and(|n| (min..=max).contains(&n))
            };
            if found.as_array().is_some_and(|list| list.iter().all(within)) {
                return Ok(());
            }
            fail(format!("a list of whole numbers from {min} to {max} is wanted, such as [{min}]"))
        }
        Kind::Tables => {
            let wanted = || format!("write each pool as [[{}.pools]]", key.section);
            let Some(tables) = found.as_array() else { return fail(wanted()) };
            let (section, known) = if key.section == "ipam" { ("ipam.pools", IPAM_POOL_KEYS) } else { ("netbox.pools", POOL_KEYS) };
            for entry in tables.iter() {
                match entry.get_ref().as_table() {
                    Some(table) => keys(table, section, known)?,
                    None => return fail(wanted()),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_tenant(text: &str) -> bool {
    text.parse::<noctule_domain::TenantId>().is_ok()
}

fn clean(text: &str) -> SafeText {
    SafeText::bounded(text, 60)
}

/// Rules between keys. The answer names the key (`section`, `name`) so that the caller can point to its place.
pub(super) fn rules(config: &Config) -> Result<(), (&'static str, &'static str, String)> {
    if let Some(url) = &config.netbox.url {
        url_rules(url, config.netbox.allow_plain_http).map_err(|why| ("netbox", "url", format!("netbox.url: {why}")))?;
    }
    let radius = &config.radius;
    if radius.radsec_cert_file.is_some() != radius.radsec_key_file.is_some() {
        let name = if radius.radsec_cert_file.is_some() { "radsec_cert_file" } else { "radsec_key_file" };
        return Err(("radius", name, format!("radius.{name}: radsec_cert_file and radsec_key_file belong together: set both or none")));
    }
    config.central.rules().map_err(|(name, why)| ("central", name, format!("central.{name}: {why}")))?;
    config.aaa.rules(&config.central).map_err(|(name, why)| ("aaa", name, format!("aaa.{name}: {why}")))?;
    for (place, pool) in config.netbox.pools.iter().enumerate() {
        let told = match (pool.prefix, pool.id) {
            (Some(_), Some(_)) => Err("give either prefix or id, not both".to_owned()),
            (None, None) => Err("give prefix or id".to_owned()),
            _ => pool_rules(pool),
        };
        told.map_err(|why| ("netbox", "pools", format!("pool {} of netbox.pools: {why}", place + 1)))?;
    }
    ipam_rules(config).map_err(|(name, why)| ("ipam", name, why))
}

fn ipam_rules(config: &Config) -> Result<(), (&'static str, String)> {
    let ipam = &config.ipam;
    if ipam.built_in && config.netbox.url.is_some() {
        return Err((
            "built_in",
            "ipam.built_in: prefixes come either from NetBox (netbox.url) or from the built-in IPAM, not from both".into(),
        ));
    }
    if ipam.built_in && ipam.pools.is_empty() {
        return Err(("built_in", "ipam.built_in: without [[ipam.pools]] there is nothing to give".into()));
    }
    if ipam.warning_percent > ipam.critical_percent {
        return Err(("warning_percent", "ipam.warning_percent: the warning comes before critical_percent, not after it".into()));
    }
    for (place, pool) in ipam.pools.iter().enumerate() {
        let fail = |why: String| Err(("pools", format!("pool {} of ipam.pools: {why}", place + 1)));
        let Some(prefix) = pool.prefix else { return fail("give prefix".into()) };
        if let Err(why) = pool_rules(&pool.as_pool()) {
            return fail(why);
        }
        let overlaps = |other: &ipnet::Ipv6Net| other.contains(&prefix) || prefix.contains(other);
        if let Some(other) = ipam.pools[..place].iter().filter(|p| p.vrf == pool.vrf).filter_map(|p| p.prefix).find(|p| overlaps(p)) {
            return fail(format!("{prefix} overlaps {other}"));
        }
    }
    Ok(())
}

/// What holds for every pool, of NetBox and built in.
fn pool_rules(pool: &PoolConfig) -> Result<(), String> {
    if let Some(prefix) = pool.prefix {
        let shortest = pool.lengths.iter().copied().chain([pool.default_len()]).min().unwrap_or_default();
        if prefix.prefix_len() >= shortest {
            return Err(format!("no /{shortest} fits into {prefix}"));
        }
        if prefix.trunc() != prefix {
            return Err(format!("{prefix} has host bits; {} is meant", prefix.trunc()));
        }
    }
    if !pool.lengths.is_empty() && !pool.lengths.contains(&pool.default_len()) {
        return Err(format!("its lengths do not have the /{} of delegated_len", pool.default_len()));
    }
    if pool.sites.iter().chain(&pool.nas).any(|name| name.is_empty()) {
        return Err("a site or NAS without a name serves nobody".into());
    }
    Ok(())
}

fn url_rules(url: &str, allow_plain_http: bool) -> Result<(), String> {
    let (scheme, rest) = url.split_once("://").ok_or("an address with https:// in front is wanted")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("an address with a user name or password in it is refused; give the token by reference in netbox.token".into());
    }
    if authority.is_empty() || url.chars().any(|c| c.is_whitespace() || noctule_domain::text::is_dangerous(c)) {
        return Err("this is not an address".into());
    }
    if rest.contains(['?', '#']) {
        return Err("an address without ? and # is wanted".into());
    }
    match scheme {
        "https" => Ok(()),
        "http" if allow_plain_http || is_this_machine(authority) => Ok(()),
        "http" => Err("http:// to another machine would send the token unprotected; use https://, or set allow_plain_http = true".into()),
        _ => Err("https:// is wanted in front".into()),
    }
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_netbox_must_be_safe_to_send_a_token_to() {
        assert!(url_rules("https://netbox.example.net/sub", false).is_ok());
        assert!(url_rules("http://127.0.0.1:8001", false).is_ok());
        assert!(url_rules("http://[::1]:8001", false).is_ok());
        assert!(url_rules("http://netbox.example.net", false).is_err());
        assert!(url_rules("http://netbox.example.net", true).is_ok());
        for bad in ["netbox", "ftp://x", "https://", "https://a b", "https://x/?y", "http://127.0.0.1.evil.example"] {
            assert!(url_rules(bad, false).is_err(), "{bad}");
        }
        let refused = url_rules("https://me:hunter2@netbox", false).expect_err("refused");
        assert!(!refused.contains("hunter2"));
    }
}
