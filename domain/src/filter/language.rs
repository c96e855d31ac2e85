//! A parsed filter as data, and the keys of the language.

use crate::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
use crate::subscriber::SubscriberStatus;
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A parsed filter. The empty filter matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filter {
    pub terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub negate: bool,
    pub matcher: Matcher,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Matcher {
    State(Vec<Ipv6State>),
    Enforcement(Vec<Enforcement>),
    Mode(Vec<AssignmentMode>),
    Status(Vec<SubscriberStatus>),
    /// Names of NASes, as typed; compared without regard to case.
    Nas(Vec<String>),
    Site(Vec<String>),
    /// Rows whose prefix lies inside this one, or contains it: an address finds its subscriber.
    Prefix(Ipv6Net),
    /// Time since the state last changed.
    Age {
        longer_than: bool,
        than: DurationSecs,
    },
    Session(bool),
    Running(bool),
    Error(bool),
    /// Beginning of the user name.
    User(String),
    /// Part of the full name.
    Name(String),
    /// Beginning of the subscriber number.
    Number(String),
    /// Part of number, user name or full name.
    Text(String),
}

/// Whole seconds, so that a filter can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DurationSecs(pub u64);

impl DurationSecs {
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The filter of one matcher.
    pub fn of(matcher: Matcher) -> Self {
        Self { terms: vec![Term { negate: false, matcher }] }
    }

    pub fn states(states: &[Ipv6State]) -> Self {
        Self::of(Matcher::State(states.to_vec()))
    }
}

/// The keys of the language with a line of help each; completion and `docs/` read it from here.
pub const KEYS: &[(&str, &str)] = &[
    ("state", "IPv6 lifecycle state: pending, allocated, active, …"),
    ("enforcement", "what the network did: acknowledged, observed, refused, …"),
    ("mode", "assignment mode: pd, dual_stack, …"),
    ("status", "commercial status: active, suspended, …"),
    ("nas", "name of the NAS"),
    ("site", "site"),
    ("prefix", "prefixes inside this one or around it; an address finds its subscriber"),
    ("age", "time in the present state: age:>24h, age:<10m"),
    ("session", "yes or no: is there a live session"),
    ("running", "yes or no: is an operation running"),
    ("error", "yes or no: is there an error"),
    ("user", "beginning of the user name"),
    ("name", "part of the name"),
    ("number", "beginning of the subscriber number"),
];
