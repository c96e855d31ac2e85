//! `drift.db`: findings with their age and dismissals, the checks that ran, and what was done about prefixes that nobody owns. A file of
//! its own, because it is this machine's and not the tenant's: with a centre every console may check, and each keeps what it saw.

use crate::codec::{Take, bytes, json, us};
use crate::error::{OpenError, StoreError};
use crate::open::private_sqlite;
use crate::{migrate, threads};
use ipnet::Ipv6Net;
use noctule_domain::drift::{Dismissal, DriftView, Finding, KeptFinding, LastCheck, Report};
use noctule_domain::secret::Secret;
use noctule_domain::{OperationId, SafeText, TenantId, Timestamp, words};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Findings of a tenant that are ever read at once: the kinds are bounded, so this is far away.
const MOST: u32 = 50_000;
/// Checks that are remembered.
const CHECKS: u32 = 100;

words!(
    /// What is done about a prefix that belongs to nobody. (What is about a subscriber is an operation.)
    MendWhat { Deprecate = "deprecate", Delete = "delete" }
);

/// What is done, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Mend {
    pub operation: OperationId,
    pub key: String,
    pub netbox_id: Option<i64>,
    pub prefix: Option<Ipv6Net>,
    pub what: MendWhat,
    pub actor: SafeText,
    pub reason: Option<SafeText>,
    pub requested_at: Timestamp,
}

/// The file, on a thread of its own. Clones share it.
#[derive(Clone)]
pub struct DriftFile {
    sender: mpsc::Sender<threads::Job<Connection>>,
    tenant: TenantId,
    changes: Arc<tokio::sync::watch::Sender<u64>>,
}

