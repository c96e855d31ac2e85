//! States, assignment modes and what the network did.

use crate::words;

words!(
    /// Where a subscriber's prefix stands.
    Ipv6State {
        Pending = "pending",
        Allocated = "allocated",
        Active = "active",
        Suspended = "suspended",
        Revoking = "revoking",
        Revoked = "revoked",
        Failed = "failed",
    }
);

words!(
    /// How the subscriber gets IPv6. Only `pd` and `dual_stack` take part in prefix delegation and count in a denominator.
    AssignmentMode { None = "none", Slaac = "slaac", Stateful = "stateful", Pd = "pd", DualStack = "dual_stack" }
);

words!(
    /// What the network did, as far as we know. The screen never says more.
    Enforcement {
        /// Nothing was asked of the network.
        None = "none",
        /// A request is under way.
        Requested = "requested",
        /// The NAS sent an ACK: it took the request. Not yet proof.
        Acknowledged = "acknowledged",
        /// Accounting shows it.
        Observed = "observed",
        /// The NAS sent a NAK.
        Refused = "refused",
        /// No answer: it may or may not have happened.
        Unanswered = "unanswered",
    }
);

impl Ipv6State {
    /// Holds a live prefix: counted as used, and protected from overlap.
    pub const fn holds_prefix(self) -> bool {
        matches!(self, Self::Allocated | Self::Active | Self::Suspended | Self::Revoking)
    }
}

impl AssignmentMode {
    pub const fn delegates(self) -> bool {
        matches!(self, Self::Pd | Self::DualStack)
    }
}
