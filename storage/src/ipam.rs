//! The built-in IPAM's book in the local store: each call is one transaction, so an allocation is there once or not at all.

use crate::codec::{Take, bounds, bytes, opt_us, us};
use crate::error::StoreError;
use crate::store::Store;
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::ipam::{BookAsk, BookParent, BookPool, BookPrefix, Changed, PrefixBook, PrefixStatus, Taken, space};
use noctule_domain::ports::AuthorityError;
use noctule_domain::{OperationId, SafeText, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::net::Ipv6Addr;

const COLUMNS: &str = "id, prefix, vrf, status, operation";

struct Parent {
    id: i64,
    net: Ipv6Net,
    vrf: i64,
}

/// A parent that may be used, or why it may not.
type Begun = Result<Parent, SafeText>;

fn vrf_key(vrf: Option<i64>) -> i64 {
    vrf.unwrap_or(0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<BookPrefix> {
    let mut take = Take::new(row);
    let (id, prefix, vrf) = (take.get()?, take.parsed()?, take.get::<i64>()?);
    let status = take.parsed()?;
    let operation: Option<[u8; 16]> = take.get()?;
    let operation = operation.map(|id| OperationId::from_uuid(uuid::Uuid::from_bytes(id)));
    Ok(BookPrefix { id, prefix, vrf: (vrf != 0).then_some(vrf), status, operation })
}

fn by_operation(conn: &Connection, tenant: i64, operation: OperationId) -> rusqlite::Result<Option<BookPrefix>> {
    let sql = format!("SELECT {COLUMNS} FROM ipam_prefixes WHERE tenant = ?1 AND operation = ?2");
    conn.prepare_cached(&sql)?.query_row(params![tenant, bytes(operation.0)], read).optional()
}

fn by_id(conn: &Connection, tenant: i64, id: i64) -> rusqlite::Result<Option<(BookPrefix, i64)>> {
    let sql = format!("SELECT {COLUMNS}, parent FROM ipam_prefixes WHERE tenant = ?1 AND id = ?2");
    conn.prepare_cached(&sql)?.query_row(params![tenant, id], |row| Ok((read(row)?, row.get(5)?))).optional()
}

/// The parent's row; made when it is new.
fn parent(conn: &Connection, tenant: i64, wanted: &BookParent, now: Timestamp) -> rusqlite::Result<Begun> {
    let (net, vrf) = (wanted.prefix.trunc(), vrf_key(wanted.vrf));
    let known = conn
        .prepare_cached("SELECT id FROM ipam_parents WHERE tenant = ?1 AND vrf = ?2 AND prefix = ?3")?
        .query_row(params![tenant, vrf, net.to_string()], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(Ok(Parent { id, net, vrf }));
    }
    let (first, last) = bounds(Some(net));
    let other: Option<String> = conn
        .prepare_cached("SELECT prefix FROM ipam_parents WHERE tenant = ?1 AND vrf = ?2 AND first <= ?4 AND last >= ?3 LIMIT 1")?
        .query_row(params![tenant, vrf, first, last], |row| row.get(0))
        .optional()?;
    if let Some(other) = other {
        return Ok(Err(SafeText::new(&format!("{net} overlaps the pool {other}, which is in use: nothing is given from it"))));
    }
    conn.prepare_cached("INSERT INTO ipam_parents (tenant, vrf, prefix, first, last) VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        tenant,
        vrf,
        net.to_string(),
        first,
        last
    ])?;
    let parent = Parent { id: conn.last_insert_rowid(), net, vrf };
    free(conn, &parent, net)?;
    // What subscribers hold already was given by somebody else: it is not given again.
    let held: Vec<(String, String)> = conn
        .prepare_cached(
            "SELECT prefix, number FROM subscribers INDEXED BY subscribers_live WHERE tenant = ?1 AND vrf = ?2 AND live = 1
                AND prefix_start BETWEEN ?3 AND ?4 ORDER BY prefix_start",
        )?
        .query_map(params![tenant, vrf, first, last], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (prefix, number) in held {
        if let Ok(prefix) = prefix.parse() {
            hold(conn, tenant, &parent, prefix, &number, now)?;
        }
    }
    Ok(Ok(parent))
}

fn free(conn: &Connection, parent: &Parent, net: Ipv6Net) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO ipam_free (parent, len, first) VALUES (?1, ?2, ?3)")?
        .execute(params![parent.id, net.prefix_len(), net.network().octets()])
        .map(drop)
}

/// Takes exactly this block from the free ones; false when it is not one of them.
fn unfree(conn: &Connection, parent: &Parent, net: Ipv6Net) -> rusqlite::Result<bool> {
    let gone = conn.prepare_cached("DELETE FROM ipam_free WHERE parent = ?1 AND len = ?2 AND first = ?3")?.execute(params![
        parent.id,
        net.prefix_len(),
        net.network().octets()
    ])?;
    Ok(gone > 0)
}

/// The lowest free block that has room: one look in the index for each length.
fn lowest(conn: &Connection, parent: &Parent, len: u8) -> rusqlite::Result<Option<Ipv6Net>> {
    let mut look = conn.prepare_cached("SELECT first FROM ipam_free WHERE parent = ?1 AND len = ?2 ORDER BY first LIMIT 1")?;
    let mut best: Option<Ipv6Net> = None;
    for block in parent.net.prefix_len()..=len {
        let first: Option<[u8; 16]> = look.query_row(params![parent.id, block], |row| row.get(0)).optional()?;
        let net = first.and_then(|first| Ipv6Net::new(Ipv6Addr::from(first), block).ok());
        if let Some(net) = net.filter(|net| best.is_none_or(|best| net.network() < best.network())) {
            best = Some(net);
        }
    }
    Ok(best)
}

/// Takes `net` out of what is free. Where only pieces of it are free, those are.
fn carve_out(conn: &Connection, parent: &Parent, net: Ipv6Net) -> rusqlite::Result<()> {
    for len in parent.net.prefix_len()..=net.prefix_len() {
        let Ok(block) = Ipv6Net::new(net.network(), len).map(|n| n.trunc()) else { continue };
        if unfree(conn, parent, block)? {
            for rest in space::carve(block, net).unwrap_or_default() {
                free(conn, parent, rest)?;
            }
            return Ok(());
        }
    }
    let (first, last) = bounds(Some(net));
    for len in net.prefix_len() + 1..=128 {
        conn.prepare_cached("DELETE FROM ipam_free WHERE parent = ?1 AND len = ?2 AND first BETWEEN ?3 AND ?4")?
            .execute(params![parent.id, len, first, last])?;
    }
    Ok(())
}

/// A prefix that a subscriber has and this book did not give.
fn hold(conn: &Connection, tenant: i64, parent: &Parent, net: Ipv6Net, number: &str, now: Timestamp) -> rusqlite::Result<()> {
    carve_out(conn, parent, net)?;
    let (first, last) = bounds(Some(net));
    let overlaps: bool = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM ipam_prefixes WHERE tenant = ?1 AND vrf = ?2 AND first BETWEEN ?3 AND ?4)
                OR coalesce((SELECT last FROM ipam_prefixes WHERE tenant = ?1 AND vrf = ?2 AND first < ?3 ORDER BY first DESC LIMIT 1) >= ?3, 0)",
        )?
        .query_row(params![tenant, parent.vrf, first, last], |row| row.get(0))?;
    if !overlaps {
        insert(conn, tenant, parent, net, PrefixStatus::Active, None, number, now)?;
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn insert(
    conn: &Connection,
    tenant: i64,
    parent: &Parent,
    net: Ipv6Net,
    status: PrefixStatus,
    operation: Option<OperationId>,
    number: &str,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    let (first, last) = bounds(Some(net));
    conn.prepare_cached(
        "INSERT INTO ipam_prefixes (tenant, parent, vrf, prefix, first, last, status, operation, subscriber, made_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        tenant,
        parent.id,
        parent.vrf,
        net.to_string(),
        first,
        last,
        status.word(),
        operation.map(|id| bytes(id.0)),
        number,
        us(now)
    ])?;
    Ok(conn.last_insert_rowid())
}

/// A live prefix of a subscriber that overlaps `net`, with whose it is.
fn held_by_subscriber(conn: &Connection, tenant: i64, vrf: i64, net: Ipv6Net) -> rusqlite::Result<Option<(Ipv6Net, String)>> {
    let (first, last) = bounds(Some(net));
    let found: Option<(String, String)> = conn
        .prepare_cached(
            "SELECT prefix, number FROM (
                SELECT prefix, number, prefix_end FROM subscribers INDEXED BY subscribers_live
                    WHERE tenant = ?1 AND vrf = ?2 AND live = 1 AND prefix_start BETWEEN ?3 AND ?4 ORDER BY prefix_start LIMIT 1)
             UNION ALL SELECT prefix, number FROM (
                SELECT prefix, number, prefix_end FROM subscribers INDEXED BY subscribers_live
                    WHERE tenant = ?1 AND vrf = ?2 AND live = 1 AND prefix_start < ?3 ORDER BY prefix_start DESC LIMIT 1) WHERE prefix_end >= ?3",
        )?
        .query_row(params![tenant, vrf, first, last], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.and_then(|(prefix, number)| Some((prefix.parse().ok()?, number))))
}

