//! Error-Cause (RFC 5176 section 3.5) in words, and what each means for the next step. One table.

use crate::Retry;
use serde::{Deserialize, Serialize};

/// The value of an Error-Cause attribute. Unknown numbers are kept and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCause(pub u32);

/// What the console does with a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseMeaning {
    /// The session is not there: for a Disconnect that is what was wanted; for a CoA the change waits for the next login.
    NoSession,
    /// Success pending: the NAS will ask RADIUS itself.
    Initiated,
    /// Done (2xx beside an ACK).
    Done,
    /// The NAS is short of something now.
    Busy,
    Refused,
}

struct Row(u32, &'static str, CauseMeaning, Retry, &'static str);

const TABLE: &[Row] = &[
    Row(201, "Residual Session Context Removed", CauseMeaning::Done, Retry::Never, "the session had gone, leftovers were removed"),
    Row(202, "Invalid EAP Packet (Ignored)", CauseMeaning::Done, Retry::Never, "odd beside an ACK; the ACK stands"),
    Row(401, "Unsupported Attribute", CauseMeaning::Refused, Retry::AfterFix, "this NAS can not change what was sent: check its profile"),
    Row(
        402,
        "Missing Attribute",
        CauseMeaning::Refused,
        Retry::AfterFix,
        "the session was not named well enough: check the profile's identification",
    ),
    Row(
        403,
        "NAS Identification Mismatch",
        CauseMeaning::Refused,
        Retry::AfterFix,
        "the NAS calls itself otherwise: check its NAS-IP-Address or NAS-Identifier in the registry",
    ),
    Row(404, "Invalid Request", CauseMeaning::Refused, Retry::AfterFix, "a value or a named profile does not exist on the NAS"),
    Row(405, "Unsupported Service", CauseMeaning::Refused, Retry::AfterFix, "the NAS does not offer this Service-Type"),
    Row(
        406,
        "Unsupported Extension",
        CauseMeaning::Refused,
        Retry::AfterFix,
        "the NAS, or a proxy before it, does not do CoA or Disconnect",
    ),
    Row(407, "Invalid Attribute Value", CauseMeaning::Refused, Retry::AfterFix, "the prefix or value is not acceptable to the NAS"),
    Row(501, "Administratively Prohibited", CauseMeaning::Refused, Retry::AfterFix, "forbidden on the NAS"),
    Row(502, "Request Not Routable (Proxy)", CauseMeaning::Busy, Retry::Later, "a proxy has no route to the NAS now"),
    Row(503, "Session Context Not Found", CauseMeaning::NoSession, Retry::Never, "the subscriber has no session there"),
    Row(
        504,
        "Session Context Not Removable",
        CauseMeaning::Refused,
        Retry::AfterFix,
        "the NAS can not end this session: it must be ended on the device",
    ),
    Row(505, "Other Proxy Processing Error", CauseMeaning::Busy, Retry::Later, "a proxy before the NAS is in trouble"),
    Row(506, "Resources Unavailable", CauseMeaning::Busy, Retry::Later, "the NAS is short of resources"),
    Row(507, "Request Initiated", CauseMeaning::Initiated, Retry::Never, "the NAS asks RADIUS for the new authorization itself"),
    Row(
        508,
        "Multiple Session Selection Unsupported",
        CauseMeaning::Refused,
        Retry::AfterFix,
        "several sessions match and the NAS takes one at a time: name one session",
    ),
];

impl ErrorCause {
    pub const SESSION_NOT_FOUND: Self = Self(503);

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.0 == self.0)
    }

    /// The name in RFC 5176, if it has one.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.1)
    }

    pub fn meaning(self) -> CauseMeaning {
        self.row().map_or(if self.0 < 300 { CauseMeaning::Done } else { CauseMeaning::Refused }, |row| row.2)
    }

    pub fn retry(self) -> Retry {
        self.row().map_or(Retry::AfterFix, |row| row.3)
    }

    /// What it means for the operator.
    pub fn advice(self) -> &'static str {
        self.row().map_or("a cause that RFC 5176 does not name; see the vendor's manual", |row| row.4)
    }

    /// Every cause that has a name.
    pub fn known() -> impl Iterator<Item = ErrorCause> {
        TABLE.iter().map(|row| ErrorCause(row.0))
    }
}

impl std::fmt::Display for ErrorCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{} (unknown Error-Cause)", self.0),
        }
    }
}
