//! A server on a port of its own, and a port behind it that writes down what it was asked.

use async_trait::async_trait;
use noctule_domain::secret::Secret;
use noctule_domain::{Retry, SafeText};
use noctule_server::{Health, HealthReport, HookConfig, Hooks, Look, LookError, Part, Server, ServerConfig, State, signature};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub const SECRET: &str = "shared-secret-for-the-test";

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    All,
    Again(Vec<i64>),
}

pub struct Desk {
    looked: watch::Sender<Vec<Looked>>,
    /// Answers to give before the looks succeed.
    answers: Mutex<VecDeque<Retry>>,
    pub report: Mutex<HealthReport>,
    /// Holds every look back while true.
    held: watch::Sender<bool>,
    /// A report was asked for.
    asked: watch::Sender<bool>,
}

impl Desk {
    async fn note(&self, looked: Looked) -> Result<(), LookError> {
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.looked.send_modify(|all| all.push(looked));
        match self.answers.lock().expect("answers").pop_front() {
            Some(retry) => Err(LookError { words: SafeText::from("NetBox does not answer"), retry }),
            None => Ok(()),
        }
    }

    pub fn looked(&self) -> Vec<Looked> {
        self.looked.borrow().clone()
    }

    pub fn fail(&self, with: &[Retry]) {
        self.answers.lock().expect("answers").extend(with);
    }

    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub async fn asked(&self) {
        let _ = self.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// Waits until what was looked at is as wanted.
    pub async fn until(&self, wanted: impl Fn(&[Looked]) -> bool) -> Vec<Looked> {
        let mut looked = self.looked.subscribe();
        let found = tokio::time::timeout(Duration::from_secs(60), looked.wait_for(|all| wanted(all))).await;
        found.unwrap_or_else(|_| panic!("never came: {:?}", self.looked())).expect("the desk is there").clone()
    }
}

#[async_trait]
impl Look for Desk {
    async fn again(&self, prefixes: &[i64]) -> Result<(), LookError> {
        self.note(Looked::Again(prefixes.to_vec())).await
    }

    async fn all(&self) -> Result<(), LookError> {
        self.note(Looked::All).await
    }
}

#[async_trait]
impl Health for Desk {
    async fn report(&self) -> HealthReport {
        self.asked.send_replace(true);
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.report.lock().expect("report").clone()
    }
}

pub struct Running {
    pub address: SocketAddr,
    pub desk: Arc<Desk>,
    pub cancel: CancellationToken,
    pub ended: tokio::task::JoinHandle<()>,
    pub client: reqwest::Client,
}

/// Small times; the rest as shipped.
pub fn quick() -> HookConfig {
    HookConfig { gather: Duration::from_millis(20), again: (Duration::from_millis(10), Duration::from_millis(40)), ..HookConfig::default() }
}

pub async fn start(secret: Option<&str>, hooks: HookConfig, change: impl FnOnce(&mut ServerConfig)) -> Running {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let parts = vec![Part { name: SafeText::from("NetBox"), state: State::Live, since: None }];
    let report = HealthReport { version: "0.0.0", works: true, upstreams: parts, running: 1, waiting: 2 };
    let desk = Arc::new(Desk {
        looked: watch::Sender::default(),
        answers: Mutex::default(),
        report: Mutex::new(report),
        held: watch::Sender::new(false),
        asked: watch::Sender::new(false),
    });
    let mut config = ServerConfig::new("127.0.0.1:0".parse().expect("an address"));
    change(&mut config);
    let server = Server::bind(config).await.expect("bound");
    let address = server.address().expect("an address");
    let hooks = Hooks::new(secret.map(Secret::new), desk.clone(), hooks);
    let cancel = CancellationToken::new();
    let (own, health, stop) = (hooks.clone(), desk.clone(), cancel.clone());
    let ended = tokio::spawn(async move {
        tokio::join!(server.run(health, hooks, stop.clone()), own.run(stop.clone()));
    });
    Running { address, desk, cancel, ended, client: reqwest::Client::new() }
}

impl Running {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn post(&self, body: &[u8], signature: Option<&str>) -> (u16, serde_json::Value) {
        let mut request = self.client.post(self.url("/hooks/netbox")).header("content-type", "application/json").body(body.to_vec());
        if let Some(signature) = signature {
            request = request.header("X-Hook-Signature", signature);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub async fn signed(&self, body: &[u8]) -> (u16, serde_json::Value) {
        self.post(body, Some(&signature::sign(&Secret::new(SECRET), body))).await
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.ended).await.expect("it ends").expect("well");
    }
}

/// A webhook as 4.4 to 4.6 send it, made up.
pub fn hook(request: &str, id: i64, event: &str) -> Vec<u8> {
    serde_json::json!({ "event": event, "object_type": "ipam.prefix", "username": "admin", "request_id": request,
        "data": { "id": id, "url": format!("/api/ipam/prefixes/{id}/"), "prefix": "2001:db8::/56" }, "snapshots": {} })
    .to_string()
    .into_bytes()
}
