//! What a probe of a NAS brought, as it is told: the answer, what was tried after a silence, what that excludes.

use super::NasReach;
use crate::{NasId, SafeText, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    pub nas: NasId,
    pub at: Timestamp,
    pub reach: NasReach,
    pub round_trip: Option<Duration>,
    /// The answer, or the reason of the silence and what to do.
    pub words: SafeText,
    /// After a silence, in the order in which it was tried.
    pub tried: Vec<ProbeTry>,
    /// What it is not, and why that is known.
    pub excluded: Vec<SafeText>,
    /// What can not be told from here.
    pub open: Vec<SafeText>,
}

/// One experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeTry {
    pub what: SafeText,
    pub to: SocketAddr,
    /// The address that it left from.
    pub from: Option<IpAddr>,
    pub result: SafeText,
    /// Something came back from there, whatever it was.
    pub heard: bool,
}
