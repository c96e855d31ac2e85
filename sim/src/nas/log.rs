//! What happened on a simulated NAS, for assertions: a bounded list of events and counters.

use noctule_domain::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// Events kept; older ones are forgotten, the counters are not.
pub const KEPT_EVENTS: usize = 10_000;

#[derive(Debug, Clone, PartialEq)]
pub struct NasEvent {
    pub at: Timestamp,
    /// Counts from 0 over the life of the simulator, forgotten ones too.
    pub number: u64,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A CoA was carried out on the session. `different` is false when it already was so.
    SessionChanged {
        session: String,
        username: String,
        different: bool,
    },
    SessionStarted {
        session: String,
        username: String,
    },
    /// By Disconnect, by reboot or by the handle.
    SessionEnded {
        session: String,
        username: String,
        by: EndedBy,
    },
    LoginRefused {
        username: String,
    },
    Answered {
        to: SocketAddr,
        identifier: u8,
        code: u8,
        causes: Vec<u32>,
        /// Whom the request named: its User-Name, else its Acct-Session-Id.
        named: String,
    },
    /// The answer was made, and lost on its way.
    AnswerLost {
        identifier: u8,
        code: u8,
        named: String,
    },
    /// The kept answer was sent again.
    AnsweredAgain {
        identifier: u8,
        code: u8,
        causes: Vec<u32>,
        named: String,
    },
    Dropped {
        from: SocketAddr,
        why: Dropped,
    },
    Rebooted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    Disconnect,
    Reboot,
    Hand,
}

/// Why a datagram got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dropped {
    Down,
    LostOnTheWay,
    UnknownClient,
    Malformed,
    UnexpectedCode,
    BadAuthenticator,
    BadMessageAuthenticator,
    Unsigned,
    StaleTimestamp,
    DuplicateUnderWork,
    IdentifierReused,
    /// Another request came under the same identifier before this one was answered.
    Superseded,
    SessionBusy,
    RateLimit,
    QueueFull,
    Scripted,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    pub received: u64,
    pub acks: u64,
    pub naks: BTreeMap<Option<u32>, u64>,
    pub answered_again: u64,
    pub answers_lost: u64,
    pub noise_sent: u64,
    pub dropped: BTreeMap<Dropped, u64>,
    pub sessions_changed: u64,
    pub sessions_ended: u64,
    pub sessions_started: u64,
    /// Most requests that were under work or waiting at one time.
    pub most_at_once: u64,
}

impl Counters {
    pub fn all_naks(&self) -> u64 {
        self.naks.values().sum()
    }

    pub fn all_dropped(&self) -> u64 {
        self.dropped.values().sum()
    }
}

#[derive(Debug, Default)]
pub(super) struct Log {
    pub events: VecDeque<NasEvent>,
    pub next: u64,
    pub counters: Counters,
}

impl Log {
    pub fn push(&mut self, at: Timestamp, what: What) -> NasEvent {
        let c = &mut self.counters;
        match &what {
            What::SessionChanged { .. } => c.sessions_changed += 1,
            What::SessionStarted { .. } => c.sessions_started += 1,
            What::SessionEnded { .. } => c.sessions_ended += 1,
            What::Answered { code, causes, .. } => match *code {
                super::packet::code::COA_ACK | super::packet::code::DISCONNECT_ACK => c.acks += 1,
                _ => *c.naks.entry(causes.first().copied()).or_default() += 1,
            },
            What::AnswerLost { .. } => c.answers_lost += 1,
            What::AnsweredAgain { .. } => c.answered_again += 1,
            What::Dropped { why, .. } => *c.dropped.entry(*why).or_default() += 1,
            What::LoginRefused { .. } | What::Rebooted => {}
        }
        if self.events.len() == KEPT_EVENTS {
            self.events.pop_front();
        }
        let event = NasEvent { at, number: self.next, what };
        self.events.push_back(event.clone());
        self.next += 1;
        event
    }
}
