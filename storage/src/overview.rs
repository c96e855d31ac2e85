//! The Overview in one snapshot: from counters and short ranges of indexes, never by counting a million rows.

use crate::codec::{bytes, us};
use crate::error::StoreError;
use crate::pools::{self, PoolSide};
use crate::replica::Overlay;
use crate::store::Store;
use chrono::{DateTime, Duration};
use noctule_domain::lifecycle::{Enforcement, Ipv6State};
use noctule_domain::overview::{Alert, Overview, Severity, UNPROVED};
use noctule_domain::page::Total;
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::{SafeText, Timestamp, sentence};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// The newest changes that are looked at for what is not proved: some milliseconds.
const LOOKED_AT: u32 = 20_000;

/// More revokes than this that do not end is more than bad luck.
const MANY_REVOKING: u64 = 5;

impl Store {
    pub async fn overview(&self, now: Timestamp) -> Result<Overview, StoreError> {
        self.read(move |conn, shared| {
            let overlay = shared.overlay();
            let mut overview = overview(conn, shared.tenant_key, now, &shared.pools)?;
            lay_over(conn, shared.tenant_key, &overlay, &mut overview)?;
            Ok(overview)
        })
        .await
    }
}

/// Counts what this operator did as it is shown elsewhere: one more here, one less there.
fn lay_over(conn: &Connection, tenant: i64, overlay: &Overlay, overview: &mut Overview) -> rusqlite::Result<()> {
    let stored = |sql: &str, id: uuid::Uuid| -> rusqlite::Result<Option<String>> {
        conn.prepare_cached(sql)?.query_row(params![tenant, bytes(id)], |row| row.get(0)).optional()
    };
    for (id, to) in overlay.task_statuses() {
        if let Some(from) = stored("SELECT status FROM tasks WHERE tenant = ?1 AND id = ?2", id.0)? {
            moved(&mut overview.tasks, TaskStatus::from_word(&from), to);
        }
    }
    for (id, to) in overlay.technician_statuses() {
        if let Some(from) = stored("SELECT status FROM technicians WHERE tenant = ?1 AND id = ?2", id.0)? {
            moved(&mut overview.technicians, TechnicianStatus::from_word(&from), to);
        }
    }
    Ok(())
}

fn moved<S: PartialEq + Copy>(counts: &mut [(S, u64)], from: Option<S>, to: S) {
    let Some(from) = from.filter(|from| *from != to) else { return };
    for (status, n) in counts {
        if *status == from {
            *n = n.saturating_sub(1);
        } else if *status == to {
            *n += 1;
        }
    }
}

fn overview(conn: &Connection, tenant: i64, now: Timestamp, side: &PoolSide) -> rusqlite::Result<Overview> {
    let (mut delegating, mut subscribers) = (HashMap::new(), 0u64);
    let mut statement = conn.prepare_cached("SELECT state, delegating, n FROM counters WHERE tenant = ?1")?;
    let mut rows = statement.query([tenant])?;
    while let Some(row) = rows.next()? {
        let (state, takes_part, n): (String, bool, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        subscribers += n.max(0) as u64;
        if takes_part {
            delegating.insert(state, n.max(0) as u64);
        }
    }
    let states: Vec<(Ipv6State, u64)> =
        Ipv6State::ALL.iter().map(|state| (*state, delegating.get(state.word()).copied().unwrap_or(0))).collect();
    let technicians = grouped(conn, "SELECT status, count(*) FROM technicians WHERE tenant = ?1 GROUP BY status", tenant)?;
    let tasks = grouped(conn, "SELECT status, count(*) FROM tasks WHERE tenant = ?1 GROUP BY status", tenant)?;
    let open = grouped(conn, "SELECT status, count(*) FROM operations WHERE tenant = ?1 AND open = 1 GROUP BY status", tenant)?;
    let day = now.timestamp().div_euclid(86_400) * 86_400_000_000;
    let overview = Overview {
        delegating: states.iter().map(|(_, n)| n).sum(),
        states,
        subscribers,
        pools: pools::all(conn, tenant, side)?,
        running: open.get("running").copied().unwrap_or(0),
        waiting: open.get("waiting").copied().unwrap_or(0),
        failed_today: number(
            conn,
            "SELECT count(*), NULL FROM operations INDEXED BY operations_ended
             WHERE tenant = ?1 AND ended_at > ?2 AND status IN ('refused', 'unanswered', 'failed')",
            tenant,
            us(now - Duration::hours(24)),
        )?
        .0,
        unproved: unproved(conn, tenant, now)?,
        technicians: TechnicianStatus::ALL.iter().map(|s| (*s, technicians.get(s.word()).copied().unwrap_or(0))).collect(),
        tasks: TaskStatus::ALL.iter().map(|s| (*s, tasks.get(s.word()).copied().unwrap_or(0))).collect(),
        tasks_today: number(
            conn,
            "SELECT count(*), NULL FROM tasks WHERE tenant = ?1 AND scheduled_at >= ?2 AND scheduled_at < ?2 + 86400000000",
            tenant,
            day,
        )?
        .0,
        tasks_overdue: 0,
        alerts: Vec::new(),
    };
    let (tasks_overdue, overdue_since) =
        number(conn, "SELECT count(*), min(sla_due_at) FROM tasks WHERE tenant = ?1 AND open = 1 AND sla_due_at < ?2", tenant, us(now))?;
    let mut overview = Overview { tasks_overdue, ..overview };
    overview.alerts = alerts(conn, tenant, now, &overview, overdue_since)?;
    Ok(overview)
}

/// How many are not known to be as they should, by what the network said. The acknowledged are those of the last day, of the newest changes
/// only: their number is a look and no census.
fn unproved(conn: &Connection, tenant: i64, now: Timestamp) -> rusqlite::Result<Vec<(Enforcement, Total)>> {
    let newest =
        "SELECT enforcement FROM subscribers INDEXED BY subscribers_since WHERE tenant = ?1 AND since > ?2 ORDER BY since DESC LIMIT ?3";
    let sql = format!("SELECT count(*) FILTER (WHERE enforcement = 'acknowledged'), count(*) FROM ({newest})");
    let since = us(now - Duration::hours(24));
    let (acknowledged, seen): (u32, u32) =
        conn.prepare_cached(&sql)?.query_row(params![tenant, since, LOOKED_AT], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rare = grouped(
        conn,
        "SELECT enforcement, count(*) FROM subscribers INDEXED BY subscribers_enforcement WHERE tenant = ?1
            AND enforcement <> 'none' AND enforcement <> 'acknowledged' AND enforcement <> 'observed' GROUP BY enforcement",
        tenant,
    )?;
    let total = |enforcement: &Enforcement| match enforcement {
        Enforcement::Acknowledged if seen >= LOOKED_AT => Total::AtLeast(acknowledged.into()),
        Enforcement::Acknowledged => Total::Exact(acknowledged.into()),
        other => Total::Exact(rare.get(other.word()).copied().unwrap_or(0)),
    };
    Ok(UNPROVED.iter().map(|enforcement| (*enforcement, total(enforcement))).collect())
}

fn grouped(conn: &Connection, sql: &str, tenant: i64) -> rusqlite::Result<HashMap<String, u64>> {
    conn.prepare_cached(sql)?.query_map([tenant], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.max(0) as u64)))?.collect()
}

