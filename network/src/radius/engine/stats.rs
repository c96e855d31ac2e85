//! Counters: what was dropped during one exchange, and what each NAS did since the engine began.

use crate::radius::codec::Reason;
use noctule_domain::SafeText;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Datagrams dropped while waiting for one answer, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dropped {
    pub by_reason: BTreeMap<Reason, u64>,
    /// Another address from which an authentic answer came; it was not taken.
    pub answer_from: Option<SocketAddr>,
}

impl Dropped {
    pub fn total(&self) -> u64 {
        self.by_reason.values().sum()
    }

    pub(super) fn add(&mut self, reason: Reason) {
        *self.by_reason.entry(reason).or_default() += 1;
    }

    /// In words, for the note beside a silence; `None` when nothing was dropped.
    pub fn words(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(from) = self.answer_from {
            parts.push(format!("answer came from {from}, which is not the address of this NAS in the registry"));
        }
        for (reason, count) in &self.by_reason {
            let hint = match reason {
                Reason::BadResponseAuthenticator => " (forged, or made with another secret)",
                Reason::StaleEventTimestamp => " (its clock is apart from ours by more than 300 s)",
                Reason::NoMessageAuthenticator => " (the profile demands signed answers)",
                Reason::BadMessageAuthenticator => " (forged, or signed wrongly as FreeRADIUS before 3.2.4 does)",
                _ => "",
            };
            parts.push(format!("{count} answer{} dropped: {reason}{hint}", if *count == 1 { "" } else { "s" }));
        }
        if parts.is_empty() { None } else { Some(parts.join("; ")) }
    }
}

/// Upper bounds of the round-trip buckets, milliseconds; one more bucket holds what is above.
pub const ROUND_TRIP_BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 30_000];

/// What one NAS did since the engine began, and how it is asked now.
#[derive(Debug, Clone, PartialEq)]
pub struct NasStats {
    pub name: SafeText,
    pub address: SocketAddr,
    /// First sends and repeats.
    pub sent: u64,
    pub repeats: u64,
    pub acks: u64,
    pub naks: u64,
    /// Error-Causes of refusals; 0 counts NAKs without one.
    pub naks_by_cause: BTreeMap<u32, u64>,
    pub timeouts: u64,
    pub cancelled: u64,
    /// Authentic answers that came after the time-out or the cancellation.
    pub late: u64,
    /// Datagrams that matched no request in flight: second copies of an answer, or noise.
    pub unmatched: u64,
    /// Authentic answers from another address.
    pub from_elsewhere: u64,
    pub dropped: BTreeMap<Reason, u64>,
    /// Answers by round trip, see [`ROUND_TRIP_BOUNDS_MS`].
    pub round_trips: [u64; ROUND_TRIP_BOUNDS_MS.len() + 1],
    pub in_flight: u32,
    pub queued: usize,
    /// How many requests may be in flight now: the window of the profile, or less while the NAS is in trouble.
    pub window: u32,
    /// Silences in a row.
    pub silences: u32,
    /// True while the NAS is asked one request at a time because it does not answer.
    pub one_at_a_time: bool,
}

impl NasStats {
    pub(super) fn new(name: SafeText, address: SocketAddr) -> Self {
        Self {
            name,
            address,
            sent: 0,
            repeats: 0,
            acks: 0,
            naks: 0,
            naks_by_cause: BTreeMap::new(),
            timeouts: 0,
            cancelled: 0,
            late: 0,
            unmatched: 0,
            from_elsewhere: 0,
            dropped: BTreeMap::new(),
            round_trips: [0; ROUND_TRIP_BOUNDS_MS.len() + 1],
            in_flight: 0,
            queued: 0,
            window: 0,
            silences: 0,
            one_at_a_time: false,
        }
    }

    pub(super) fn record_round_trip(&mut self, took: Duration) {
        let ms = took.as_millis();
        let bucket = ROUND_TRIP_BOUNDS_MS.iter().position(|bound| ms <= u128::from(*bound)).unwrap_or(ROUND_TRIP_BOUNDS_MS.len());
        self.round_trips[bucket] += 1;
    }
}
