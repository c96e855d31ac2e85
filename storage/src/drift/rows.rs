//! Subscriber rows in the two orders in which they are compared: by the id of the NetBox object, and by user name.

use crate::codec::{Take, bounds, bytes};
use crate::error::StoreError;
use crate::store::Store;
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::drift::{DriftRow, DriftRows, RowsError};
use noctule_domain::subscriber::{Session, Username};
use noctule_domain::{NasId, OperationId, Retry, SafeText, SubscriberId};
use rusqlite::{Connection, OptionalExtension, Row, params};

const BASE: &str = "s.id, s.number, s.username, s.state, s.mode, s.enforcement, s.prefix, s.vrf, s.netbox_prefix_id, s.hold_until, s.since,
    s.version, EXISTS (SELECT 1 FROM operations AS o WHERE o.tenant = s.tenant AND o.subscriber = s.id AND o.open = 1)";
/// With the session, and the profile of the NAS that owns it, else of the registered one.
const WITH_SESSION: &str = "n.profile, x.nas, x.acct_session_id, x.framed_ipv4, x.delegated_prefix, x.started_at, x.seen_at";
const JOINED: &str = "LEFT JOIN sessions AS x ON x.tenant = s.tenant AND x.subscriber = s.id
    LEFT JOIN nas AS n ON n.tenant = s.tenant AND n.id = COALESCE(x.nas, s.nas)";

fn lean(row: &Row<'_>) -> rusqlite::Result<DriftRow> {
    base(&mut Take::new(row))
}

fn base(take: &mut Take<'_>) -> rusqlite::Result<DriftRow> {
    Ok(DriftRow {
        id: SubscriberId(take.uuid()?),
        number: take.text()?,
        username: take.parsed_username()?,
        state: take.parsed()?,
        mode: take.parsed()?,
        enforcement: take.parsed()?,
        prefix: take.opt_parsed()?,
        vrf: take.get::<i64>().map(|vrf| (vrf != 0).then_some(vrf))?,
        netbox_id: take.get()?,
        hold_until: take.opt_time()?,
        since: take.time()?,
        version: take.get()?,
        busy: take.get()?,
        profile: None,
        session: None,
    })
}

fn full(row: &Row<'_>) -> rusqlite::Result<DriftRow> {
    let mut take = Take::new(row);
    let mut out = base(&mut take)?;
    out.profile = take.get()?;
    if let Some(nas) = take.opt_uuid()?.map(NasId) {
        out.session = Some(Session {
            nas,
            acct_session_id: take.text()?,
            framed_ipv4: take.opt_parsed()?,
            delegated_prefix: take.opt_parsed()?,
            started_at: take.time()?,
            seen_at: take.time()?,
            accounting: None,
        });
    }
    Ok(out)
}

fn one(conn: &Connection, condition: &str, values: impl rusqlite::Params) -> rusqlite::Result<Option<DriftRow>> {
    conn.prepare_cached(&format!("SELECT {BASE}, {WITH_SESSION} FROM subscribers AS s {JOINED} WHERE {condition}"))?
        .query_row(values, full)
        .optional()
}

impl From<StoreError> for RowsError {
    fn from(error: StoreError) -> Self {
        let retry = match &error {
            StoreError::Closed | StoreError::Superseded => Retry::Later,
            _ => Retry::AfterFix,
        };
        Self { message: SafeText::new(&error.to_string()), retry }
    }
}

#[async_trait]
impl DriftRows for Store {
    async fn by_netbox(&self, after: i64, limit: u32) -> Result<Vec<DriftRow>, RowsError> {
        let page = self.read(move |conn, shared| {
            Ok(conn
                .prepare_cached(&format!(
                    "SELECT {BASE} FROM subscribers AS s INDEXED BY subscribers_netbox
                     WHERE s.tenant = ?1 AND s.netbox_prefix_id > ?2 ORDER BY s.netbox_prefix_id LIMIT ?3"
                ))?
                .query_map(params![shared.tenant_key, after, limit], lean)?
                .collect::<Result<_, _>>()?)
        });
        Ok(page.await?)
    }

