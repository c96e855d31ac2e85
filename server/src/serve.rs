//! The listener: few connections, each with a time for its head and its body, small bodies, an end that lets answers out. Made for a
//! loopback or management address; TLS is the reverse proxy's.

use crate::hooks::{Hooks, receive};
use crate::ports::Health;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// Connections at the same time; more wait to be accepted.
    pub connections: usize,
    /// Bytes of a body. A webhook of a prefix has two thousand; custom fields and long comments make it longer.
    pub body: usize,
    /// The head of a request must have come by then, and the whole of it with its answer.
    pub head: Duration,
    pub whole: Duration,
    /// At the end, answers under way have this long.
    pub farewell: Duration,
}

impl ServerConfig {
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            connections: 256,
            body: 1 << 20,
            head: Duration::from_secs(10),
            whole: Duration::from_secs(20),
            farewell: Duration::from_secs(5),
        }
    }
}

/// A listener that is bound: whoever has it knows that the address was free.
pub struct Server {
    listener: TcpListener,
    config: ServerConfig,
}

impl Server {
    pub async fn bind(config: ServerConfig) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(config.listen).await?, config })
    }

    /// Where it listens; with port 0 the one that the system chose.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `cancel`; then nothing new is accepted and what is under way may end.
    pub async fn run(self, health: Arc<dyn Health>, hooks: Hooks, cancel: CancellationToken) {
        let service = router(&self.config, health, hooks);
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(self.config.connections));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.config.head);
        loop {
            let accepted = async {
                let permit = room.clone().acquire_owned().await.ok();
                (permit, self.listener.accept().await)
            };
            let (permit, stream) = tokio::select! {
                () = cancel.cancelled() => break,
                (permit, stream) = accepted => (permit, stream),
            };
            let stream = match stream {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, or the peer was gone already: neither ends a server.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone()));
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended");
                }
                drop(permit);
            });
        }
        drop(self.listener);
        if tokio::time::timeout(self.config.farewell, graceful.shutdown()).await.is_err() {
            tracing::warn!("some answers were cut off at the end");
        }
    }
}

/// Later parts (REST, GraphQL, metrics, positions) are routers of their own, merged here.
fn router(config: &ServerConfig, health: Arc<dyn Health>, hooks: Hooks) -> Router {
    let whole = config.whole;
    Router::new()
        .merge(Router::new().route("/health", get(crate::health::health)).with_state(health))
        .merge(Router::new().route("/hooks/netbox", post(receive)).with_state(hooks))
        .layer(DefaultBodyLimit::max(config.body))
        .layer(from_fn(move |request: Request, next: Next| in_time(whole, request, next)))
}

/// A body that never comes must not hold its connection.
async fn in_time(whole: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(whole, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}