/// `1 task overdue`, `13 tasks overdue`.
fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A count and the earliest time in it.
fn number(conn: &Connection, sql: &str, tenant: i64, time: i64) -> rusqlite::Result<(u64, Option<Timestamp>)> {
    conn.prepare_cached(sql)?.query_row(params![tenant, time], |row| {
        let since: Option<i64> = row.get(1)?;
        Ok((row.get::<_, i64>(0)?.max(0) as u64, since.and_then(DateTime::from_timestamp_micros)))
    })
}

/// What wants a look, the worst first.
fn alerts(
    conn: &Connection,
    tenant: i64,
    now: Timestamp,
    seen: &Overview,
    overdue_since: Option<Timestamp>,
) -> rusqlite::Result<Vec<Alert>> {
    let mut alerts = Vec::new();
    let mut alert = |severity, text: String, since, filter: Option<String>| {
        alerts.push(Alert { severity, text: SafeText::new(&text), since, filter });
    };
    for pool in &seen.pools {
        if let Some((severity, text)) = sentence::pool_alert(pool) {
            alert(severity, text, None, Some(format!("prefix:{}", pool.prefix)));
        }
    }
    let stale = |state: &str, hours: i64| {
        let sql = format!(
            "SELECT count(*), min(since) FROM subscribers INDEXED BY subscribers_stale WHERE tenant = ?1 AND state = '{state}' AND since < ?2"
        );
        number(conn, &sql, tenant, us(now - Duration::hours(hours)))
    };
    let (revoking, since) = stale("revoking", 1)?;
    if revoking > 0 {
        let severity = if revoking > MANY_REVOKING { Severity::Critical } else { Severity::Warning };
        alert(severity, format!("{revoking} revoking for more than 1 h"), since, Some("state:revoking age:>1h".into()));
    }
    let (allocated, since) = stale("allocated", 24)?;
    if allocated > 0 {
        let text = format!("{allocated} allocated for more than 24 h and not activated");
        alert(Severity::Warning, text, since, Some("state:allocated age:>24h".into()));
    }
    // From all rows, as the filter shows them, not only those that delegate.
    let failed = number(
        conn,
        "SELECT coalesce(sum(n), 0), NULL FROM counters WHERE tenant = ?1 AND state = 'failed' AND ?2 IS NOT NULL",
        tenant,
        0,
    )?
    .0;
    if failed > 0 {
        alert(Severity::Warning, counted(failed, "subscriber failed", "subscribers failed"), None, Some("state:failed".into()));
    }
    if seen.waiting > 0 {
        let text = counted(seen.waiting, "operation waits for an upstream", "operations wait for an upstream");
        alert(Severity::Warning, text, None, Some("running:yes".into()));
    }
    if seen.tasks_overdue > 0 {
        alert(Severity::Warning, counted(seen.tasks_overdue, "task overdue", "tasks overdue"), overdue_since, None);
    }
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
    Ok(alerts)
}