fn take(conn: &Connection, tenant: i64, ask: &BookAsk, now: Timestamp) -> rusqlite::Result<Taken> {
    if let Some(earlier) = by_operation(conn, tenant, ask.operation)? {
        return Ok(Taken::Earlier(earlier));
    }
    let parent = match parent(conn, tenant, &ask.parent, now)? {
        Ok(parent) => parent,
        Err(why) => return Ok(Taken::Refused(why)),
    };
    while let Some(block) = lowest(conn, &parent, ask.len)? {
        let Some(net) = space::lowest(block, ask.len) else { break };
        if let Some((theirs, number)) = held_by_subscriber(conn, tenant, parent.vrf, net)? {
            // Imported since the parent was begun.
            if theirs.prefix_len() <= parent.net.prefix_len() {
                break;
            }
            hold(conn, tenant, &parent, theirs, &number, now)?;
            continue;
        }
        carve_out(conn, &parent, net)?;
        let number = ask.subscriber.as_str();
        let id = insert(conn, tenant, &parent, net, PrefixStatus::Reserved, Some(ask.operation), number, now)?;
        let vrf = ask.parent.vrf.filter(|vrf| *vrf != 0);
        return Ok(Taken::New(BookPrefix { id, prefix: net, vrf, status: PrefixStatus::Reserved, operation: Some(ask.operation) }));
    }
    Ok(Taken::NoRoom)
}

