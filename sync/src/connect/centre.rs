//! The connection for calls: functions of the centre, many at once (the next ones leave before the first is answered; the centre answers in
//! their order), each within the time limit. Opened when it is needed, again after a loss, closed after a minute of silence, so that a
//! thousand consoles that only look do not hold a thousand of these.

use super::config::CentreConfig;
use super::error::CentreError;
use super::line::{Access, Line};
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, Semaphore};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

const IDLE: Duration = Duration::from_secs(60);
/// Calls on their way at once. Each waits for those before it, so this times the length of a call stays far below the time limit.
const AT_ONCE: usize = 32;

/// The centre, for calls. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Centre {
    inner: Arc<Inner>,
}

/// Calls share the lock; who needs the connection alone has it alone.
type Slot = Arc<RwLock<Option<Open>>>;

#[derive(Debug)]
struct Inner {
    config: CentreConfig,
    slot: Slot,
    places: Semaphore,
}

#[derive(Debug)]
struct Open {
    line: Line,
    statements: Mutex<HashMap<String, Statement>>,
    used: Mutex<Instant>,
    broken: AtomicBool,
}

impl Open {
    fn is_usable(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && !self.line.is_closed()
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle_for(&self) -> Duration {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
        self.line.shut();
    }

    async fn within<T>(
        &self,
        limit: Duration,
        what: &str,
        ask: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, CentreError> {
        let answer = self.line.within(limit, what, ask).await;
        if answer.as_ref().is_err_and(CentreError::ends_line) {
            self.give_up();
        }
        answer
    }

    async fn prepared(&self, limit: Duration, sql: &str) -> Result<Statement, CentreError> {
        if let Some(statement) = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.within(limit, "prepare", self.line.client.prepare(sql)).await?;
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn queued() -> CentreError {
    // Nothing was asked yet, so this is not a `Timeout`, after which a request may have been carried out.
    CentreError::Unreachable("the requests before this one are still waiting for its answers".into())
}

impl Centre {
    pub fn new(config: CentreConfig) -> Self {
        Self { inner: Arc::new(Inner { config, slot: Arc::default(), places: Semaphore::new(AT_ONCE) }) }
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
        let limit = self.inner.config.call_timeout;
        let _place = tokio::time::timeout(limit, self.inner.places.acquire()).await.map_err(|_| queued())?;
        let open = self.shared().await?;
        let statement = open.prepared(limit, &sql).await?;
        let row = open.within(limit, function, open.line.client.query_one(&statement, args)).await;
        open.touch();
        row?.try_get::<_, Option<Value>>(0)
            .map(Option::unwrap_or_default)
            .map_err(|error| CentreError::Sql(format!("{function} gave no JSON: {error}").into()))
    }

    /// The connection, together with other calls. Opens one when there is none.
    async fn shared(&self) -> Result<OwnedRwLockReadGuard<Option<Open>, Open>, CentreError> {
        let wait = tokio::time::timeout(self.inner.config.call_timeout, Arc::clone(&self.inner.slot).read_owned());
        let guard = wait.await.map_err(|_| queued())?;
        if let Ok(open) = OwnedRwLockReadGuard::try_map(guard, |slot| slot.as_ref().filter(|open| open.is_usable())) {
            return Ok(open);
        }
        let guard = self.alone().await?.downgrade();
        OwnedRwLockReadGuard::try_map(guard, Option::as_ref).map_err(|_| CentreError::Unreachable("the connection was closed again".into()))
    }

    async fn alone(&self) -> Result<OwnedRwLockWriteGuard<Option<Open>>, CentreError> {
        let wait = tokio::time::timeout(self.inner.config.call_timeout, Arc::clone(&self.inner.slot).write_owned());
        let mut guard = wait.await.map_err(|_| queued())?;
        if guard.as_ref().is_none_or(|open| !open.is_usable()) {
            *guard = None;
            let line = Line::open(&self.inner.config, Access::Write).await?;
            *guard = Some(Open { line, statements: Mutex::default(), used: Mutex::new(Instant::now()), broken: AtomicBool::new(false) });
            tokio::spawn(close_when_idle(Arc::downgrade(&self.inner.slot)));
        }
        Ok(guard)
    }

    /// The connection for as long as the guard lives; others wait. Opens one when there is none.
    pub async fn session(&self) -> Result<SessionGuard, CentreError> {
        match OwnedRwLockWriteGuard::try_map(self.alone().await?, Option::as_mut) {
            Ok(open) => Ok(SessionGuard { open, limit: self.inner.config.call_timeout }),
            Err(_) => Err(CentreError::Unreachable("the connection was closed again".into())),
        }
    }

    /// Closes the connection, if there is one.
    pub async fn close(&self) {
        drop(self.inner.slot.write().await.take());
    }
}

/// Ends with its connection.
async fn close_when_idle(slot: Weak<RwLock<Option<Open>>>) {
    let mut wait = IDLE;
    loop {
        tokio::time::sleep(wait).await;
        let Some(slot) = slot.upgrade() else { return };
        wait = match slot.try_write() {
            Ok(mut slot) => match slot.as_ref().map(Open::idle_for) {
                None => return,
                Some(idle) if idle >= IDLE => {
                    *slot = None;
                    return;
                }
                Some(idle) => IDLE.saturating_sub(idle),
            },
            Err(_) => IDLE,
        };
        wait = wait.max(Duration::from_secs(1));
    }
}

/// The connection, for one user at a time.
#[derive(Debug)]
pub struct SessionGuard {
    open: OwnedRwLockMappedWriteGuard<Option<Open>, Open>,
    limit: Duration,
}

impl SessionGuard {
    /// Runs one question within the time limit; `what` stands in the error. After a loss or a time-out the next session is a new connection.
    pub async fn within<T>(&self, what: &str, ask: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, CentreError> {
        self.open.within(self.limit, what, ask).await
    }

    /// Nobody uses this connection again: what was not committed on it is taken back by the centre.
    pub fn give_up(&self) {
        self.open.give_up();
    }

    /// A statement prepared once for this connection.
    pub async fn prepared(&mut self, sql: &str) -> Result<Statement, CentreError> {
        self.open.prepared(self.limit, sql).await
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
        self.open.touch();
    }
}
