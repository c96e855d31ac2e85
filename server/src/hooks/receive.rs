//! POST /hooks/netbox. Answered at once: the signature is checked, the hint is put down, and what it hints at is looked up later in NetBox
//! itself, because a hook can be lost, late, repeated or old (NetBox never sends one again).

use super::event::Event;
use super::queue::Queue;
use super::seen::Seen;
use super::{signature, work};
use crate::ports::Look;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use noctule_domain::SafeText;
use noctule_domain::secret::Secret;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Sizes and times, with defaults that a test makes smaller.
#[derive(Debug, Clone)]
pub struct HookConfig {
    /// Ids that wait to be looked at, at most.
    pub queue: usize,
    /// Deliveries that are known again, at most.
    pub remembered: usize,
    /// Ids looked at in one go.
    pub batch: usize,
    /// After a hint, this long is waited for more of them.
    pub gather: Duration,
    /// After a failed look: the first and the longest wait.
    pub again: (Duration, Duration),
    /// One look may take this long.
    pub patience: Duration,
}

impl Default for HookConfig {
    fn default() -> Self {
        Self {
            queue: 4096,
            remembered: 16_384,
            batch: 100,
            gather: Duration::from_millis(500),
            again: (Duration::from_secs(2), Duration::from_secs(60)),
            patience: Duration::from_secs(600),
        }
    }
}

/// The receiver. Cheap to clone.
#[derive(Clone)]
pub struct Hooks {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    secret: Option<Secret>,
    seen: Mutex<Seen>,
    pub queue: Queue,
    pub look: Arc<dyn Look>,
    pub config: HookConfig,
}

impl Hooks {
    /// Without a secret no hook is taken: anybody could send one.
    pub fn new(secret: Option<Secret>, look: Arc<dyn Look>, config: HookConfig) -> Self {
        let (seen, queue) = (Mutex::new(Seen::new(config.remembered)), Queue::new(config.queue));
        Self { inner: Arc::new(Inner { secret, seen, queue, look, config }) }
    }

    /// Looks at what was hinted at, until `cancel`. Begins with everything: hooks that came while nobody listened are lost.
    pub async fn run(&self, cancel: CancellationToken) {
        self.inner.queue.add_all();
        work::run(&self.inner, cancel).await;
    }

    fn take(&self, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Value) {
        let Some(secret) = &self.inner.secret else {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "no secret is configured for webhooks: set server.netbox_secret");
        };
        let Some(given) = headers.get(signature::HEADER) else {
            return refuse(StatusCode::UNAUTHORIZED, "X-Hook-Signature is missing: set a secret in the webhook of NetBox");
        };
        if !signature::verify(secret, body, given.as_bytes()) {
            return refuse(StatusCode::FORBIDDEN, "the signature is wrong: the secret here and in the webhook of NetBox differ");
        }
        let Some(event) = Event::read(body) else {
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, "this is no webhook of NetBox: event, object_type and data.id are wanted");
        };
        if !event.is_prefix() {
            return (StatusCode::OK, json!({ "taken": false, "why": "only ipam.prefix matters here" }));
        }
        if self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner).note(&event) {
            return (StatusCode::OK, json!({ "taken": false, "why": "it came before" }));
        }
        tracing::debug!(prefix = event.id, event = %SafeText::bounded(&event.event, 40), "NetBox hints at a change");
        self.inner.queue.add(event.id);
        (StatusCode::ACCEPTED, json!({ "taken": true }))
    }
}

pub(crate) async fn receive(State(hooks): State<Hooks>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let (status, answer) = hooks.take(&headers, &body);
    (status, Json(answer))
}

fn refuse(status: StatusCode, why: &'static str) -> (StatusCode, Value) {
    // Counted by whoever reads the log; not a warning each, or a stranger could fill a disk.
    tracing::debug!(status = status.as_u16(), why, "a webhook was refused");
    (status, json!({ "status": status.as_u16(), "title": status.canonical_reason(), "detail": why }))
}