fn pool(conn: &Connection, tenant: i64, wanted: &BookParent, now: Timestamp) -> rusqlite::Result<BookPool> {
    let parent = match parent(conn, tenant, wanted, now)? {
        Ok(parent) => parent,
        Err(why) => {
            return Ok(BookPool { id: 0, prefix: wanted.prefix.trunc(), vrf: wanted.vrf, used: 0, blocks: Vec::new(), trouble: Some(why) });
        }
    };
    let used: i64 =
        conn.prepare_cached("SELECT count(*) FROM ipam_prefixes WHERE parent = ?1")?.query_row([parent.id], |row| row.get(0))?;
    let blocks = conn
        .prepare_cached("SELECT len, count(*) FROM ipam_free WHERE parent = ?1 GROUP BY len ORDER BY len")?
        .query_map([parent.id], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.max(0) as u64)))?
        .collect::<Result<_, _>>()?;
    Ok(BookPool { id: parent.id, prefix: parent.net, vrf: wanted.vrf, used: used.max(0) as u64, blocks, trouble: None })
}

fn release(conn: &Connection, tenant: i64, id: i64, expect: Ipv6Net, operation: OperationId) -> rusqlite::Result<Changed> {
    let Some((found, parent)) = by_id(conn, tenant, id)? else { return Ok(Changed::Gone) };
    if found.prefix != expect {
        return Ok(Changed::Other(found.prefix));
    }
    if found.status != PrefixStatus::Deprecated && found.operation != Some(operation) {
        return Ok(Changed::InUse(found.status));
    }
    let parent = conn.prepare_cached("SELECT id, prefix, vrf FROM ipam_parents WHERE id = ?1")?.query_row([parent], |row| {
        let mut take = Take::new(row);
        Ok(Parent { id: take.get()?, net: take.parsed()?, vrf: take.get()? })
    })?;
    conn.prepare_cached("DELETE FROM ipam_prefixes WHERE id = ?1")?.execute([id])?;
    let (swallowed, block) = space::give_back(parent.net, expect, |net| {
        conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM ipam_free WHERE parent = ?1 AND len = ?2 AND first = ?3)")?
            .query_row(params![parent.id, net.prefix_len(), net.network().octets()], |row| row.get::<_, bool>(0))
    })?;
    for net in swallowed {
        unfree(conn, &parent, net)?;
    }
    free(conn, &parent, block)?;
    Ok(Changed::Done)
}

