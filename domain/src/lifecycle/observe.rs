//! When accounting proves what was asked of the network: from `acknowledged` or `unanswered` to `observed`. Pure: the record, what the NAS
//! was asked last, what its profile takes for a proof, and what accounting tells of the user go in; words come out, or nothing.

use super::{Enforcement, Ipv6State, OperationKind};
use crate::aaa::AccountingSession;
use crate::nas::{NasProfile, Verification};
use crate::subscriber::{Ipv6Record, Username};
use crate::{SafeText, Timestamp, sentence};
use chrono::{Duration, DurationRound};
use serde::{Deserialize, Serialize};

/// A stamp that lies further ahead than this comes from a clock that proves nothing.
pub const CLOCK_AHEAD: Duration = Duration::seconds(120);

/// What accounting tells of one user, all of it at once: whatever order changes are heard in, the same facts lead to the same row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub username: Username,
    /// The open sessions, the one that counts first.
    pub open: Vec<AccountingSession>,
    /// Those that ended lately.
    pub stopped: Vec<AccountingSession>,
}

/// The request to a NAS that an operation sent last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub kind: OperationKind,
    pub at: Timestamp,
}

/// What proves each operation on the NASes of one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    pub activate: Verification,
    pub suspend: Verification,
    pub resume: Verification,
    pub revoke: Verification,
    /// Seconds after which an acknowledgement without proof is a finding.
    pub deadline_s: u32,
}

impl Proofs {
    pub fn of(profile: &NasProfile) -> Self {
        Self {
            activate: profile.verification(OperationKind::Activate),
            suspend: profile.verification(OperationKind::Suspend),
            resume: profile.verification(OperationKind::Resume),
            revoke: profile.verification(OperationKind::Revoke),
            deadline_s: profile.proof.deadline_s,
        }
    }

    pub fn by(&self, kind: OperationKind) -> Verification {
        match kind {
            OperationKind::Activate => self.activate,
            OperationKind::Suspend => self.suspend,
            OperationKind::Resume => self.resume,
            OperationKind::Revoke => self.revoke,
            OperationKind::Allocate | OperationKind::Release | OperationKind::Reconcile => Verification::None,
        }
    }
}

/// The words beside `observed`, when what is told proves it. `running`: an operation is under way, whose end says more than we could.
pub fn proof(
    record: &Ipv6Record,
    running: bool,
    asked: Option<Asked>,
    proofs: Option<&Proofs>,
    told: &Told,
    now: Timestamp,
) -> Option<SafeText> {
    if running {
        return None;
    }
    // Accounting counts whole seconds.
    let second = |at: Timestamp| at.duration_trunc(Duration::seconds(1)).unwrap_or(at);
    let timely = |at: Timestamp, since: Timestamp| at >= second(since) && at <= now + CLOCK_AHEAD;
    let names = |session: &&AccountingSession| record.prefix.is_some() && session.delegated_prefix == record.prefix;
    let seen = |since: Timestamp| {
        told.open
            .iter()
            .filter(|session| timely(session.updated_at, since))
            .find(names)
            .map(|session| SafeText::new(&sentence::seen_open(session.updated_at, &session.acct_session_id)))
    };
    match record.enforcement {
        // Nothing was asked of a NAS, and a login has brought the prefix.
        Enforcement::None if record.state == Ipv6State::Active => seen(record.since),
        Enforcement::Acknowledged | Enforcement::Unanswered => {
            let asked = asked?;
            let kind = asked.kind.at_nas(record.state);
            if !fits(kind, record.state) {
                return None;
            }
            match proofs?.by(kind) {
                Verification::None => None,
                Verification::Interim => seen(asked.at),
                Verification::Stop => {
                    // One that lived through the request was not ended by it.
                    let survives = told.open.iter().any(|session| session.started_at < second(asked.at));
                    let ended = told.stopped.iter().find(|session| {
                        session.started_at <= asked.at && session.stopped_at.is_some_and(|stopped| timely(stopped, asked.at))
                    });
                    ended
                        .filter(|_| !survives)
                        .and_then(|session| Some(SafeText::new(&sentence::seen_ended(session.stopped_at?, &session.acct_session_id))))
                }
            }
        }
        _ => None,
    }
}

