//! The desk: one thread that owns the connection to the outbox. It checks a change against what the screen shows (cache and overlay), makes
//! it durable, and only then lays it over what is read.

use super::overlay::{Laid, Overlay};
use super::{Side, cache};
use crate::codec::{self, Take, bytes, us};
use crate::error::StoreError;
use crate::open;
use chrono::DateTime;
use noctule_domain::lifecycle::Actor;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{Answer, Answered, Change, Conflict, Op, OpState, Outbox, Position};
use noctule_domain::{OpId, SafeText, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use uuid::Uuid;

/// Done ops stay this long as history.
const HISTORY: chrono::Duration = chrono::Duration::days(30);
/// How far back answers of an earlier history are doubted: far longer than a standby lags behind, far shorter than the centre remembers ops.
const DOUBTED: chrono::Duration = chrono::Duration::hours(24);
/// The longest list.
const MAX: u32 = 10_000;

pub(crate) type DeskJob = Box<dyn FnOnce(&mut Desk) + Send>;

/// What a change is checked against.
pub(crate) struct Seen<'a> {
    pub(crate) cache: &'a Connection,
    pub(crate) overlay: &'a Overlay,
    pub(crate) now: Timestamp,
    /// What the transaction appended.
    appended: RefCell<Vec<Laid>>,
}

/// A change to be written.
pub(crate) struct NewOp {
    pub(crate) id: OpId,
    pub(crate) change: Change,
    pub(crate) reason: Option<SafeText>,
    pub(crate) target: String,
    /// This console is still at it.
    pub(crate) under_way: bool,
}

impl NewOp {
    pub(crate) fn new(change: Change, target: String) -> Self {
        Self { id: OpId(Uuid::now_v7()), change, reason: None, target, under_way: false }
    }
}

pub(crate) struct Desk {
    pub(crate) conn: Connection,
    pub(crate) read_only: bool,
    cache: Option<(u64, Connection)>,
    version: i64,
    overlay: Arc<Overlay>,
    /// The history in which answers were last looked at.
    pub(crate) history: Option<String>,
}

const OP: &str = "seq, id, made_at, origin, reason, change";

fn op_of(take: &mut Take<'_>) -> rusqlite::Result<Op> {
    Ok(Op {
        seq: take.get()?,
        id: OpId(take.uuid()?),
        made_at: take.time()?,
        origin: take.text()?,
        reason: take.opt_text()?,
        change: take.json()?,
    })
}

fn opt_answer(take: &mut Take<'_>) -> rusqlite::Result<Option<Answer>> {
    let text: Option<String> = take.get()?;
    text.map(|t| serde_json::from_str(&t).map_err(|e| codec::bad(0, e.to_string()))).transpose()
}

/// Whose ops: of this tenant and login alone (no login given: of any).
const WHOSE: &str = "tenant = ?1 AND (login = ?2 OR ?2 = '')";

pub(crate) fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA data_version", [], |row| row.get(0))
}

/// Everything that is laid over what this login reads.
pub(crate) fn load_overlay(conn: &Connection, side: &Side) -> Result<Overlay, StoreError> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {OP}, answer FROM ops INDEXED BY ops_laid WHERE laid = 1 AND {WHOSE} ORDER BY seq"))?;
    let laid = statement
        .query_map(params![bytes(side.tenant.0), side.login], |row| {
            let mut take = Take::new(row);
            Ok(Laid { op: op_of(&mut take)?, answer: opt_answer(&mut take)? })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Overlay::build(&laid))
}

impl Desk {
    pub(crate) fn new(conn: Connection, read_only: bool, side: &Side) -> Result<Self, StoreError> {
        let version = data_version(&conn)?;
        let overlay = Arc::new(load_overlay(&conn, side)?);
        side.set_overlay(overlay.clone());
        Ok(Self { conn, read_only, cache: None, version, overlay, history: None })
    }

    /// Takes notice of what other processes wrote; `true` when they did.
    pub(crate) fn refresh(&mut self, side: &Side) -> Result<bool, StoreError> {
        let version = data_version(&self.conn)?;
        if version == self.version {
            return Ok(false);
        }
        self.version = version;
        self.reload(side)?;
        side.rose();
        Ok(true)
    }

    fn reload(&mut self, side: &Side) -> Result<(), StoreError> {
        self.overlay = Arc::new(load_overlay(&self.conn, side)?);
        side.set_overlay(self.overlay.clone());
        Ok(())
    }

