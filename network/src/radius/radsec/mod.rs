//! RADIUS over TLS (RFC 6614): one connection for each NAS, many requests on it at once, each under an identifier of the connection. There are no
//! repeats on a connection; when it is lost what has no answer is sent again on the next one, with the same content.

mod connect;
mod line;
mod lines;
mod serve;

pub use connect::RadsecFiles;
pub use line::Whom;
pub use lines::Lines;

use super::attribute::Attribute;
use super::codec::{Answer, RequestKind};
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
