//! Whether accounting will still show what a NAS acknowledged, and by when: what stands beside an enforcement that is not proved yet.

use super::{Asked, Enforcement, OperationView, Proofs};
use crate::Timestamp;
use crate::nas::Verification;
use crate::subscriber::Ipv6Record;
use chrono::Duration;
use serde::{Deserialize, Serialize};

/// What is to be expected of accounting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The proof, by then: the deadline of the profile. After it, its absence is a finding.
    By(Timestamp),
    /// Nothing: what this kind of NAS does leaves no trace in accounting.
    NoTrace,
    /// Nothing that this console knows of: it does not read accounting.
    NotRead,
}

/// The request that a NAS was sent last, by the journals of a subscriber's operations, in whatever order they come.
pub fn last_asked(timeline: &[OperationView]) -> Option<Asked> {
    let requests = timeline.iter().flat_map(|view| view.steps.iter().map(move |step| (view.operation.kind, step)));
    requests.filter(|(_, step)| step.step.is_nas()).map(|(kind, step)| Asked { kind, at: step.started_at }).max_by_key(|asked| asked.at)
}

/// `None` where there is nothing to prove. `read`: this console reads accounting.
pub fn expected(record: &Ipv6Record, asked: Option<Asked>, proofs: Option<&Proofs>, read: bool) -> Option<Expected> {
    if !matches!(record.enforcement, Enforcement::Acknowledged | Enforcement::Unanswered) {
        return None;
    }
    let (asked, proofs) = (asked.filter(|asked| super::observe::fits(asked.kind, record.state))?, proofs?);
    Some(match proofs.by(asked.kind) {
        Verification::None => Expected::NoTrace,
        Verification::Interim | Verification::Stop if !read => Expected::NotRead,
        Verification::Interim | Verification::Stop => Expected::By(asked.at + Duration::seconds(proofs.deadline_s.into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{AssignmentMode, Ipv6State, OperationKind};
    use chrono::TimeZone;

    #[test]
    fn a_proof_is_expected_of_what_was_asked_last_and_only_where_it_can_come() {
        let at = |second: i64| chrono::Utc.timestamp_opt(1_800_000_000 + second, 0).single().expect("time");
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, at(0));
        (record.state, record.enforcement) = (Ipv6State::Suspended, Enforcement::Acknowledged);
        let asked = |kind| Some(Asked { kind, at: at(100) });
        let proofs = |suspend| Proofs {
            activate: Verification::Interim,
            suspend,
            resume: Verification::None,
            revoke: Verification::Stop,
            deadline_s: 900,
        };
        let suspend = asked(OperationKind::Suspend);
        let stop = proofs(Verification::Stop);
        assert_eq!(expected(&record, suspend, Some(&stop), true), Some(Expected::By(at(1000))));
        assert_eq!(expected(&record, suspend, Some(&stop), false), Some(Expected::NotRead));
        assert_eq!(expected(&record, suspend, Some(&proofs(Verification::None)), true), Some(Expected::NoTrace));
        assert_eq!(expected(&record, asked(OperationKind::Activate), Some(&stop), true), None, "of another state");
        assert_eq!(expected(&record, None, Some(&stop), true), None, "nobody was asked");
        assert_eq!(expected(&record, suspend, None, true), None, "nobody knows the profile");
        for enforcement in [Enforcement::None, Enforcement::Requested, Enforcement::Observed, Enforcement::Refused] {
            record.enforcement = enforcement;
            assert_eq!(expected(&record, suspend, Some(&stop), true), None, "{enforcement}");
        }
        record.enforcement = Enforcement::Unanswered;
        assert_eq!(expected(&record, suspend, Some(&stop), true), Some(Expected::By(at(1000))));
    }
}
