//! The connection for calls: functions of the centre, one at a time, each within the time limit. Opened when it is needed, again after a
//! loss, closed after a minute of silence, so that a thousand consoles that only look do not hold a thousand of these.

use super::config::CentreConfig;
use super::error::CentreError;
use super::line::{Access, Line};
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

const IDLE: Duration = Duration::from_secs(60);

/// The centre, for calls. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Centre {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: CentreConfig,
    slot: Arc<Mutex<Option<Open>>>,
}

#[derive(Debug)]
struct Open {
    line: Line,
    statements: HashMap<String, Statement>,
    used: Instant,
    broken: AtomicBool,
}

impl Centre {
    pub fn new(config: CentreConfig) -> Self {
        Self { inner: Arc::new(Inner { config, slot: Arc::default() }) }
    }

    pub fn config(&self) -> &CentreConfig {
        &self.inner.config
    }

    /// `SELECT noctule.function($1, …)`, as JSON. Prepared once a connection. On `Lost` and `Timeout` it may have been carried out.
    pub async fn call(&self, function: &str, args: &[&(dyn ToSql + Sync)]) -> Result<Value, CentreError> {
        if function.is_empty() || !function.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(CentreError::Sql(format!("{function} is not the name of a function").into()));
        }
        let places: Vec<String> = (1..=args.len()).map(|at| format!("${at}")).collect();
        let sql = format!("SELECT noctule.{function}({})", places.join(", "));
        let mut session = self.session().await?;
        let statement = session.prepared(&sql).await?;
        let row = session.within(function, session.query_one(&statement, args)).await?;
        row.try_get::<_, Option<Value>>(0)
            .map(Option::unwrap_or_default)
            .map_err(|error| CentreError::Sql(format!("{function} gave no JSON: {error}").into()))
    }

    /// The connection for as long as the guard lives; others wait. Opens one when there is none.
    pub async fn session(&self) -> Result<SessionGuard, CentreError> {
        let limit = self.inner.config.call_timeout;
        let mut guard = tokio::time::timeout(limit, Arc::clone(&self.inner.slot).lock_owned())
            .await
            // Nothing was asked yet, so this is not a `Timeout`, after which a request may have been carried out.
            .map_err(|_| CentreError::Unreachable("the requests before this one are still waiting for its answers".into()))?;
        if guard.as_ref().is_none_or(|open| open.broken.load(Ordering::Relaxed) || open.line.is_closed()) {
            *guard = None;
            let line = Line::open(&self.inner.config, Access::Write).await?;
            *guard = Some(Open { line, statements: HashMap::new(), used: Instant::now(), broken: AtomicBool::new(false) });
            tokio::spawn(close_when_idle(Arc::downgrade(&self.inner.slot)));
        }
        match OwnedMutexGuard::try_map(guard, Option::as_mut) {
            Ok(open) => Ok(SessionGuard { open, limit }),
            Err(_) => Err(CentreError::Unreachable("the connection was closed again".into())),
        }
    }

    /// Closes the connection, if there is one.
    pub async fn close(&self) {
        drop(self.inner.slot.lock().await.take());
    }
}

/// Ends with its connection.
async fn close_when_idle(slot: Weak<Mutex<Option<Open>>>) {
    let mut wait = IDLE;
    loop {
        tokio::time::sleep(wait).await;
        let Some(slot) = slot.upgrade() else { return };
        wait = match slot.try_lock() {
            Ok(mut slot) => match slot.as_ref() {
                None => return,
                Some(open) if open.used.elapsed() >= IDLE => {
                    *slot = None;
                    return;
                }
                Some(open) => IDLE.saturating_sub(open.used.elapsed()),
            },
            Err(_) => IDLE,
        };
        wait = wait.max(Duration::from_secs(1));
    }
}

/// The connection, for one user at a time.
#[derive(Debug)]
pub struct SessionGuard {
    open: OwnedMappedMutexGuard<Option<Open>, Open>,
    limit: Duration,
}

impl SessionGuard {
    /// Runs one question within the time limit; `what` stands in the error. After a loss or a time-out the next session is a new connection.
    pub async fn within<T>(&self, what: &str, ask: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, CentreError> {
        let answer = self.open.line.within(self.limit, what, ask).await;
        if answer.as_ref().is_err_and(CentreError::ends_line) {
            self.open.broken.store(true, Ordering::Relaxed);
            self.open.line.shut();
        }
        answer
    }

    /// Nobody uses this connection again: what was not committed on it is taken back by the centre.
    pub fn give_up(&self) {
        self.open.broken.store(true, Ordering::Relaxed);
        self.open.line.shut();
    }

    /// A statement prepared once for this connection.
    pub async fn prepared(&mut self, sql: &str) -> Result<Statement, CentreError> {
        if let Some(statement) = self.open.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.within("prepare", self.open.line.client.prepare(sql)).await?;
        self.open.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// For transactions, which need the client alone.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.open.line.client
    }
}

impl Deref for SessionGuard {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.open.line.client
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.open.used = Instant::now();
    }
}