impl std::fmt::Debug for DriftFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DriftFile").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl DriftFile {
    /// Opens or makes the file (mode 0600, folder 0700). Several processes may have it open.
    /// `key`: as that of the local copy, where it is encrypted.
    pub fn open(path: &Path, tenant: TenantId, key: Option<&Secret>, now: Timestamp) -> Result<Self, OpenError> {
        let mut conn = private_sqlite(path, key)?;
        if !migrate::check(&migrate::DRIFT, &conn, path)? {
            migrate::upgrade(&migrate::DRIFT, &mut conn, path, us(now))?;
        }
        let (sender, _thread) = threads::start("store-drift", conn).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        Ok(Self { sender, tenant, changes: Arc::new(tokio::sync::watch::Sender::new(0)) })
    }

    /// Rises with every change that this process makes.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection, [u8; 16]) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let tenant = bytes(self.tenant.0);
        let run = move |conn: &mut Connection| {
            let done = conn.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|tx| {
                let out = job(&tx, tenant)?;
                tx.commit()?;
                Ok(out)
            });
            drop(reply.send(done));
        };
        self.sender.send(Box::new(run)).await.map_err(|_| StoreError::Closed)?;
        Ok(answer.await.map_err(|_| StoreError::Closed)??)
    }

    fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    /// A check begins; its number. One that never ends leaves what was found before as it is.
    pub async fn begin(&self, now: Timestamp) -> Result<i64, StoreError> {
        self.run(move |tx, tenant| {
            tx.execute("INSERT INTO checks (tenant, started_at) VALUES (?1, ?2)", params![tenant, us(now)])?;
            let id = tx.last_insert_rowid();
            tx.execute(
                "DELETE FROM checks WHERE tenant = ?1 AND id NOT IN (SELECT id FROM checks WHERE tenant = ?1 ORDER BY id DESC LIMIT ?2)",
                params![tenant, CHECKS],
            )?;
            Ok(id)
        })
        .await
    }

    /// What a check found. A finding that is not among it has gone only where the check speaks for its kind. A dismissed one comes back
    /// when what it says has changed.
    pub async fn end(&self, check: i64, report: Report) -> Result<(), StoreError> {
        self.run(move |tx, tenant| {
            for finding in &report.findings {
                keep(tx, tenant, finding, report.ended_at)?;
            }
            let began = us(report.started_at);
            for kind in noctule_domain::drift::DriftKind::ALL.iter().filter(|kind| report.speaks_for(**kind)) {
                tx.execute("DELETE FROM findings WHERE tenant = ?1 AND kind = ?2 AND last_seen < ?3", params![tenant, kind.word(), began])?;
            }
            let last = LastCheck {
                started_at: report.started_at,
                ended_at: report.ended_at,
                sources: report.sources.clone(),
                more: report.more.clone(),
            };
            tx.execute(
                "UPDATE checks SET ended_at = ?3, report = ?4 WHERE tenant = ?1 AND id = ?2",
                params![tenant, check, us(report.ended_at), json(&last)?],
            )?;
            Ok(())
        })
        .await?;
        self.changed();
        Ok(())
    }

    /// One thing was looked at by itself: these findings of the keys that were looked at stand, the others are gone.
    pub async fn looked_at(&self, keys: Vec<String>, found: Vec<Finding>, now: Timestamp) -> Result<(), StoreError> {
        self.run(move |tx, tenant| {
            for key in keys.iter().filter(|key| !found.iter().any(|f| f.key() == **key)) {
                tx.execute("DELETE FROM findings WHERE tenant = ?1 AND key = ?2", params![tenant, key])?;
            }
            for finding in &found {
                keep(tx, tenant, finding, now)?;
            }
            Ok(())
        })
        .await?;
        self.changed();
        Ok(())
    }

    /// Worst and oldest first.
    pub async fn view(&self) -> Result<DriftView, StoreError> {
        self.run(|tx, tenant| {
            let mut findings = tx
                .prepare_cached(
                    "SELECT body, first_seen, last_seen, dismissed_at, dismissed_by, dismissed_why FROM findings WHERE tenant = ?1 LIMIT ?2",
                )?
                .query_map(params![tenant, MOST], kept)?
                .collect::<Result<Vec<_>, _>>()?;
            findings.sort_by(|a, b| {
                (a.dismissed.is_some(), b.severity(), a.first_seen, a.finding.key()).cmp(&(
                    b.dismissed.is_some(),
                    a.severity(),
                    b.first_seen,
                    b.finding.key(),
                ))
            });
            let last = tx
                .prepare_cached("SELECT report FROM checks WHERE tenant = ?1 AND report IS NOT NULL ORDER BY id DESC LIMIT 1")?
                .query_row(params![tenant], |row| Take::new(row).json())
                .optional()?;
            Ok(DriftView { findings, last, hold_s: 0 })
        })
        .await
    }

    pub async fn finding(&self, key: String) -> Result<Option<KeptFinding>, StoreError> {
        self.run(move |tx, tenant| {
            tx.prepare_cached(
                "SELECT body, first_seen, last_seen, dismissed_at, dismissed_by, dismissed_why FROM findings WHERE tenant = ?1 AND key = ?2",
            )?
            .query_row(params![tenant, key], kept)
            .optional()
        })
        .await
    }

    /// Dismisses a finding, or (without words) takes that back. False: it is not there.
    pub async fn dismiss(&self, key: String, dismissal: Option<Dismissal>) -> Result<bool, StoreError> {
        let there = self
            .run(move |tx, tenant| {
                let (at, by, why) = match &dismissal {
                    Some(d) => (Some(us(d.at)), Some(d.by.as_str()), Some(d.why.as_str())),
                    None => (None, None, None),
                };
                let changed = tx.execute(
                    "UPDATE findings SET dismissed_at = ?3, dismissed_by = ?4, dismissed_why = ?5 WHERE tenant = ?1 AND key = ?2",
                    params![tenant, key, at, by, why],
                )?;
                Ok(changed > 0)
            })
            .await?;
        self.changed();
        Ok(there)
    }

    /// The intent, durable before NetBox is asked.
    pub async fn mend_begin(&self, mend: Mend) -> Result<(), StoreError> {
        self.run(move |tx, tenant| {
            tx.execute(
                "INSERT INTO mends (tenant, operation, key, netbox_id, prefix, what, actor, reason, requested_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    tenant,
                    bytes(mend.operation.0),
                    mend.key,
                    mend.netbox_id,
                    mend.prefix.map(|p| p.to_string()),
                    mend.what.word(),
                    mend.actor.as_str(),
                    mend.reason.as_ref().map(|r| r.as_str()),
                    us(mend.requested_at)
                ],
            )
            .map(drop)
        })
        .await
    }

    /// True when this machine put the prefix of that finding to rest.
    pub async fn mended(&self, key: String) -> Result<bool, StoreError> {
        self.run(move |tx, tenant| {
            let sql = "SELECT EXISTS (SELECT 1 FROM mends WHERE tenant = ?1 AND key = ?2 AND what = 'deprecate')";
            tx.query_row(sql, params![tenant, key], |row| row.get(0))
        })
        .await
    }

    pub async fn mend_end(&self, operation: OperationId, answer: SafeText, now: Timestamp) -> Result<(), StoreError> {
        self.run(move |tx, tenant| {
            tx.execute(
                "UPDATE mends SET ended_at = ?3, answer = ?4 WHERE tenant = ?1 AND operation = ?2",
                params![tenant, bytes(operation.0), us(now), answer.as_str()],
            )
            .map(drop)
        })
        .await?;
        self.changed();
        Ok(())
    }
}

/// What a row says by itself names ages, which are others at each check: there only its going ends a dismissal.
fn keep(tx: &Connection, tenant: [u8; 16], finding: &Finding, now: Timestamp) -> rusqlite::Result<()> {
    let same = "(?6 OR json_extract(body, '$.ours') = json_extract(?4, '$.ours') AND json_extract(body, '$.theirs') = json_extract(?4, '$.theirs'))";
    let by_itself = finding.kind.source() == noctule_domain::drift::DriftSource::Rows;
    tx.prepare_cached(&format!(
        "INSERT INTO findings (tenant, key, kind, body, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (tenant, key) DO UPDATE SET body = ?4, last_seen = ?5,
            dismissed_at = CASE WHEN {same} THEN dismissed_at END,
            dismissed_by = CASE WHEN {same} THEN dismissed_by END,
            dismissed_why = CASE WHEN {same} THEN dismissed_why END"
    ))?
    .execute(params![tenant, finding.key(), finding.kind.word(), json(finding)?, us(now), by_itself])
    .map(drop)
}

fn kept(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeptFinding> {
    let mut take = Take::new(row);
    let (finding, first_seen, last_seen) = (take.json()?, take.time()?, take.time()?);
    let (at, by, why) = (take.opt_time()?, take.opt_text()?, take.opt_text()?);
    let dismissed = at.map(|at| Dismissal { at, by: by.unwrap_or_default(), why: why.unwrap_or_default() });
    Ok(KeptFinding { finding, first_seen, last_seen, dismissed })
}
