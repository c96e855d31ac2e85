//! The HTTP side: a listener that can be down, connections that can be cut at any byte, and one task for each request that goes on
//! even when its client has left, as a worker of the real server does.

use super::answer::{Answer, Body, Request};
use super::config::{NetboxConfig, SimToken};
use super::db::Db;
use super::fault::{self, Fault, Plan};
use super::routes;
use axum::Router;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{ConnectInfo, State, connect_info::Connected};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::serve::{IncomingStream, Listener};
use futures::stream;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use uuid::Uuid;

/// Largest request body that is read.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// One request as it was met.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: chrono::DateTime<chrono::Utc>,
    pub method: String,
    /// Path and query.
    pub target: String,
    /// What was answered; `None` when the connection was closed instead.
    pub status: Option<u16>,
    pub fault: Option<Fault>,
}

pub struct Shared {
    pub db: Mutex<Db>,
    pub plan: Mutex<Plan>,
    pub events: Mutex<VecDeque<Event>>,
    pub tokens: Mutex<Vec<SimToken>>,
    pub down: watch::Sender<bool>,
    /// Says whether the port is open now; follows `down`.
    pub open: watch::Sender<bool>,
    pub live: Mutex<CancellationToken>,
    /// Requests at work, those of clients that have left and late effects included.
    pub busy: watch::Sender<usize>,
    history: usize,
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new(config: &NetboxConfig) -> Result<Self, String> {
        Ok(Self {
            db: Mutex::new(Db::new(config)?),
            plan: Mutex::new(Plan::default()),
            events: Mutex::new(VecDeque::new()),
            tokens: Mutex::new(config.tokens.clone()),
            down: watch::Sender::new(false),
            open: watch::Sender::new(true),
            live: Mutex::new(CancellationToken::new()),
            busy: watch::Sender::new(0),
            history: config.history.max(1),
        })
    }

    fn log(&self, request: &Request, status: Option<u16>, fault: Option<Fault>) {
        let mut events = lock(&self.events);
        if events.len() >= self.history {
            events.pop_front();
        }
        events.push_back(Event { at: chrono::Utc::now(), method: request.method.clone(), target: request.line.clone(), status, fault });
    }

    /// The effect and its honest answer.
    fn apply(&self, request: &Request) -> Answer {
        let tokens = lock(&self.tokens).clone();
        routes::answer(&mut lock(&self.db), &tokens, request, Uuid::new_v4())
    }

    /// What the client gets; `None` closes the connection.
    async fn serve(self: Arc<Self>, request: Request) -> (Option<Answer>, Option<Fault>) {
        let _work = Work::begin(&self);
        let fault = lock(&self.plan).next(&request);
        let version = lock(&self.db).version;
        let answer = match fault {
            None => Some(self.apply(&request)),
            Some(Fault::CloseBefore) => None,
            Some(Fault::CloseAfter) => {
                self.apply(&request);
                None
            }
            Some(Fault::DelayBefore(wait)) => {
                tokio::time::sleep(wait).await;
                Some(self.apply(&request))
            }
            Some(Fault::DelayAfter(wait)) => {
                let answer = self.apply(&request);
                tokio::time::sleep(wait).await;
                Some(answer)
            }
            Some(Fault::Say(say)) => Some(say.answer(version, &request.method)),
            Some(Fault::SayAfter(say)) => {
                self.apply(&request);
                Some(say.answer(version, &request.method))
            }
            Some(Fault::Later(wait)) => {
                let shared = Arc::clone(&self);
                let late = request.clone();
                let work = Work::begin(&self);
                tokio::spawn(async move {
                    let _work = work;
                    tokio::time::sleep(wait).await;
                    let answer = shared.apply(&late);
                    shared.log(&late, Some(answer.status), None);
                });
                None
            }
            Some(
                fault @ (Fault::CutBody
                | Fault::HalfJson
                | Fault::EmptyBody
                | Fault::HtmlOk
                | Fault::WrongPrefix
                | Fault::ListForObject
                | Fault::ShortList),
            ) => Some(fault::bend(fault, self.apply(&request))),
        };
        self.log(&request, answer.as_ref().map(|a| a.status), fault);
        (answer, fault)
    }
}

