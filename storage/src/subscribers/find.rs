//! Look-ups of one subscriber, and what happened to it.

use super::page::lines;
use super::row::load;
use crate::codec::bytes;
use crate::error::StoreError;
use crate::operations;
use crate::store::{Shared, Store};
use noctule_domain::SubscriberId;
use noctule_domain::filter::Vocabulary;
use noctule_domain::lifecycle::OperationView;
use noctule_domain::subscriber::{Subscriber, SubscriberRow};
use rusqlite::{Connection, OptionalExtension, params};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use uuid::Uuid;

/// Most rows that a look-up gives.
const MAX_FOUND: usize = 10;

/// Most lines that are given at once by id.
pub const MAX_LINES: usize = 1000;

impl Store {
    pub async fn subscriber(&self, id: SubscriberId) -> Result<Option<Subscriber>, StoreError> {
        self.read(move |conn, shared| {
            let overlay = shared.overlay();
            let mut found = load(conn, shared.tenant_key, shared.tenant, id)?;
            if let Some(subscriber) = &mut found {
                overlay.subscriber(subscriber);
            }
            Ok(found)
        })
        .await
    }

    /// The subscribers that `text` names exactly: an id, a subscriber number, a user name, a prefix, or an address (of a live prefix, a
    /// static IPv4, a session). At most ten.
    pub async fn find_subscriber(&self, text: &str) -> Result<Vec<SubscriberRow>, StoreError> {
        let text = text.trim().to_owned();
        self.read(move |conn, shared| {
            let overlay = shared.overlay();
            let mut keys = find(conn, shared, &text)?;
            let mut seen = std::collections::BTreeSet::new();
            keys.retain(|key| seen.insert(*key));
            keys.truncate(MAX_FOUND);
            let mut found = lines(conn, &keys)?;
            overlay.lines(&mut found);
            Ok(found)
        })
        .await
    }

    /// The board's lines of these subscribers as they are now; those that are gone are left out. At most [`MAX_LINES`].
    pub async fn subscriber_lines(&self, ids: Vec<SubscriberId>) -> Result<Vec<SubscriberRow>, StoreError> {
        self.read(move |conn, shared| {
            let overlay = shared.overlay();
            let mut find = conn.prepare_cached("SELECT key FROM subscribers WHERE tenant = ?1 AND id = ?2")?;
            let mut keys = Vec::with_capacity(ids.len().min(MAX_LINES));
            for id in ids.iter().take(MAX_LINES) {
                keys.extend(find.query_row(params![shared.tenant_key, bytes(id.uuid())], |row| row.get::<_, i64>(0)).optional()?);
            }
            let mut found = lines(conn, &keys)?;
            overlay.lines(&mut found);
            Ok(found)
        })
        .await
    }

    /// Its operations with their journals, newest first.
    pub async fn subscriber_timeline(&self, id: SubscriberId, limit: u32) -> Result<Vec<OperationView>, StoreError> {
        self.read(move |conn, shared| Ok(operations::timeline(conn, shared, id, limit)?)).await
    }

    /// The names that only the store knows, for completion: NASes and sites, at most a thousand of each.
    pub async fn vocabulary(&self) -> Result<Vocabulary, StoreError> {
        self.read(|conn, shared| {
            let nas = strings(conn, "SELECT name FROM nas WHERE tenant = ?1 ORDER BY name COLLATE NOCASE LIMIT 1000", shared.tenant_key)?;
            // From one site to the next by the index, not through a million rows.
            let sites = strings(
                conn,
                "WITH RECURSIVE next (site) AS (
                    SELECT min(site COLLATE NOCASE) FROM subscribers WHERE tenant = ?1 AND site IS NOT NULL
                    UNION ALL
                    SELECT (SELECT s.site FROM subscribers AS s INDEXED BY subscribers_site
                            WHERE s.tenant = ?1 AND s.site IS NOT NULL AND s.site COLLATE NOCASE > next.site
                            ORDER BY s.site COLLATE NOCASE LIMIT 1)
                    FROM next WHERE site IS NOT NULL
                ) SELECT site FROM next WHERE site IS NOT NULL LIMIT 1000",
                shared.tenant_key,
            )?;
            Ok(Vocabulary { nas, sites })
        })
        .await
    }
}

fn strings(conn: &Connection, sql: &str, tenant: i64) -> rusqlite::Result<Vec<String>> {
    conn.prepare_cached(sql)?.query_map([tenant], |row| row.get(0))?.collect()
}

fn find(conn: &Connection, shared: &Shared, text: &str) -> rusqlite::Result<Vec<i64>> {
    let tenant = shared.tenant_key;
    let keys = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<Vec<i64>> {
        conn.prepare_cached(sql)?.query_map(values, |row| row.get(0))?.collect()
    };
    if let Ok(id) = Uuid::parse_str(text) {
        let found = keys("SELECT key FROM subscribers WHERE tenant = ?1 AND id = ?2", params![tenant, bytes(id)])?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let mut found = keys("SELECT key FROM subscribers WHERE tenant = ?1 AND number COLLATE NOCASE = ?2 LIMIT 10", params![tenant, text])?;
    found.extend(keys("SELECT key FROM subscribers WHERE tenant = ?1 AND username COLLATE NOCASE = ?2 LIMIT 10", params![tenant, text])?);
    let prefix = ipnet::Ipv6Net::from_str(text).ok().or_else(|| Ipv6Addr::from_str(text).ok().map(ipnet::Ipv6Net::from));
    if let Some(net) = prefix {
        // Nearest first: the prefix itself, then the shorter ones around it.
        for len in (0..=net.prefix_len()).rev() {
            let Ok(around) = ipnet::Ipv6Net::new(net.network(), len) else { continue };
            let (start, end) = (around.network().octets(), around.broadcast().octets());
            found.extend(keys(
                "SELECT key FROM subscribers WHERE tenant = ?1 AND prefix_start = ?2 AND prefix_end = ?3 LIMIT 10",
                params![tenant, start, end],
            )?);
        }
    }
    if let Ok(address) = Ipv4Addr::from_str(text) {
        found.extend(keys(
            "SELECT s.key FROM subscribers AS s INDEXED BY subscribers_ipv4 WHERE s.tenant = ?1 AND s.static_ipv4 = ?2 AND s.static_ipv4 IS NOT NULL LIMIT 10",
            params![tenant, address.to_string()],
        )?);
    }
    Ok(found)
}