#[async_trait]
impl PrefixBook for Store {
    async fn parents(&self, parents: Vec<BookParent>) -> Result<Vec<BookPool>, AuthorityError> {
        let told: Result<_, StoreError> = self
            .write(move |tx, shared| {
                let pools = parents.iter().map(|wanted| pool(tx, shared.tenant_key, wanted, shared.now()));
                Ok(pools.collect::<rusqlite::Result<Vec<_>>>()?)
            })
            .await;
        Ok(told?)
    }

    async fn take(&self, ask: BookAsk) -> Result<Taken, AuthorityError> {
        let taken: Result<_, StoreError> = self.write(move |tx, shared| Ok(take(tx, shared.tenant_key, &ask, shared.now())?)).await;
        Ok(taken?)
    }

    async fn by_operation(&self, operation: OperationId) -> Result<Option<BookPrefix>, AuthorityError> {
        Ok(self.read(move |conn, shared| Ok(by_operation(conn, shared.tenant_key, operation)?)).await?)
    }

    async fn by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<BookPrefix>, AuthorityError> {
        let found: Result<_, StoreError> = self
            .read(move |conn, shared| {
                let sql = format!("SELECT {COLUMNS} FROM ipam_prefixes WHERE tenant = ?1 AND vrf = ?2 AND first = ?3 AND prefix = ?4");
                let (first, _) = bounds(Some(prefix.trunc()));
                let args = params![shared.tenant_key, vrf_key(vrf), first, prefix.trunc().to_string()];
                Ok(conn.prepare_cached(&sql)?.query_row(args, read).optional()?)
            })
            .await;
        Ok(found?)
    }

    async fn set_status(
        &self,
        id: i64,
        expect: Ipv6Net,
        status: PrefixStatus,
        hold_until: Option<Timestamp>,
    ) -> Result<Changed, AuthorityError> {
        let changed: Result<_, StoreError> = self
            .write(move |tx, shared| {
                let Some((found, _)) = by_id(tx, shared.tenant_key, id)? else { return Ok(Changed::Gone) };
                if found.prefix != expect {
                    return Ok(Changed::Other(found.prefix));
                }
                tx.prepare_cached("UPDATE ipam_prefixes SET status = ?2, hold_until = coalesce(?3, hold_until) WHERE id = ?1")?
                    .execute(params![id, status.word(), opt_us(hold_until)])?;
                Ok(Changed::Done)
            })
            .await;
        Ok(changed?)
    }

    async fn release(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<Changed, AuthorityError> {
        let freed: Result<_, StoreError> = self.write(move |tx, shared| Ok(release(tx, shared.tenant_key, id, expect, operation)?)).await;
        Ok(freed?)
    }
}
