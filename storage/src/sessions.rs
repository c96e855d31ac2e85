//! Live sessions, as accounting or an import tells of them.

use crate::codec::{bytes, us};
use crate::error::StoreError;
use crate::store::Store;
use noctule_domain::SubscriberId;
use noctule_domain::subscriber::Session;
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn put(conn: &Connection, tenant: i64, subscriber: SubscriberId, session: &Session) -> rusqlite::Result<()> {
    let accounting = session.accounting.as_ref();
    conn.prepare_cached(
        "INSERT INTO sessions (tenant, subscriber, nas, acct_session_id, framed_ipv4, delegated_prefix, started_at, seen_at, accounting_key,
            framed_prefix, input_octets, output_octets)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (tenant, subscriber) DO UPDATE SET nas = ?3, acct_session_id = ?4, framed_ipv4 = ?5, delegated_prefix = ?6,
            started_at = ?7, seen_at = ?8, accounting_key = ?9, framed_prefix = ?10, input_octets = ?11, output_octets = ?12",
    )?
    .execute(params![
        tenant,
        bytes(subscriber.0),
        bytes(session.nas.0),
        session.acct_session_id.as_str(),
        session.framed_ipv4.map(|a| a.to_string()),
        session.delegated_prefix.map(|p| p.to_string()),
        us(session.started_at),
        us(session.seen_at),
        accounting.map(|a| a.key.as_str()),
        accounting.and_then(|a| a.framed_prefix).map(|p| p.to_string()),
        accounting.map(|a| i64::try_from(a.input_octets).unwrap_or(i64::MAX)),
        accounting.map(|a| i64::try_from(a.output_octets).unwrap_or(i64::MAX)),
    ])?;
    Ok(())
}

pub(crate) fn end(conn: &Connection, tenant: i64, subscriber: SubscriberId) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM sessions WHERE tenant = ?1 AND subscriber = ?2")?.execute(params![tenant, bytes(subscriber.0)])?;
    Ok(())
}

/// The row of one subscriber.
pub(crate) fn row_of(conn: &Connection, tenant: i64, subscriber: SubscriberId) -> rusqlite::Result<Option<Session>> {
    conn.prepare_cached(
        "SELECT x.nas, x.acct_session_id, x.framed_ipv4, x.delegated_prefix, x.started_at, x.seen_at, x.accounting_key, x.framed_prefix,
            x.input_octets, x.output_octets FROM sessions AS x WHERE x.tenant = ?1 AND x.subscriber = ?2",
    )?
    .query_row(params![tenant, bytes(subscriber.0)], |row| crate::subscribers::row::session(&mut crate::codec::Take::new(row)))
    .optional()
    .map(Option::flatten)
}

/// Reads the row as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    let sql =
        "SELECT framed_ipv4, delegated_prefix, framed_prefix, started_at, seen_at FROM sessions WHERE tenant = ?1 AND subscriber = ?2";
    crate::replica::probe(conn, sql, id, |row| {
        let mut take = crate::codec::Take::new(row);
        take.opt_parsed::<std::net::Ipv4Addr>()?;
        take.opt_parsed::<ipnet::Ipv6Net>()?;
        take.opt_parsed::<ipnet::Ipv6Net>()?;
        take.time()?;
        take.time()
    })
}

impl Store {
    /// Sets (`Some`) or ends (`None`) sessions, all or none. One for a subscriber or NAS that is not there is refused.
    pub async fn sessions_put(&self, sessions: Vec<(SubscriberId, Option<Session>)>) -> Result<(), StoreError> {
        self.write(move |tx, shared| {
            for (subscriber, session) in &sessions {
                match session {
                    Some(session) => put(tx, shared.tenant_key, *subscriber, session).map_err(|e| {
                        if crate::import::is_constraint(&e) {
                            StoreError::Refused(
                                format!("a session of {subscriber}: there is no such subscriber, or no NAS {}", session.nas).into(),
                            )
                        } else {
                            e.into()
                        }
                    })?,
                    None => end(tx, shared.tenant_key, *subscriber)?,
                }
            }
            Ok(())
        })
        .await
    }
}