    fn freshen_cache(&mut self, side: &Side) -> Result<(), StoreError> {
        let now = side.generation.load(Relaxed);
        if self.cache.as_ref().is_none_or(|(generation, _)| *generation != now) {
            self.cache = Some(side.reader()?);
        }
        Ok(())
    }

    /// Runs `job` in one durable transaction of the outbox.
    pub(crate) fn transaction<T>(
        &mut self,
        side: &Side,
        now: Timestamp,
        job: impl FnOnce(&Connection, &Seen<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        self.freshen_cache(side)?;
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        let run = |desk: &mut Self| -> Result<(T, Option<Vec<Laid>>), StoreError> {
            // Nobody else writes now: what is laid over is what it will be checked against.
            desk.refresh(side)?;
            let Some((_, cache)) = &desk.cache else { return Err(StoreError::Closed) };
            let before = desk.conn.total_changes();
            let seen = Seen { cache, overlay: &desk.overlay, now, appended: RefCell::default() };
            let value = job(&desk.conn, &seen)?;
            let appended = seen.appended.into_inner();
            // Nothing but these rows was written: they are laid over what was, instead of reading a thousand ops again.
            let alone = desk.conn.total_changes() - before == appended.len() as u64;
            desk.conn.execute_batch("COMMIT")?;
            Ok((value, alone.then_some(appended)))
        };
        match run(self) {
            Ok((value, appended)) => {
                match appended {
                    Some(appended) => {
                        let overlay = Arc::make_mut(&mut self.overlay);
                        appended.iter().for_each(|laid| overlay.add(laid));
                        side.set_overlay(self.overlay.clone());
                    }
                    None => self.reload(side)?,
                }
                side.rose();
                side.changed();
                Ok(value)
            }
            Err(error) => {
                if !self.conn.is_autocommit() {
                    self.conn.execute_batch("ROLLBACK")?;
                }
                Err(error)
            }
        }
    }

    /// As `transaction`, for what must be written on a full disk too: room that was laid by is freed.
    pub(crate) fn urgent<T>(
        &mut self,
        side: &Side,
        now: Timestamp,
        mut job: impl FnMut(&Connection, &Seen<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.transaction(side, now, &mut job) {
            Err(StoreError::Full) if side.files.drop_ballast() => self.transaction(side, now, &mut job),
            other => other,
        }
    }
}

/// Appends an op; the caller's transaction makes it durable.
pub(crate) fn append(conn: &Connection, side: &Side, seen: &Seen<'_>, actor: &Actor, op: NewOp) -> Result<Laid, StoreError> {
    let written = conn
        .prepare_cached(
            "INSERT INTO ops (id, tenant, login, made_at, origin, reason, change, target, under_way)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            bytes(op.id.0),
            bytes(side.tenant.0),
            side.login,
            us(seen.now),
            actor.origin.as_str(),
            op.reason.as_ref().map(SafeText::as_str),
            codec::json(&op.change)?,
            op.target,
            op.under_way.then(|| bytes(side.console.0)),
        ]);
    match written {
        Err(e) if crate::import::is_constraint(&e) => Err(StoreError::Refused("this is in the outbox already".into())),
        other => {
            other?;
            let made_at = seen.now;
            let op = Op {
                id: op.id,
                seq: conn.last_insert_rowid(),
                made_at,
                origin: actor.origin.clone(),
                reason: op.reason,
                change: op.change,
            };
            let laid = Laid { op, answer: None };
            seen.appended.borrow_mut().push(laid.clone());
            Ok(laid)
        }
    }
}

/// Ops that the centre has not taken, oldest first; those that a living console is still at are left out.
pub(crate) fn unsent(conn: &Connection, side: &Side, limit: u32) -> Result<Vec<Op>, StoreError> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {OP}, under_way FROM ops INDEXED BY ops_unsent WHERE state = 'unsent' AND {WHOSE} ORDER BY seq LIMIT ?3"
    ))?;
    let found = statement
        .query_map(params![bytes(side.tenant.0), side.login, limit.min(MAX)], |row| {
            let mut take = Take::new(row);
            Ok((op_of(&mut take)?, take.opt_uuid()?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().filter(|(_, by)| by.is_none_or(|by| side.is_dead(by))).map(|(op, _)| op).collect())
}

pub(crate) fn outbox(conn: &Connection, side: &Side) -> Result<Outbox, StoreError> {
    let time = |us: Option<i64>| us.and_then(DateTime::from_timestamp_micros);
    let found = conn
        .prepare_cached(&format!(
            "SELECT count(*) FILTER (WHERE state = 'unsent'), min(made_at) FILTER (WHERE state = 'unsent'),
                count(*) FILTER (WHERE state IN ('conflict', 'refused'))
             FROM ops INDEXED BY ops_waiting WHERE state <> 'done' AND {WHOSE}"
        ))?
        .query_row(params![bytes(side.tenant.0), side.login], |row| {
            let mut take = Take::new(row);
            Ok(Outbox { unsent: take.count()?, oldest: time(take.get()?), conflicts: take.count()? })
        })?;
    Ok(found)
}

/// What waits, oldest first.
pub(crate) fn list(conn: &Connection, side: &Side, limit: u32) -> Result<Vec<(Op, OpState, SafeText)>, StoreError> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {OP}, state, target FROM ops INDEXED BY ops_waiting WHERE state <> 'done' AND {WHOSE} ORDER BY seq LIMIT ?3"
    ))?;
    let rows = statement.query_map(params![bytes(side.tenant.0), side.login, limit.min(MAX)], |row| {
        let mut take = Take::new(row);
        Ok((op_of(&mut take)?, take.parsed()?, take.text()?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn conflict_of(row: &Row<'_>) -> rusqlite::Result<Option<Conflict>> {
    let mut take = Take::new(row);
    let op = op_of(&mut take)?;
    let answer = opt_answer(&mut take)?;
    let (answered_at, target) = (take.opt_time()?, take.text()?);
    Ok(answer.map(|answer| Conflict { answered_at: answered_at.unwrap_or(op.made_at), op, answer, target }))
}

pub(crate) fn conflicts(conn: &Connection, side: &Side) -> Result<Vec<Conflict>, StoreError> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {OP}, answer, answered_at, target FROM ops INDEXED BY ops_waiting
         WHERE state <> 'done' AND state IN ('conflict', 'refused') AND {WHOSE} ORDER BY seq LIMIT ?3"
    ))?;
    let rows = statement.query_map(params![bytes(side.tenant.0), side.login, MAX], conflict_of)?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// One that waits for a decision, with its words.
pub(crate) fn conflict(conn: &Connection, side: &Side, id: OpId) -> Result<Option<Conflict>, StoreError> {
    let found = conn
        .prepare_cached(&format!(
            "SELECT {OP}, answer, answered_at, target FROM ops WHERE id = ?3 AND state IN ('conflict', 'refused') AND {WHOSE}"
        ))?
        .query_row(params![bytes(side.tenant.0), side.login, bytes(id.0)], conflict_of)
        .optional()?;
    Ok(found.flatten())
}

pub(crate) fn resolved(conn: &Connection, id: OpId, resolution: noctule_domain::sync::Resolution) -> rusqlite::Result<()> {
    conn.execute("UPDATE ops SET state = 'done', laid = 0, resolution = ?2 WHERE id = ?1", params![bytes(id.0), resolution.word()])?;
    Ok(())
}

/// True when a read at `position` has seen transaction `xid` of `history`, or never will.
fn is_seen(position: Option<&Position>, history: Option<&str>, xid: Option<u64>) -> bool {
    match (position, xid) {
        (Some(position), Some(xid)) => history.is_some_and(|h| h != position.history) || position.cursor.sees(xid),
        _ => true,
    }
}

/// Stores answers. One that came before is left as it was.
pub(crate) fn answered(conn: &Connection, seen: &Seen<'_>, answers: &[Answered]) -> Result<(), StoreError> {
    let position = cache::position(seen.cache)?;
    let history = position.as_ref().map(|p| p.history.as_str());
    for answered in answers {
        let covered = is_seen(position.as_ref(), history, answered.xid);
        let (state, laid) = match &answered.answer {
            Answer::Applied { .. } | Answer::Already { .. } if covered => (OpState::Done, false),
            Answer::Applied { .. } | Answer::Already { .. } => (OpState::Answered, true),
            Answer::Conflict { applied, .. } => (OpState::Conflict, !covered && !applied.is_empty()),
            Answer::Refused { .. } | Answer::Denied { .. } | Answer::Gone => (OpState::Refused, false),
        };
        conn.prepare_cached(
            "UPDATE ops SET state = ?2, laid = ?3, answer = ?4, answered_at = ?5, xid = ?6, history = ?7, under_way = NULL
             WHERE id = ?1 AND state = 'unsent'",
        )?
        .execute(params![
            bytes(answered.op.0),
            state.word(),
            laid,
            codec::json(&answered.answer)?,
            us(answered.at),
            answered.xid.and_then(|xid| i64::try_from(xid).ok()),
            history,
        ])?;
    }
    Ok(())
}

/// True when something answered is still laid over.
pub(crate) fn anything_to_settle(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM ops INDEXED BY ops_laid WHERE laid = 1 AND state <> 'unsent')")?
        .query_row([], |row| row.get(0))
}

/// After a failover or a restore the centre may never have had what it answered before: commits that had not reached the standby are lost with
/// the primary, also those that were read from it. So what was answered in another history than that of `position` is pushed again. The centre
/// applies an op once, and what it does remember keeps its answer. Not lifecycle requests, which are begun and not pushed; not what the operator
/// has decided since.
pub(crate) fn doubt(conn: &Connection, side: &Side, position: &Position) -> Result<usize, StoreError> {
    let doubted = conn.execute(
        &format!(
            "UPDATE ops SET state = 'unsent', laid = (state = 'answered'), answer = NULL, answered_at = NULL, xid = NULL, history = NULL
             WHERE {WHOSE} AND state IN ('answered', 'done', 'conflict') AND history <> ?3 AND answered_at >= ?4 AND resolution IS NULL
                AND change ->> 'verb' <> 'lifecycle' AND (state <> 'conflict' OR json_array_length(answer, '$.applied') > 0)"
        ),
        params![bytes(side.tenant.0), side.login, position.history, us(position.at - DOUBTED)],
    )?;
    if doubted > 0 {
        tracing::info!(doubted, "the centre has another history now: what it answered in the old one is pushed again");
    }
    Ok(doubted)
}

/// Lifts what the cache has seen by now.
pub(crate) fn settle(conn: &Connection, position: &Position) -> Result<(), StoreError> {
    let mut waiting = conn.prepare_cached("SELECT seq, xid, history FROM ops INDEXED BY ops_laid WHERE laid = 1 AND state <> 'unsent'")?;
    let waiting: Vec<(i64, Option<i64>, Option<String>)> =
        waiting.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    for (seq, xid, history) in waiting {
        if is_seen(Some(position), history.as_deref(), xid.and_then(|x| u64::try_from(x).ok())) {
            conn.prepare_cached("UPDATE ops SET laid = 0, state = CASE state WHEN 'answered' THEN 'done' ELSE state END WHERE seq = ?1")?
                .execute([seq])?;
        }
    }
    Ok(())
}

/// Forgets done ops after thirty days; never one that waits for anything.
pub(crate) fn prune(conn: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    conn.execute("DELETE FROM ops WHERE state = 'done' AND laid = 0 AND answered_at < ?1", [us(now - HISTORY)])
}

/// Opens the outbox, making it where it is missing. A damaged one is an error, and stays as it is.
pub(crate) fn connect(
    path: &std::path::Path,
    key: Option<&Secret>,
    read_only: bool,
    now: Timestamp,
) -> Result<Connection, crate::OpenError> {
    use crate::OpenError;
    use crate::migrate;
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let sql = |e| OpenError::from_sql(path, e);
    if !read_only {
        match open::private_file(path) {
            Err(e) if e.kind() == std::io::ErrorKind::StorageFull => return Err(OpenError::Full { path: path.to_owned() }),
            other => other.map_err(io)?,
        };
    }
    if key.is_none() {
        open::look_at_header(path, std::fs::metadata(path).map_err(io)?.len())?;
    }
    if read_only {
        let conn = open::reader_of(path, false, key)?;
        return if migrate::check(&migrate::OUTBOX, &conn, path)? { Ok(conn) } else { Err(OpenError::ReadOnly { path: path.to_owned() }) };
    }
    let mut conn = cache::connect(path, key)?;
    let ready = migrate::check(&migrate::OUTBOX, &conn, path)?;
    conn.busy_timeout(std::time::Duration::from_secs(5)).map_err(sql)?;
    conn.set_prepared_statement_cache_capacity(32);
    conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))
        .and_then(|_| conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -2000; PRAGMA mmap_size = 0;"))
        .map_err(sql)?;
    if !ready {
        migrate::upgrade(&migrate::OUTBOX, &mut conn, path, us(now))?;
    }
    Ok(conn)
}