    async fn by_name(&self, after: Option<Username>, limit: u32) -> Result<Vec<DriftRow>, RowsError> {
        let page = self.read(move |conn, shared| {
            let after = after.as_ref().map_or("", Username::as_str);
            Ok(conn
                .prepare_cached(&format!(
                    "SELECT {BASE}, {WITH_SESSION} FROM subscribers AS s INDEXED BY subscribers_username {JOINED}
                     WHERE s.tenant = ?1 AND s.username COLLATE NOCASE >= ?2 AND (s.username COLLATE NOCASE > ?2 OR s.username > ?2)
                     ORDER BY s.username COLLATE NOCASE, s.username LIMIT ?3"
                ))?
                .query_map(params![shared.tenant_key, after, limit], full)?
                .collect::<Result<_, _>>()?)
        });
        Ok(page.await?)
    }

    async fn row(&self, id: SubscriberId) -> Result<Option<DriftRow>, RowsError> {
        let row =
            self.read(move |conn, shared| Ok(one(conn, "s.tenant = ?1 AND s.id = ?2", params![shared.tenant_key, bytes(id.0)])?)).await?;
        Ok(row)
    }

    async fn named(&self, username: Username) -> Result<Option<DriftRow>, RowsError> {
        let condition = "s.tenant = ?1 AND s.username COLLATE NOCASE = ?2 AND s.username = ?2";
        Ok(self.read(move |conn, shared| Ok(one(conn, condition, params![shared.tenant_key, username.as_str()])?)).await?)
    }

    async fn holders(&self, objects: Vec<(i64, Ipv6Net, Option<i64>)>) -> Result<Vec<(i64, DriftRow)>, RowsError> {
        let found = self.read(move |conn, shared| {
            let mut by_id =
                conn.prepare_cached(&format!("SELECT {BASE} FROM subscribers AS s WHERE s.tenant = ?1 AND s.netbox_prefix_id = ?2"))?;
            let mut by_value = conn.prepare_cached(&format!(
                "SELECT {BASE} FROM subscribers AS s INDEXED BY subscribers_prefix
                 WHERE s.tenant = ?1 AND s.prefix_start = ?2 AND s.prefix_end = ?3 AND s.vrf = ?4 AND s.netbox_prefix_id IS NULL
                    AND s.state IN ('allocated', 'active', 'suspended', 'revoking') LIMIT 1"
            ))?;
            let mut out = Vec::new();
            for (id, prefix, vrf) in objects {
                let named = by_id.query_row(params![shared.tenant_key, id], lean).optional()?;
                let row = match named {
                    Some(row) => Some(row),
                    None => {
                        let (start, end) = bounds(Some(prefix));
                        by_value.query_row(params![shared.tenant_key, start, end, vrf.unwrap_or(0)], lean).optional()?
                    }
                };
                out.extend(row.map(|row| (id, row)));
            }
            Ok(out)
        });
        Ok(found.await?)
    }

    async fn at_work(&self, operation: OperationId) -> Result<bool, RowsError> {
        let known = self.read(move |conn, shared| {
            let sql = "SELECT open = 1 OR watch_until IS NOT NULL FROM operations WHERE tenant = ?1 AND id = ?2";
            Ok(conn.prepare_cached(sql)?.query_row(params![shared.tenant_key, bytes(operation.0)], |row| row.get(0)).optional()?)
        });
        Ok(known.await?.unwrap_or(false))
    }

    async fn count(&self) -> Result<u64, RowsError> {
        let count = self.read(|conn, shared| {
            Ok(conn
                .prepare_cached("SELECT COALESCE(sum(n), 0) FROM counters WHERE tenant = ?1")?
                .query_row([shared.tenant_key], |row| Take::new(row).count())?)
        });
        Ok(count.await?)
    }
}
