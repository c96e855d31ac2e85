//! A row of radacct as a session.

use super::config::Names;
use ipnet::Ipv6Net;
use noctule_domain::aaa::AccountingSession;
use noctule_domain::{SafeText, Timestamp};
use std::net::{IpAddr, Ipv4Addr};
use tokio_postgres::{Error, Row};

/// Addresses travel as text: the driver's own form of `inet` carries no length.
pub(super) const COLUMNS: &str = "a.radacctid, a.acctuniqueid, a.acctsessionid, a.username, host(a.nasipaddress), host(a.framedipaddress), \
    a.framedipv6prefix::text, a.delegatedipv6prefix::text, a.acctstarttime, a.acctupdatetime, a.acctstoptime, a.acctinputoctets, \
    a.acctoutputoctets, a.acctterminatecause";

/// The session of a row; `None` for one that can be nobody's: no user, an address that is none, no time at all.
pub(super) fn session(row: &Row, names: Names) -> Result<Option<AccountingSession>, Error> {
    let text = |at: usize| row.try_get::<_, Option<String>>(at);
    let time = |at: usize| row.try_get::<_, Option<Timestamp>>(at);
    let octets = |at: usize| row.try_get::<_, Option<i64>>(at).map(|n| u64::try_from(n.unwrap_or(0)).unwrap_or(0));
    let Some(username) = text(3)?.and_then(|stored| names.name(&stored)) else { return Ok(None) };
    let Some(nas_address) = text(4)?.and_then(|address| address.parse::<IpAddr>().ok()) else { return Ok(None) };
    let (started, updated, stopped_at) = (time(8)?, time(9)?, time(10)?);
    let Some(started_at) = started.or(updated).or(stopped_at) else { return Ok(None) };
    let prefix = |at: usize| text(at).map(|found| found.as_deref().and_then(net));
    Ok(Some(AccountingSession {
        key: SafeText::bounded(&text(1)?.unwrap_or_default(), 200),
        acct_session_id: SafeText::bounded(&text(2)?.unwrap_or_default(), 253),
        username,
        nas_address,
        framed_ipv4: text(5)?.and_then(|address| address.parse::<Ipv4Addr>().ok()),
        framed_prefix: prefix(6)?,
        delegated_prefix: prefix(7)?,
        started_at,
        updated_at: updated.unwrap_or(started_at),
        stopped_at,
        input_octets: octets(11)?,
        output_octets: octets(12)?,
        terminate_cause: text(13)?.filter(|cause| !cause.is_empty()).map(|cause| SafeText::bounded(&cause, 100)),
    }))
}

/// `inet` as text: without a length it is a single address.
fn net(text: &str) -> Option<Ipv6Net> {
    match text.contains('/') {
        true => text.parse::<Ipv6Net>().ok().map(|net| net.trunc()),
        false => text.parse().ok().and_then(|address| Ipv6Net::new(address, 128).ok()),
    }
}
