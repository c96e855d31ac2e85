//! One connection to one server of the centre: opened within a time limit, driven by a task of its own, gone when dropped. Notifications
//! of the server are counted, not queued: they only say "look".

use super::config::CentreConfig;
use super::error::CentreError;
use super::tls;
use noctule_tls::Tls;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};

/// Silence after which the kernel asks whether the other side is there, and how long unanswered data may stay so. Shorter than people wait.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(4);
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The primary: a server that can only be read is passed over.
    Write,
    /// Any server of the list, the first that answers.
    Read,
    /// As `Read`, for bulk: no limit on the server's side for one statement.
    Bulk,
}

/// A connection. The client may be used from several tasks; requests are answered in their order.
pub struct Line {
    pub client: Client,
    /// Woken by every notification but echoes.
    pub wake: Arc<Notify>,
    /// Woken by notifications on a channel that begins with `noctule_echo`.
    pub echo: Arc<Notify>,
    /// Why it ended, once it has.
    pub ended: watch::Receiver<Option<CentreError>>,
    /// Said by the server at login: it is in hot standby.
    pub standby: bool,
    /// Host and port, for sentences.
    pub place: String,
    driver: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        // Closes the socket at once, also in the middle of a COPY: the server notices at its next write.
        self.driver.abort();
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("place", &self.place).field("standby", &self.standby).finish_non_exhaustive()
    }
}

impl Line {
    /// Tries the hosts in their order. The error is that of the last host, unless one refused the login: that one counts.
    pub async fn open(config: &CentreConfig, access: Access) -> Result<Self, CentreError> {
        let tls = tls::connector(&config.tls).await?;
        let mut worst = CentreError::Unreachable("no host is configured".into());
        for (host, port) in &config.hosts {
            let place = if host.starts_with('/') { host.clone() } else { format!("{host}:{port}") };
            let limit = config.connect_timeout;
            let attempt = one_host(config, access, host, *port, tls.clone(), place.clone());
            let error = match tokio::time::timeout(limit, attempt).await {
                Ok(Ok(line)) if access == Access::Write && line.standby => CentreError::ReadOnly,
                Ok(Ok(line)) => return Ok(line),
                Ok(Err(error)) => error,
                Err(_) => CentreError::Unreachable(format!("{place} did not answer within {} ms", limit.as_millis()).into()),
            };
            tracing::debug!(%place, %error, "no connection");
            if !matches!(worst, CentreError::Denied(_) | CentreError::BadPassword | CentreError::Untrusted(_)) {
                worst = error;
            }
        }
        Err(worst)
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Closes the socket now; requests under way end with an error.
    pub(crate) fn shut(&self) {
        self.driver.abort();
    }

    /// Runs one question on this line within `limit`; `what` stands in the error. After `Timeout` the line must be dropped.
    pub async fn within<T>(
        &self,
        limit: Duration,
        what: &str,
        ask: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, CentreError> {
        match tokio::time::timeout(limit, ask).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.explain(&error).await),
            Err(_) => Err(CentreError::Timeout { what: what.into(), limit }),
        }
    }

    /// The words for an error: a closed line is explained by what closed it.
    pub(crate) async fn explain(&self, error: &tokio_postgres::Error) -> CentreError {
        if error.is_closed() {
            let mut ended = self.ended.clone();
            // The driver is about to say why; it has ended already, or nearly.
            if let Ok(Ok(why)) = tokio::time::timeout(Duration::from_secs(1), ended.wait_for(Option::is_some)).await
                && let Some(why) = why.clone()
            {
                return why;
            }
        }
        CentreError::from_pg(error)
    }
}

async fn one_host(
    config: &CentreConfig,
    access: Access,
    host: &str,
    port: u16,
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
    place: String,
) -> Result<Line, CentreError> {
    let mut pg = Config::new();
    pg.host(host)
        .port(port)
        .dbname(&config.database)
        .user(&config.user)
        .application_name(config.application_name())
        .connect_timeout(config.connect_timeout)
        .tcp_user_timeout(USER_TIMEOUT)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(2)
        .options(options(config, access));
    if let Some(password) = &config.password {
        pg.password(password.expose());
    }
    // A unix socket has no name that a certificate could be for; its folder's owner is what is trusted.
    let unix = host.starts_with('/');
    let failed = |error: tokio_postgres::Error| CentreError::at_connect(&error, &place);
    match tls {
        Some(tls) if !unix => {
            pg.ssl_mode(tokio_postgres::config::SslMode::Require);
            let (client, connection) = pg.connect(tls).await.map_err(failed)?;
            Ok(drive(client, connection, place))
        }
        _ => {
            debug_assert!(unix || config.tls == Tls::Off);
            pg.ssl_mode(tokio_postgres::config::SslMode::Disable);
            let (client, connection) = pg.connect(NoTls).await.map_err(failed)?;
            Ok(drive(client, connection, place))
        }
    }
}

/// Settings of the session, sent with the login: no round trip of their own, and there before the first statement.
fn options(config: &CentreConfig, access: Access) -> String {
    let mut options = format!("-c noctule.tenant={}", config.tenant.uuid());
    if access != Access::Bulk {
        // A bit less than we wait: the server then gives up before we do, and says so.
        let limit = config.call_timeout.mul_f64(0.9).as_millis().max(1);
        options.push_str(&format!(" -c statement_timeout={limit}"));
    }
    // A console that vanished in the middle of a transaction holds nothing for long.
    options.push_str(" -c idle_in_transaction_session_timeout=60000 -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10");
    options.push_str(" -c tcp_keepalives_count=3 -c tcp_user_timeout=60000");
    options
}

fn drive<T>(client: Client, mut connection: Connection<Socket, T>, place: String) -> Line
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let standby = connection.parameter("in_hot_standby") == Some("on");
    let (wake, echo) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (say, ended) = watch::channel(None);
    let (to_wake, to_echo) = (Arc::clone(&wake), Arc::clone(&echo));
    let driver = tokio::spawn(async move {
        loop {
            match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(note))) if note.channel().starts_with("noctule_echo") => to_echo.notify_one(),
                Some(Ok(AsyncMessage::Notification(_))) => to_wake.notify_one(),
                Some(Ok(AsyncMessage::Notice(notice))) => tracing::debug!(code = notice.code().code(), "{}", notice.message()),
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    let why = match CentreError::from_pg(&error) {
                        CentreError::Sql(words) => CentreError::Lost(words),
                        other => other,
                    };
                    say.send_replace(Some(why));
                    break;
                }
                None => {
                    say.send_replace(Some(CentreError::Lost("it was closed".into())));
                    break;
                }
            }
        }
    });
    Line { client, wake, echo, ended, standby, place, driver }
}
