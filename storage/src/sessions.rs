//! Live sessions, as accounting or an import tells of them.

use crate::codec::{bytes, us};
use crate::error::StoreError;
use crate::store::Store;
use noctule_domain::SubscriberId;
use noctule_domain::subscriber::Session;
use rusqlite::{Connection, params};

pub(crate) fn put(conn: &Connection, tenant: i64, subscriber: SubscriberId, session: &Session) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO sessions (tenant, subscriber, nas, acct_session_id, framed_ipv4, delegated_prefix, started_at, seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (tenant, subscriber) DO UPDATE SET nas = ?3, acct_session_id = ?4, framed_ipv4 = ?5, delegated_prefix = ?6,
            started_at = ?7, seen_at = ?8",
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
    ])?;
    Ok(())
}

/// Reads the row as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    let sql = "SELECT framed_ipv4, delegated_prefix, started_at, seen_at FROM sessions WHERE tenant = ?1 AND subscriber = ?2";
    crate::replica::probe(conn, sql, id, |row| {
        let mut take = crate::codec::Take::new(row);
        take.opt_parsed::<std::net::Ipv4Addr>()?;
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
                    None => {
                        tx.prepare_cached("DELETE FROM sessions WHERE tenant = ?1 AND subscriber = ?2")?
                            .execute(params![shared.tenant_key, bytes(subscriber.0)])?;
                    }
                }
            }
            Ok(())
        })
        .await
    }
}
