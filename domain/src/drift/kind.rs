//! The kinds of findings, as stored, filtered by and shown.

use crate::overview::Severity;
use crate::words;

words!(
    /// The source that was compared with the subscriber rows, or the rows alone. A source that could not be read to its end says nothing of
    /// what has gone.
    DriftSource { Rows = "rows", Netbox = "netbox", Aaa = "aaa" }
);

words!(
    /// What differs.
    DriftKind {
        AllocatedTooLong = "allocated_too_long",
        RevokingTooLong = "revoking_too_long",
        RevokedTooLong = "revoked_too_long",
        PrefixGone = "prefix_gone",
        PrefixChanged = "prefix_changed",
        PrefixMoved = "prefix_moved",
        StatusEdited = "status_edited",
        PrefixLeaked = "prefix_leaked",
        PrefixStranger = "prefix_stranger",
        PrefixTwice = "prefix_twice",
        PrefixOverlap = "prefix_overlap",
        OperationTwice = "operation_twice",
        AaaReleasedPrefix = "aaa_released_prefix",
        AaaOtherPrefix = "aaa_other_prefix",
        AaaPrefixMissing = "aaa_prefix_missing",
        AaaNotSuspended = "aaa_not_suspended",
        AaaStillSuspended = "aaa_still_suspended",
        AaaUserUnknown = "aaa_user_unknown",
        SessionOtherPrefix = "session_other_prefix",
        SessionNotEnded = "session_not_ended",
        ProofMissing = "proof_missing",
    }
);

impl DriftKind {
    /// What it means, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::AllocatedTooLong => "Allocated for more than a day and never activated: the prefix is held for nobody.",
            Self::RevokingTooLong => "The revoke has not come to its end for more than an hour: the prefix is neither in use nor free.",
            Self::RevokedTooLong => "Revoked for more than 90 days: the record can go back to pending.",
            Self::PrefixGone => "NetBox does not have the prefix that the subscriber holds: it may hand it out to somebody else.",
            Self::PrefixChanged => "The object in NetBox has another prefix than the subscriber.",
            Self::PrefixMoved => "The object in NetBox is in another VRF, or in none of our pools any more.",
            Self::StatusEdited => "The status in NetBox is not the one that the state stands for: somebody edited it.",
            Self::PrefixLeaked => "A prefix that an operation of ours made belongs to nobody: it is lost until it is given back.",
            Self::PrefixStranger => "A prefix in one of our pools that we did not make: it takes room, and may be in use.",
            Self::PrefixTwice => "NetBox holds the same prefix twice: two subscribers may be given it.",
            Self::PrefixOverlap => "In NetBox a delegation of ours lies around or inside another prefix: two may route the same addresses.",
            Self::OperationTwice => "Two prefixes carry the same operation id: an allocation that must happen once was stored twice.",
            Self::AaaReleasedPrefix => "AAA hands out a prefix that was given back: somebody else may get it.",
            Self::AaaOtherPrefix => "AAA hands out a prefix that the state does not say.",
            Self::AaaPrefixMissing => "AAA does not hand out the prefix of an active subscriber: the next login is without it.",
            Self::AaaNotSuspended => "The subscriber is suspended, and AAA lets the next login in as before.",
            Self::AaaStillSuspended => "AAA keeps a subscriber out that is not suspended.",
            Self::AaaUserUnknown => "AAA hands out a prefix of our pools to a user that is no subscriber here.",
            Self::SessionOtherPrefix => "The session routes another prefix than the subscriber has.",
            Self::SessionNotEnded => "The session goes on although the subscriber is suspended or revoked.",
            Self::ProofMissing => "The NAS acknowledged, and accounting has not shown it within the time of its profile.",
        }
    }

    /// A few words for a column.
    pub const fn title(self) -> &'static str {
        match self {
            Self::AllocatedTooLong => "allocated too long",
            Self::RevokingTooLong => "revoking too long",
            Self::RevokedTooLong => "revoked long ago",
            Self::PrefixGone => "gone in NetBox",
            Self::PrefixChanged => "changed in NetBox",
            Self::PrefixMoved => "moved in NetBox",
            Self::StatusEdited => "status edited",
            Self::PrefixLeaked => "leaked prefix",
            Self::PrefixStranger => "stranger in pool",
            Self::PrefixTwice => "twice in NetBox",
            Self::PrefixOverlap => "overlap in NetBox",
            Self::OperationTwice => "operation id twice",
            Self::AaaReleasedPrefix => "AAA: given back",
            Self::AaaOtherPrefix => "AAA: other prefix",
            Self::AaaPrefixMissing => "AAA: no prefix",
            Self::AaaNotSuspended => "AAA: not suspended",
            Self::AaaStillSuspended => "AAA: kept out",
            Self::AaaUserUnknown => "AAA: unknown user",
            Self::SessionOtherPrefix => "session: other prefix",
            Self::SessionNotEnded => "session goes on",
            Self::ProofMissing => "no proof",
        }
    }

    pub const fn severity(self) -> Severity {
        match self {
            Self::PrefixGone
            | Self::PrefixChanged
            | Self::PrefixLeaked
            | Self::PrefixTwice
            | Self::PrefixOverlap
            | Self::OperationTwice
            | Self::AaaReleasedPrefix
            | Self::AaaUserUnknown
            | Self::SessionNotEnded => Severity::Critical,
            Self::RevokedTooLong => Severity::Info,
            _ => Severity::Warning,
        }
    }

    /// Where it is seen.
    pub const fn source(self) -> DriftSource {
        match self {
            Self::PrefixGone
            | Self::PrefixChanged
            | Self::PrefixMoved
            | Self::StatusEdited
            | Self::PrefixLeaked
            | Self::PrefixStranger
            | Self::PrefixTwice
            | Self::PrefixOverlap
            | Self::OperationTwice => DriftSource::Netbox,
            Self::AaaReleasedPrefix
            | Self::AaaOtherPrefix
            | Self::AaaPrefixMissing
            | Self::AaaNotSuspended
            | Self::AaaStillSuspended
            | Self::AaaUserUnknown => DriftSource::Aaa,
            _ => DriftSource::Rows,
        }
    }
}
