//! One connection to the AAA database: opened when it is needed, again after a loss, closed after a minute of silence. Every question has
//! a time limit; a line on which it passes is given up, because its answer would be taken for that of the next question.

use super::config::AaaConfig;
use super::error::{at_connect, lost, of_question, refused, unreachable};
use crate::upstream::AaaError;
use noctule_tls::{Tls, client_config};
use std::collections::HashMap;
use std::future::Future;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, NoTls, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

const IDLE: Duration = Duration::from_secs(60);
/// Silence after which the kernel asks whether the other side is there, and how long unanswered data may stay so.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(4);
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection.
pub(super) struct Line {
    pub(super) client: Client,
    limit: Duration,
    driver: JoinHandle<()>,
    used: Instant,
    broken: AtomicBool,
    statements: Mutex<HashMap<String, Statement>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Line {
    /// Tries the hosts in their order. The error is that of the last one, unless one refused us: that one counts.
    pub(super) async fn open(config: &AaaConfig) -> Result<Self, AaaError> {
        let tls = connector(&config.tls).await?;
        let mut worst = unreachable("the AAA database has no host: set aaa.dsn".to_owned());
        for (host, port) in &config.hosts {
            let place = if host.starts_with('/') { host.clone() } else { format!("{host}:{port}") };
            let attempt = one_host(config, host, *port, tls.clone(), &place);
            let error = match tokio::time::timeout(config.connect_timeout, attempt).await {
                Ok(Ok(line)) => return Ok(line),
                Ok(Err(error)) => error,
                Err(_) => unreachable(format!("the AAA database {place} did not answer within {} ms", config.connect_timeout.as_millis())),
            };
            if !matches!(worst, AaaError::Refused(_)) {
                worst = error;
            }
        }
        Err(worst)
    }

    /// One question within the time limit. `committing`: it may end with something stored although no answer came. After an error the line
    /// is not used again: a transaction may be open on it, or an answer under way.
    pub(super) async fn ask<T>(
        &self,
        committing: bool,
        question: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, AaaError> {
        let error = match tokio::time::timeout(self.limit, question).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => of_question(&error, committing),
            Err(_) => lost(&format!("no answer within {} ms", self.limit.as_millis()), committing),
        };
        self.give_up();
        Err(error)
    }

    /// A statement prepared once for this connection.
    pub(super) async fn prepared(&self, sql: &str) -> Result<Statement, AaaError> {
        let mut statements = self.statements.lock().await;
        if let Some(statement) = statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(false, self.client.prepare(sql)).await?;
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Rows of a prepared question that changes nothing.
    pub(super) async fn query(&self, sql: &str, args: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, AaaError> {
        let statement = self.prepared(sql).await?;
        self.ask(false, self.client.query(&statement, args)).await
    }

    /// Closes the socket now. What was not committed is undone by the server.
    pub(super) fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
        self.driver.abort();
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && !self.client.is_closed()
    }
}

/// A connection that is there when it is needed; one user at a time.
#[derive(Clone)]
pub(super) struct Slot {
    config: Arc<AaaConfig>,
    open: Arc<Mutex<Option<Line>>>,
}

impl Slot {
    pub(super) fn new(config: Arc<AaaConfig>) -> Self {
        Self { config, open: Arc::default() }
    }

    /// The connection, for as long as the guard lives; others wait, and not for ever. Opens one when there is none.
    pub(super) async fn line(&self) -> Result<LineGuard, AaaError> {
        let mut slot = tokio::time::timeout(self.config.timeout, self.open.clone().lock_owned())
            .await
            .map_err(|_| unreachable("the questions to the AAA database before this one are still waiting for their answers".to_owned()))?;
        if slot.as_ref().is_none_or(|line| !line.is_usable()) {
            *slot = None;
            *slot = Some(Line::open(&self.config).await?);
            tokio::spawn(close_when_idle(Arc::downgrade(&self.open)));
        }
        OwnedMutexGuard::try_map(slot, Option::as_mut)
            .map(LineGuard)
            .map_err(|_| unreachable("the connection to the AAA database was closed again".to_owned()))
    }
}

/// The connection, for one user at a time.
pub(super) struct LineGuard(OwnedMappedMutexGuard<Option<Line>, Line>);

impl Deref for LineGuard {
    type Target = Line;
    fn deref(&self) -> &Line {
        &self.0
    }
}

impl Drop for LineGuard {
    fn drop(&mut self) {
        self.0.used = Instant::now();
    }
}

/// Ends with its connection.
async fn close_when_idle(slot: Weak<Mutex<Option<Line>>>) {
    let mut wait = IDLE;
    loop {
        tokio::time::sleep(wait).await;
        let Some(slot) = slot.upgrade() else { return };
        wait = match slot.try_lock() {
            Ok(mut slot) => match slot.as_ref() {
                None => return,
                Some(line) if line.used.elapsed() >= IDLE => {
                    *slot = None;
                    return;
                }
                Some(line) => IDLE.saturating_sub(line.used.elapsed()).max(Duration::from_secs(1)),
            },
            Err(_) => IDLE,
        };
    }
}

async fn connector(tls: &Tls) -> Result<Option<MakeRustlsConnect>, AaaError> {
    let Tls::VerifyFull { ca, client } = tls.clone() else { return Ok(None) };
    // Files may lie on a network disk: the runtime does not wait for them.
    tokio::task::spawn_blocking(move || client_config(ca.as_deref(), client.as_ref()))
        .await
        .map_err(|_| refused("reading the TLS files for the AAA database was broken off".to_owned()))?
        .map(|config| Some(MakeRustlsConnect::new(config)))
        .map_err(|error| refused(format!("the line to the AAA database is not safe, so nothing was sent: {error}")))
}

async fn one_host(config: &AaaConfig, host: &str, port: u16, tls: Option<MakeRustlsConnect>, place: &str) -> Result<Line, AaaError> {
    let mut pg = Config::new();
    pg.host(host)
        .port(port)
        .dbname(&config.database)
        .user(&config.user)
        .application_name(&config.application)
        .connect_timeout(config.connect_timeout)
        .tcp_user_timeout(USER_TIMEOUT)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(2)
        .options(options(config));
    if let Some(password) = &config.password {
        pg.password(password.expose());
    }
    // A unix socket has no name that a certificate could be for; its folder's owner is what is trusted.
    match tls {
        Some(tls) if !host.starts_with('/') => {
            pg.ssl_mode(SslMode::Require);
            let (client, connection) = pg.connect(tls).await.map_err(|error| at_connect(&error, place))?;
            Ok(drive(config, client, connection))
        }
        _ => {
            pg.ssl_mode(SslMode::Disable);
            let (client, connection) = pg.connect(NoTls).await.map_err(|error| at_connect(&error, place))?;
            Ok(drive(config, client, connection))
        }
    }
}

/// Settings of the session, sent with the login.
fn options(config: &AaaConfig) -> String {
    // A bit less than we wait: the server then gives up before we do, and says so.
    let limit = config.timeout.mul_f64(0.9).as_millis().max(1);
    format!(
        "-c search_path={} -c statement_timeout={limit} -c lock_timeout={limit} -c idle_in_transaction_session_timeout=60000 \
         -c timezone=UTC -c default_transaction_isolation=read\\ committed",
        config.schema
    )
}

fn drive<T>(config: &AaaConfig, client: Client, connection: Connection<Socket, T>) -> Line
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to the AAA database ended");
        }
    });
    Line { client, limit: config.timeout, driver, used: Instant::now(), broken: AtomicBool::new(false), statements: Mutex::default() }
}