/// Counts one piece of work while it lives.
struct Work(Arc<Shared>);

impl Work {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.busy.send_modify(|n| *n += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.busy.send_modify(|n| *n = n.saturating_sub(1));
    }
}

/// A connection that can be told to send nothing more.
#[derive(Clone, Debug)]
pub struct Line(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Port>> for Line {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Self {
        stream.io().line.clone()
    }
}

pub struct Wire {
    stream: TcpStream,
    line: Line,
    gone: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.gone.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.line.0.load(Ordering::Acquire) || self.gone.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The listening port: closed while NetBox is down, so that a connection is refused by the system itself.
pub struct Port {
    addr: SocketAddr,
    listener: Option<TcpListener>,
    shared: Arc<Shared>,
    down: watch::Receiver<bool>,
}

impl Port {
    pub async fn bind(shared: Arc<Shared>, addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let down = shared.down.subscribe();
        Ok(Self { addr, listener: Some(listener), shared, down })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Listener for Port {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            let down = *self.down.borrow_and_update();
            if down && self.listener.take().is_some() {
                lock(&self.shared.live).cancel();
                self.shared.open.send_replace(false);
            }
            if !down && self.listener.is_none() {
                match TcpListener::bind(self.addr).await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        *lock(&self.shared.live) = CancellationToken::new();
                        self.shared.open.send_replace(true);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "simulated NetBox: the port is taken, trying again");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                }
            }
            let Some(listener) = &self.listener else {
                if self.down.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                continue;
            };
            tokio::select! {
                changed = self.down.changed() => if changed.is_err() { std::future::pending::<()>().await },
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        stream.set_nodelay(true).ok();
                        let gone = Box::pin(lock(&self.shared.live).clone().cancelled_owned());
                        return (Wire { stream, line: Line(Arc::new(AtomicBool::new(false))), gone }, peer);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "simulated NetBox: accept");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }
}

pub async fn run(port: Port) {
    let shared = Arc::clone(&port.shared);
    let app = Router::new().fallback(handle).with_state(shared);
    // It only ends with the process or when the simulator is dropped.
    if let Err(error) = axum::serve(port, app.into_make_service_with_connect_info::<Line>()).await {
        tracing::warn!(%error, "simulated NetBox ended");
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: axum::extract::Request,
) -> Response<HttpBody> {
    let (parts, body) = request.into_parts();
    let get = |name: HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        line.0.store(true, Ordering::Release);
        return Response::new(HttpBody::empty());
    };
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: query(parts.uri.query().unwrap_or_default()),
        line: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        host: get(header::HOST).unwrap_or_default(),
        authorization: get(header::AUTHORIZATION),
        accept: get(header::ACCEPT),
        content_type: get(header::CONTENT_TYPE),
        if_match: get(header::IF_MATCH),
        body: body.to_vec(),
    };
    // A task of its own: dropping this future (client gone) does not stop the work.
    match tokio::spawn(shared.serve(request)).await {
        Ok((Some(answer), fault)) => http(answer, fault),
        _ => {
            line.0.store(true, Ordering::Release);
            Response::new(HttpBody::empty())
        }
    }
}

fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|p| !p.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (unquote(k), unquote(v)))
        .collect()
}

fn unquote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[at], hex) {
            (_, Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', None) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn http(answer: Answer, fault: Option<Fault>) -> Response<HttpBody> {
    let (kind, bytes) = match answer.body {
        Body::Empty => (None, Vec::new()),
        Body::Json(value) => (Some("application/json"), value.to_string().into_bytes()),
        Body::Html(text) => (Some("text/html; charset=utf-8"), text.into_bytes()),
    };
    let half = Bytes::copy_from_slice(&bytes[..bytes.len() / 2]);
    let length = bytes.len();
    let body = match fault {
        Some(Fault::HalfJson) => HttpBody::from(half),
        Some(Fault::CutBody) => {
            let cut: io::Error = io::ErrorKind::BrokenPipe.into();
            HttpBody::from_stream(stream::iter([Ok(half), Err(cut)]))
        }
        _ => HttpBody::from(bytes),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("gunicorn"));
    if let Some(kind) = kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    if fault == Some(Fault::CutBody) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}
