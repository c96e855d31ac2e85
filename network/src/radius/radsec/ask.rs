//! What a line is asked, and how that ends.

use crate::radius::attribute::Attribute;
use crate::radius::codec::{Answer, RequestKind};
use noctule_domain::SafeText;
use noctule_domain::secret::Secret;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The shared secret of RADIUS over TLS is always this (RFC 6614 section 2.3); what protects is TLS.
pub fn secret() -> Arc<Secret> {
    Arc::new(Secret::new("radsec"))
}

/// A request for a line. Its content, the timestamp too, is fixed when it is made.
pub struct Ask {
    pub kind: RequestKind,
    pub attributes: Vec<Attribute>,
    pub sign: bool,
    pub timestamp: Option<u32>,
    pub signed: noctule_domain::nas::SignedAnswers,
    pub deadline: Instant,
    pub reply: oneshot::Sender<End>,
    /// How often it was written to a connection.
    pub sends: u32,
}

/// How an ask ended.
pub enum End {
    Answer {
        answer: Answer,
        at: Instant,
        sends: u32,
    },
    /// It was written to no connection.
    NotSent(SafeText),
    Silence {
        sends: u32,
        note: Option<SafeText>,
    },
}
