//! A row of `import subscribers`.

use crate::csv_import::Fields;
use ipnet::Ipv6Net;
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State, PREFIX_LEN_RANGE};
use noctule_domain::subscriber::{Ipv6Record, Subscriber, SubscriberStatus, Username};
use noctule_domain::{SafeText, Timestamp};
use noctule_storage::{NewSession, NewSubscriber};

/// The row that is there already, with the name of its NAS.
#[derive(Debug, Clone)]
pub struct Known {
    pub row: Subscriber,
    pub nas: Option<SafeText>,
}

pub fn subscriber(f: &Fields<'_>, known: Option<&Known>, now: Timestamp) -> Result<NewSubscriber, String> {
    let old = known.map(|k| &k.row);
    let raw = f.exact("username").ok_or("username: is empty")?;
    if raw.trim() != raw {
        return Err("username: begins or ends with white space, which would be part of the name".into());
    }
    let username = Username::new(raw).map_err(|why| format!("username: {why}"))?;
    let mac =
        f.raw("cpe_mac").map(|raw| mac(raw).ok_or_else(|| format!("cpe_mac: '{}' is not a hardware address", SafeText::bounded(raw, 40))));
    Ok(NewSubscriber {
        id: None,
        subscriber_number: f.key("subscriber_number")?,
        username,
        full_name: f.required("full_name")?,
        email: f.keep("email", f.text("email"), old.map(|s| s.email.clone())),
        phone: f.keep("phone", f.text("phone"), old.map(|s| s.phone.clone())),
        status: f.keep("status", f.word("status")?.unwrap_or(SubscriberStatus::Active), old.map(|s| s.status)),
        service_type: f.keep("service_type", f.text("service_type"), old.map(|s| s.service_type.clone())),
        download_kbps: f.keep("download_kbps", f.number("download_kbps", 0..=u32::MAX)?, old.map(|s| s.download_kbps)),
        upload_kbps: f.keep("upload_kbps", f.number("upload_kbps", 0..=u32::MAX)?, old.map(|s| s.upload_kbps)),
        service_address: f.keep("service_address", f.text("service_address"), old.map(|s| s.service_address.clone())),
        position: f.keep("lat", f.position("lat", "lng")?, old.map(|s| s.position)),
        site: f.keep("site", f.text("site"), old.map(|s| s.site.clone())),
        nas: f.keep("nas", f.text("nas"), known.map(|k| k.nas.clone())),
        vlan: f.keep("vlan", f.number("vlan", 1..=4094)?, old.map(|s| s.vlan)),
        circuit_id: f.keep("circuit_id", f.text("circuit_id"), old.map(|s| s.circuit_id.clone())),
        remote_id: f.keep("remote_id", f.text("remote_id"), old.map(|s| s.remote_id.clone())),
        onu_serial: f.keep("onu_serial", f.text("onu_serial"), old.map(|s| s.onu_serial.clone())),
        cpe_mac: f.keep("cpe_mac", mac.transpose()?, old.map(|s| s.cpe_mac.clone())),
        static_ipv4: f.keep("static_ipv4", f.parsed("static_ipv4", "an IPv4 address")?, old.map(|s| s.static_ipv4)),
        ipv6: ipv6(f, old, now)?,
        balance_flag: f.keep("balance_flag", f.flag("balance_flag")?.unwrap_or(false), old.map(|s| s.balance_flag)),
        suspend_reason: f.keep("suspend_reason", f.text("suspend_reason"), old.map(|s| s.suspend_reason.clone())),
        notes: f.keep("notes", f.text("notes"), old.map(|s| s.notes.clone())),
        session: session(f, now)?,
    })
}

/// Of a subscriber that is there already only mode and size are taken: its state is the lifecycle's, never an import's.
fn ipv6(f: &Fields<'_>, old: Option<&Subscriber>, now: Timestamp) -> Result<Ipv6Record, String> {
    let mode = f.keep("mode", f.word("mode")?.unwrap_or(AssignmentMode::DualStack), old.map(|s| s.ipv6.mode));
    let size = f.number("pd_size", PREFIX_LEN_RANGE)?;
    let mut record = Ipv6Record::pending(mode, now);
    record.pd_size = f.keep("pd_size", size, old.map(|s| s.ipv6.pd_size));
    let state = f.word::<Ipv6State>("ipv6_state")?;
    let prefix: Option<Ipv6Net> = f.parsed("prefix", "an IPv6 prefix as in 2001:db8:1:100::/56")?;
    if old.is_some() {
        return Ok(record);
    }
    let Some(state) = state.filter(|state| *state != Ipv6State::Pending) else {
        return match prefix {
            Some(_) => Err("prefix: a pending subscriber has none; give ipv6_state allocated, active or suspended".into()),
            None => Ok(record),
        };
    };
    if !matches!(state, Ipv6State::Allocated | Ipv6State::Active | Ipv6State::Suspended) {
        return Err(format!("ipv6_state: {state} can not be imported: it is a stage of an operation; import it as pending"));
    }
    let Some(prefix) = prefix else { return Err(format!("prefix: is empty, but the subscriber is {state}")) };
    if !mode.delegates() {
        return Err(format!("mode: {mode} delegates no prefix"));
    }
    if prefix.trunc() != prefix {
        return Err(format!("prefix: {prefix} has host bits; {} is meant", prefix.trunc()));
    }
    if !PREFIX_LEN_RANGE.contains(&prefix.prefix_len()) {
        return Err(format!("prefix: /{} can not be delegated: 48 to 64 can", prefix.prefix_len()));
    }
    record.state = state;
    record.prefix = Some(prefix);
    // It is in use out there, says the file; what the network does was not seen by us.
    record.enforcement = Enforcement::None;
    let stamp = match state {
        Ipv6State::Allocated => &mut record.allocated_at,
        Ipv6State::Active => &mut record.activated_at,
        _ => &mut record.suspended_at,
    };
    *stamp = Some(now);
    Ok(record)
}

/// A session that somebody else knows of. An empty field leaves what is there: the absence of a session is nothing a file can know.
fn session(f: &Fields<'_>, now: Timestamp) -> Result<Option<NewSession>, String> {
    let (nas, framed_ipv4) = (f.text("session_nas"), f.parsed("framed_ipv4", "an IPv4 address")?);
    match f.text("acct_session_id") {
        Some(acct_session_id) => {
            Ok(Some(NewSession { nas, acct_session_id, framed_ipv4, delegated_prefix: None, started_at: now, seen_at: now }))
        }
        None if nas.is_some() || framed_ipv4.is_some() => Err("acct_session_id: is empty, but session_nas or framed_ipv4 is given".into()),
        None => Ok(None),
    }
}

/// Six octets, written with colons, hyphens, dots or nothing between; kept with colons.
fn mac(raw: &str) -> Option<SafeText> {
    let digits: String = raw.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs: Vec<String> = (0..6).map(|i| digits[i * 2..i * 2 + 2].to_ascii_lowercase()).collect();
    Some(SafeText::new(&pairs.join(":")))
}
