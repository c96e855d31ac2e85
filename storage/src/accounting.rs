//! Sessions as accounting tells of them, and what they prove: the port `SessionBook`. Each batch is one transaction.

use crate::authority::subscriber_of;
use crate::codec::{Take, bytes, us};
use crate::error::StoreError;
use crate::sessions::{self, row_of};
use crate::store::{Shared, Store};
use crate::subscribers::row::write_ipv6;
use crate::{audit, operations};
use async_trait::async_trait;
use noctule_domain::aaa::AccountingSession;
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{Asked, Enforcement, OperationKind, Proofs, Told, proof};
use noctule_domain::ports::{AuthorityError, Awaiting, Heard, SessionBook};
use noctule_domain::subscriber::{Session, SessionAccounting, Username};
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A NAS by the addresses that accounting may call it.
struct Nases(HashMap<IpAddr, NasId>);

impl Nases {
    fn read(conn: &Connection, tenant: i64) -> rusqlite::Result<Self> {
        let mut by = HashMap::new();
        let mut statement = conn.prepare_cached("SELECT id, nas_ip, address FROM nas WHERE tenant = ?1 ORDER BY name DESC")?;
        let rows = statement.query_map([tenant], |row| {
            let mut take = Take::new(row);
            Ok((NasId(take.uuid()?), take.opt_parsed::<IpAddr>()?, take.parsed::<SocketAddr>()?))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        // What a NAS calls itself goes before where its packets go.
        by.extend(rows.iter().map(|(id, _, address)| (address.ip(), *id)));
        by.extend(rows.iter().filter_map(|(id, own, _)| Some(((*own)?, *id))));
        Ok(Self(by))
    }
}

fn told(tx: &Transaction<'_>, shared: &Shared, told: &[Told], proofs: &BTreeMap<String, Proofs>) -> Result<Heard, StoreError> {
    let mut heard = Heard::default();
    let nases = Nases::read(tx, shared.tenant_key)?;
    for one in told {
        let Some(subscriber) = by_username(tx, shared.tenant_key, &one.username)? else {
            heard.strangers += 1;
            continue;
        };
        // The first whose NAS we know: CoA and Disconnect go there.
        let found = one.open.iter().find_map(|session| nases.0.get(&session.nas_address).map(|nas| (session, *nas)));
        let mut unknown = one.open.iter().filter(|session| !nases.0.contains_key(&session.nas_address)).map(|session| session.nas_address);
        heard.add(Heard { unknown_nas: unknown.by_ref().take(3).collect(), ..Heard::default() });
        let before = row_of(tx, shared.tenant_key, subscriber)?;
        match found.map(|(session, nas)| row(session, nas)) {
            Some(session) if before.as_ref() != Some(&session) => {
                sessions::put(tx, shared.tenant_key, subscriber, &session)?;
                heard.put += 1;
            }
            Some(_) => {}
            // What an import told is not accounting's to take away.
            None => {
                if before.as_ref().is_some_and(|session| session.accounting.is_some()) {
                    sessions::end(tx, shared.tenant_key, subscriber)?;
                    heard.ended += 1;
                }
            }
        }
        let ended = || one.stopped.iter().find_map(|session| nases.0.get(&session.nas_address).copied());
        let nas = before.map(|session| session.nas).or(found.map(|(_, nas)| nas)).or_else(ended);
        heard.observed += u32::from(prove(tx, shared, subscriber, nas, one, proofs)?);
    }
    Ok(heard)
}

fn row(session: &AccountingSession, nas: NasId) -> Session {
    Session {
        nas,
        acct_session_id: session.acct_session_id.clone(),
        framed_ipv4: session.framed_ipv4,
        delegated_prefix: session.delegated_prefix,
        started_at: crate::codec::cut(session.started_at),
        seen_at: crate::codec::cut(session.updated_at),
        accounting: Some(SessionAccounting {
            key: session.key.clone(),
            framed_prefix: session.framed_prefix,
            input_octets: session.input_octets.min(i64::MAX.unsigned_abs()),
            output_octets: session.output_octets.min(i64::MAX.unsigned_abs()),
        }),
    }
}

fn by_username(conn: &Connection, tenant: i64, username: &Username) -> rusqlite::Result<Option<SubscriberId>> {
    // By the index on the name without case, then exactly, as RADIUS compares.
    conn.prepare_cached("SELECT id FROM subscribers WHERE tenant = ?1 AND username = ?2 COLLATE NOCASE AND username = ?2")?
        .query_row(params![tenant, username.as_str()], |row| Take::new(row).uuid())
        .optional()
        .map(|id| id.map(SubscriberId))
}

/// `observed`, with its audit record, where what is told proves it.
fn prove(
    tx: &Transaction<'_>,
    shared: &Shared,
    id: SubscriberId,
    nas: Option<NasId>,
    told: &Told,
    proofs: &BTreeMap<String, Proofs>,
) -> Result<bool, StoreError> {
    // Most rows need no proof: they are passed by without reading them whole.
    let wanting = tx
        .prepare_cached(
            "SELECT 1 FROM subscribers WHERE tenant = ?1 AND id = ?2
                AND (enforcement IN ('acknowledged', 'unanswered') OR (enforcement = 'none' AND state = 'active'))",
        )?
        .exists(params![shared.tenant_key, bytes(id.0)])?;
    if !wanting {
        return Ok(false);
    }
    let subscriber = subscriber_of(tx, shared, id).map_err(AuthorityError::from).map_err(refused)?;
    let running = operations::open_of(tx, shared, id)?.is_some();
    let asked = asked(tx, shared.tenant_key, id)?;
    let now = shared.now();
    let profile = nas.or(subscriber.nas).map(|nas| crate::nas::load(tx, shared, nas)).transpose()?.flatten().map(|nas| nas.profile);
    let by = profile.as_ref().and_then(|profile| proofs.get(profile));
    let Some(note) = proof(&subscriber.ipv6, running, asked.map(|(asked, _)| asked), by, told, now) else { return Ok(false) };
    let mut after = subscriber.ipv6.clone();
    after.enforcement = Enforcement::Observed;
    after.enforcement_note = Some(note.clone());
    write_ipv6(tx, shared.tenant_key, id, &subscriber.ipv6, &after, now)?;
    let entry = AuditEntry {
        tenant: shared.tenant,
        at: now,
        actor: "accounting".into(),
        origin: SafeText::new(&format!("console {}", shared.console)),
        action: "ipv6-observed".into(),
        target: SafeText::new(&format!("subscriber {} ({})", subscriber.subscriber_number, subscriber.id)),
        operation: asked.map(|(_, operation)| operation),
        reason: None,
        before: json!(subscriber.ipv6),
        after: json!(after),
        answers: json!({ "accounting": note }),
    };
    audit::append(tx, shared, entry)?;
    Ok(true)
}

fn refused(error: AuthorityError) -> StoreError {
    StoreError::Refused(SafeText::new(&error.to_string()))
}

/// The request that a NAS was sent last for this subscriber, and its operation.
fn asked(conn: &Connection, tenant: i64, id: SubscriberId) -> rusqlite::Result<Option<(Asked, OperationId)>> {
    conn.prepare_cached(
        "SELECT o.kind, j.started_at, o.id FROM operations AS o JOIN operation_steps AS j ON j.tenant = o.tenant AND j.operation = o.id
         WHERE o.tenant = ?1 AND o.subscriber = ?2 AND j.step IN ('nas_coa', 'nas_disconnect') ORDER BY j.started_at DESC, j.seq DESC LIMIT 1",
    )?
    .query_row(params![tenant, bytes(id.0)], |row| {
        let mut take = Take::new(row);
        Ok((Asked { kind: take.parsed::<OperationKind>()?, at: take.time()? }, OperationId(take.uuid()?)))
    })
    .optional()
}

/// An acknowledgement whose proof is overdue.
#[derive(Debug, Clone, PartialEq)]
pub struct Unproved {
    pub subscriber: SubscriberId,
    pub operation: OperationId,
    pub kind: OperationKind,
    pub asked_at: Timestamp,
    /// When the proof should have been there.
    pub due_at: Timestamp,
}

fn unproved(
    conn: &Connection,
    shared: &Shared,
    proofs: &BTreeMap<String, Proofs>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Unproved>, StoreError> {
    let mut found = Vec::new();
    let mut statement = conn.prepare_cached(
        "SELECT s.id, n.profile FROM subscribers AS s
         LEFT JOIN sessions AS x ON x.tenant = s.tenant AND x.subscriber = s.id
         JOIN nas AS n ON n.tenant = s.tenant AND n.id = coalesce(x.nas, s.nas)
         WHERE s.tenant = ?1 AND s.enforcement = 'acknowledged' ORDER BY s.key",
    )?;
    let mut rows = statement.query([shared.tenant_key])?;
    while let Some(row) = rows.next()? {
        let mut take = Take::new(row);
        let (id, profile) = (SubscriberId(take.uuid()?), take.get::<String>()?);
        let Some(by) = proofs.get(&profile) else { continue };
        let Some((asked, operation)) = asked(conn, shared.tenant_key, id)? else { continue };
        let due_at = asked.at + chrono::Duration::seconds(by.deadline_s.into());
        if by.by(asked.kind) != noctule_domain::nas::Verification::None && due_at < now {
            found.push(Unproved { subscriber: id, operation, kind: asked.kind, asked_at: asked.at, due_at });
            if found.len() >= limit as usize {
                break;
            }
        }
    }
    Ok(found)
}

impl Store {
    /// Acknowledged, of a profile whose proof can be had, and older than its deadline. Of the store of a machine that works alone.
    pub async fn unproved(&self, proofs: Arc<BTreeMap<String, Proofs>>, now: Timestamp, limit: u32) -> Result<Vec<Unproved>, StoreError> {
        self.read(move |conn, shared| unproved(conn, shared, &proofs, now, limit)).await
    }

    /// As `SessionBook::awaiting`: read here also where the centre is the book.
    pub async fn sessions_awaiting(&self, after: Timestamp, limit: u32) -> Result<Vec<Awaiting>, StoreError> {
        self.read(move |conn, shared| {
            let mut statement = conn.prepare_cached(
                "SELECT s.username, o.ended_at FROM operations AS o INDEXED BY operations_ended
                 JOIN subscribers AS s ON s.tenant = o.tenant AND s.id = o.subscriber
                 WHERE o.tenant = ?1 AND o.ended_at > ?2 AND s.enforcement IN ('acknowledged', 'unanswered') ORDER BY o.ended_at LIMIT ?3",
            )?;
            let rows = statement.query_map(params![shared.tenant_key, us(after), limit], |row| {
                let mut take = Take::new(row);
                Ok(Awaiting { username: take.parsed_username()?, ended_at: take.time()? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// As `SessionBook::known`: read here also where the centre is the book.
    pub async fn sessions_known(&self, after: Option<SubscriberId>, limit: u32) -> Result<Vec<(SubscriberId, Username)>, StoreError> {
        self.read(move |conn, shared| {
            let mut statement = conn.prepare_cached(
                "SELECT x.subscriber, s.username FROM sessions AS x JOIN subscribers AS s ON s.tenant = x.tenant AND s.id = x.subscriber
                 WHERE x.tenant = ?1 AND x.subscriber > ?2 AND x.accounting_key IS NOT NULL ORDER BY x.subscriber LIMIT ?3",
            )?;
            let after: &[u8] = after.as_ref().map_or(&[], |id| id.0.as_bytes());
            let rows = statement.query_map(params![shared.tenant_key, after, limit], |row| {
                let mut take = Take::new(row);
                Ok((SubscriberId(take.uuid()?), take.parsed_username()?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

#[async_trait]
impl SessionBook for Store {
    async fn awaiting(&self, after: Timestamp, limit: u32) -> Result<Vec<Awaiting>, AuthorityError> {
        Ok(self.sessions_awaiting(after, limit).await?)
    }

    async fn known(&self, after: Option<SubscriberId>, limit: u32) -> Result<Vec<(SubscriberId, Username)>, AuthorityError> {
        Ok(self.sessions_known(after, limit).await?)
    }

    async fn told(&self, all: Vec<Told>, proofs: Arc<BTreeMap<String, Proofs>>) -> Result<Heard, AuthorityError> {
        Ok(self.write(move |tx, shared| told(tx, shared, &all, &proofs)).await?)
    }
}