/// The state says what the request was for: a proof of something that did not become true is none.
pub(super) fn fits(kind: OperationKind, state: Ipv6State) -> bool {
    match kind {
        OperationKind::Activate | OperationKind::Resume => state == Ipv6State::Active,
        OperationKind::Suspend => state == Ipv6State::Suspended,
        OperationKind::Revoke => matches!(state, Ipv6State::Revoking | Ipv6State::Revoked),
        OperationKind::Allocate | OperationKind::Release | OperationKind::Reconcile => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::AssignmentMode;
    use chrono::TimeZone;

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_800_000_000 + second, 0).single().expect("time")
    }

    fn session(started: i64, updated: i64, stopped: Option<i64>, prefix: &str) -> AccountingSession {
        AccountingSession {
            key: "k".into(),
            acct_session_id: "s-1".into(),
            username: Username::new("anna").expect("a name"),
            nas_address: "192.0.2.1".parse().expect("an address"),
            framed_ipv4: None,
            framed_prefix: None,
            delegated_prefix: prefix.parse().ok(),
            started_at: at(started),
            updated_at: at(updated),
            stopped_at: stopped.map(at),
            input_octets: 0,
            output_octets: 0,
            terminate_cause: None,
        }
    }

    const OURS: &str = "2001:db8:1::/56";

    fn asks(kind: OperationKind, state: Ipv6State, by: Verification, open: &[AccountingSession], stopped: &[AccountingSession]) -> bool {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, at(0));
        (record.state, record.enforcement, record.prefix) = (state, Enforcement::Acknowledged, OURS.parse().ok());
        let proofs = Proofs { activate: by, suspend: by, resume: by, revoke: by, deadline_s: 900 };
        let told = Told { username: Username::new("anna").expect("a name"), open: open.to_vec(), stopped: stopped.to_vec() };
        let asked = Some(Asked { kind, at: at(100) + Duration::milliseconds(700) });
        assert_eq!(proof(&record, true, asked, Some(&proofs), &told, at(200)), None, "an operation is running");
        assert_eq!(proof(&record, false, asked, None, &told, at(200)), None, "nobody knows the profile");
        record.enforcement = Enforcement::Refused;
        assert_eq!(proof(&record, false, asked, Some(&proofs), &told, at(200)), None, "a refusal stays one");
        record.enforcement = Enforcement::Unanswered;
        let unanswered = proof(&record, false, asked, Some(&proofs), &told, at(200));
        record.enforcement = Enforcement::Acknowledged;
        let found = proof(&record, false, asked, Some(&proofs), &told, at(200));
        assert_eq!(found, unanswered);
        found.is_some()
    }

    #[test]
    fn a_prefix_is_proved_by_an_open_session_that_names_it_after_the_request() {
        use Verification::Interim;
        let activate = |open: &[AccountingSession]| asks(OperationKind::Activate, Ipv6State::Active, Interim, open, &[]);
        assert!(activate(&[session(10, 150, None, OURS)]));
        assert!(activate(&[session(10, 100, None, OURS)]), "within the second of the request");
        assert!(!activate(&[session(10, 99, None, OURS)]), "before it");
        assert!(!activate(&[session(10, 150, None, "2001:db8:2::/56")]), "another prefix");
        assert!(!activate(&[session(10, 150, None, "")]), "none");
        assert!(!activate(&[session(10, 400, None, OURS)]), "a clock that is ahead");
        assert!(activate(&[session(10, 50, None, ""), session(10, 150, None, OURS)]), "any of several");
        assert!(!asks(OperationKind::Activate, Ipv6State::Suspended, Interim, &[session(10, 150, None, OURS)], &[]));
        assert!(!asks(OperationKind::Activate, Ipv6State::Active, Verification::None, &[session(10, 150, None, OURS)], &[]));
    }

    #[test]
    fn a_reconcile_is_proved_by_what_proves_the_state_that_it_asked_for() {
        use Verification::{Interim, Stop};
        let again = OperationKind::Reconcile;
        assert!(asks(again, Ipv6State::Active, Interim, &[session(10, 150, None, OURS)], &[]));
        assert!(!asks(again, Ipv6State::Active, Interim, &[session(10, 150, None, "2001:db8:2::/56")], &[]));
        assert!(asks(again, Ipv6State::Suspended, Stop, &[], &[session(10, 101, Some(101), OURS)]));
        assert!(asks(again, Ipv6State::Revoked, Stop, &[], &[session(10, 101, Some(101), OURS)]));
        assert!(!asks(again, Ipv6State::Pending, Stop, &[], &[session(10, 101, Some(101), OURS)]), "nothing of ours to prove");
    }

    #[test]
    fn a_disconnect_is_proved_by_the_end_of_a_session_that_it_could_end() {
        use Verification::Stop;
        let suspend = |open: &[AccountingSession], stopped: &[AccountingSession]| {
            let found = asks(OperationKind::Suspend, Ipv6State::Suspended, Stop, open, stopped);
            assert_eq!(asks(OperationKind::Revoke, Ipv6State::Revoked, Stop, open, stopped), found);
            found
        };
        assert!(suspend(&[], &[session(10, 101, Some(101), OURS)]));
        assert!(suspend(&[], &[session(10, 100, Some(100), OURS)]), "within the second of the request");
        assert!(!suspend(&[], &[session(10, 99, Some(99), OURS)]), "it had ended before");
        assert!(!suspend(&[], &[session(110, 120, Some(120), OURS)]), "it began after the request");
        assert!(!suspend(&[session(20, 60, None, OURS)], &[session(10, 101, Some(101), OURS)]), "another one lives on");
        assert!(suspend(&[session(130, 140, None, "")], &[session(10, 101, Some(101), OURS)]), "a new login, into the garden");
        assert!(!suspend(&[], &[session(10, 400, Some(400), OURS)]), "a clock that is ahead");
        assert!(!suspend(&[], &[]));
    }

    #[test]
    fn a_login_that_brings_the_prefix_shows_it_without_any_request() {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, at(0));
        (record.state, record.prefix, record.since) = (Ipv6State::Active, OURS.parse().ok(), at(100));
        let told = |updated| Told {
            username: Username::new("anna").expect("a name"),
            open: vec![session(90, updated, None, OURS)],
            stopped: Vec::new(),
        };
        let note = proof(&record, false, None, None, &told(150), at(200)).expect("seen");
        assert!(note.as_str().contains("s-1"), "{note}");
        assert_eq!(proof(&record, false, None, None, &told(99), at(200)), None);
        record.state = Ipv6State::Allocated;
        assert_eq!(proof(&record, false, None, None, &told(150), at(200)), None);
    }
}
