//! What goes into the engine and what comes out: plain values.

use crate::radius::attribute::Attribute;
use crate::radius::codec::RequestKind;
use crate::radius::engine::stats::Dropped;
use crate::radius::radsec::RadsecFiles;
use crate::upstream::NasOutcome;
use noctule_domain::SafeText;
use noctule_domain::nas::NasProfile;
use noctule_domain::secret::Secret;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How the engine uses this machine. What concerns one NAS stands in its profile.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The address to send from: NASes check it. `None` lets the system choose.
    pub source: Option<IpAddr>,
    /// Source ports opened at most, per address family. One port carries 256 requests to one NAS per rest period of its profile;
    /// ports are shared by all NASes.
    pub max_sockets: usize,
    /// Receive buffer asked of the system, bytes. The default of Linux holds 256 small datagrams, and a burst overflows it.
    pub receive_buffer: usize,
    /// How long an answer that comes after the time-out is still recognised.
    pub grace: Duration,
    /// After so many silences in a row a NAS is asked one request at a time, until it answers.
    pub silences_to_trip: u32,
    /// Certificates for RADIUS over TLS.
    pub radsec: RadsecFiles,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            source: None,
            max_sockets: 64,
            receive_buffer: 4 << 20,
            grace: Duration::from_secs(30),
            silences_to_trip: 3,
            radsec: RadsecFiles::default(),
        }
    }
}

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct Target {
    pub name: SafeText,
    pub address: SocketAddr,
    pub secret: Arc<Secret>,
    pub profile: Arc<NasProfile>,
    /// With the transport `radsec`: the name that its certificate must hold.
    pub tls_name: String,
}

/// What to ask. Message-Authenticator and Event-Timestamp are added by the engine, as the profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub kind: RequestKind,
    pub attributes: Vec<Attribute>,
    /// Requests of one NAS with the same key go one after the other, in the order in which they came.
    pub session_key: String,
}

/// Somebody waits at the screen, or a bulk run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Interactive,
    Bulk,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    pub outcome: NasOutcome,
    /// Datagrams sent, repeats included; 0 when nothing left.
    pub sends: u32,
    /// From the first send to the answer, waiting for repeats included.
    pub round_trip: Option<Duration>,
    /// Datagrams that claimed to be the answer and were not.
    pub dropped: Dropped,
}
