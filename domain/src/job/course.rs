//! The course of an item: which stages, where a subscriber enters, what follows from the end of a stage.

use super::Outcome;
use crate::lifecycle::{Facts, Guard, OperationKind, OperationOptions, Refusal, guard};
use crate::permission::Role;
use crate::{SafeText, Timestamp};
use serde::{Deserialize, Serialize};

/// What every item of a job goes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "course")]
pub enum Course {
    /// One operation each: a bulk.
    Single { kind: OperationKind, options: OperationOptions },
    /// Allocate, activate (AAA is a step of it), and wait until accounting shows it.
    Provision {
        options: OperationOptions,
        /// Seconds that the first proof is waited for; 0: not at all.
        proof_s: u32,
        /// An activation that fails gives the prefix back, if this course allocated it.
        undo: bool,
    },
    /// Suspend where there is something to suspend, then revoke. The prefix rests and is deleted by housekeeping.
    Deprovision { options: OperationOptions },
}

/// One stage of a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    Operation {
        kind: OperationKind,
        options: OperationOptions,
        /// A subscriber in another state passes it by.
        skippable: bool,
    },
    /// Until accounting shows what was acknowledged.
    Proof { within_s: u32 },
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageEnd {
    Done,
    AlreadyThere,
    /// The proof did not come in time.
    NoProof,
    /// One of the outcomes that end an item.
    Bad(Outcome),
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    Stage(u8),
    End(Outcome),
}

/// Where a subscriber enters a course.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    At(u8),
    AlreadyThere,
    Refused(Refusal),
}

impl Course {
    /// The word of the command, for lists: `suspend`, `provision`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Single { kind, .. } => kind.word(),
            Self::Provision { .. } => "provision",
            Self::Deprovision { .. } => "deprovision",
        }
    }

    pub fn options(&self) -> &OperationOptions {
        match self {
            Self::Single { options, .. } | Self::Provision { options, .. } | Self::Deprovision { options } => options,
        }
    }

    pub fn reason(&self) -> Option<&SafeText> {
        self.options().reason.as_ref()
    }

    /// Asks for a typed confirmation, whatever the count.
    pub fn is_dangerous(&self) -> bool {
        let revokes = matches!(self, Self::Single { kind: OperationKind::Revoke, .. } | Self::Deprovision { .. });
        revokes || self.options().force
    }

    fn stages(&self) -> Vec<Stage> {
        let operation = |kind, options: &OperationOptions, skippable| Stage::Operation { kind, options: options.clone(), skippable };
        match self {
            Self::Single { kind, options } => vec![operation(*kind, options, false)],
            Self::Provision { options, proof_s, .. } => {
                let mut stages =
                    vec![operation(OperationKind::Allocate, options, false), operation(OperationKind::Activate, options, false)];
                if *proof_s > 0 {
                    stages.push(Stage::Proof { within_s: *proof_s });
                }
                stages
            }
            Self::Deprovision { options } => {
                vec![operation(OperationKind::Suspend, options, true), operation(OperationKind::Revoke, options, false)]
            }
        }
    }

    /// Stages in the order in which they are gone through; the way back is not among them.
    pub fn len(&self) -> u8 {
        match self {
            Self::Single { .. } => 1,
            Self::Provision { proof_s: 0, .. } | Self::Deprovision { .. } => 2,
            Self::Provision { .. } => 3,
        }
    }

    /// The stage that waits for a proof.
    pub(super) fn proof_at(&self) -> Option<u8> {
        matches!(self, Self::Provision { proof_s: 1.., .. }).then_some(2)
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    /// The stage at a position; the position after the last is the way back.
    pub fn stage(&self, at: u8) -> Option<Stage> {
        let stages = self.stages();
        if usize::from(at) == stages.len()
            && let Self::Provision { options, undo: true, .. } = self
        {
            let options = OperationOptions { reason: options.reason.clone(), ..OperationOptions::default() };
            return Some(Stage::Operation { kind: OperationKind::Revoke, options, skippable: false });
        }
        stages.into_iter().nth(at.into())
    }

    /// What follows on the end of the stage at `at`. `did`: an earlier stage of this item has changed something. `bad`: what sent it on its
    /// way back.
    pub fn after(&self, at: u8, did: bool, bad: Option<Outcome>, end: StageEnd) -> Follow {
        let len = self.len();
        if at >= len {
            return Follow::End(bad.unwrap_or(Outcome::Failed));
        }
        match end {
            StageEnd::Done | StageEnd::AlreadyThere if at + 1 < len => Follow::Stage(at + 1),
            StageEnd::AlreadyThere if !did => Follow::End(Outcome::AlreadyThere),
            StageEnd::Done | StageEnd::AlreadyThere => Follow::End(Outcome::Succeeded),
            StageEnd::NoProof => Follow::End(Outcome::Unproven),
            StageEnd::Bad(outcome) if outcome.is_bad() && did && self.stage(len).is_some() => Follow::Stage(len),
            StageEnd::Bad(outcome) => Follow::End(outcome),
        }
    }

    /// Where a subscriber with these facts enters, by the guards of the stages.
    pub fn entry(&self, facts: &Facts, role: Role, expected_version: Option<i64>, now: Timestamp) -> Entry {
        let operations: Vec<(OperationKind, OperationOptions, bool)> = self
            .stages()
            .into_iter()
            .filter_map(|stage| match stage {
                Stage::Operation { kind, options, skippable } => Some((kind, options, skippable)),
                Stage::Proof { .. } => None,
            })
            .collect();
        let ask = |kind, options| guard(kind, facts, options, role, expected_version, now);
        if let Some((kind, options, _)) = operations.last()
            && ask(*kind, options) == Guard::AlreadyThere
        {
            return Entry::AlreadyThere;
        }
        for (at, (kind, options, skippable)) in operations.iter().enumerate() {
            match ask(*kind, options) {
                Guard::Go => return Entry::At(at as u8),
                Guard::AlreadyThere => {}
                Guard::Refused(Refusal::WrongState { .. } | Refusal::NoPrefix) if *skippable => {}
                Guard::Refused(refusal) => return Entry::Refused(refusal),
            }
        }
        Entry::AlreadyThere
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
    use chrono::TimeZone;

    fn facts(state: Ipv6State) -> Facts {
        Facts {
            state,
            mode: AssignmentMode::Pd,
            enforcement: Enforcement::None,
            hold_until: None,
            has_prefix: !matches!(state, Ipv6State::Pending | Ipv6State::Failed),
            // One that was revoked and kept in NetBox is to be revoked again.
            has_netbox_id: state != Ipv6State::Revoked,
            version: 1,
            running: None,
        }
    }

    fn entry(course: &Course, state: Ipv6State) -> Entry {
        course.entry(&facts(state), Role::Noc, None, chrono::Utc.timestamp_opt(0, 0).unwrap())
    }

    #[test]
    fn a_subscriber_enters_a_flow_where_it_stands() {
        let provision = Course::Provision { options: OperationOptions::default(), proof_s: 60, undo: false };
        assert_eq!(entry(&provision, Ipv6State::Pending), Entry::At(0));
        assert_eq!(entry(&provision, Ipv6State::Allocated), Entry::At(1));
        assert_eq!(entry(&provision, Ipv6State::Active), Entry::AlreadyThere);
        assert!(matches!(entry(&provision, Ipv6State::Suspended), Entry::Refused(Refusal::WrongState { .. })));
        let deprovision = Course::Deprovision { options: OperationOptions::default() };
        assert_eq!(entry(&deprovision, Ipv6State::Active), Entry::At(0));
        assert_eq!(entry(&deprovision, Ipv6State::Suspended), Entry::At(1));
        assert_eq!(entry(&deprovision, Ipv6State::Allocated), Entry::At(1));
        assert_eq!(entry(&deprovision, Ipv6State::Revoked), Entry::AlreadyThere);
        assert!(matches!(entry(&deprovision, Ipv6State::Pending), Entry::Refused(Refusal::WrongState { .. })));
        assert!(matches!(
            deprovision.entry(&facts(Ipv6State::Active), Role::Viewer, None, chrono::Utc.timestamp_opt(0, 0).unwrap()),
            Entry::Refused(Refusal::NotPermitted { .. })
        ));
    }

    #[test]
    fn a_refused_activation_keeps_the_prefix_or_gives_back_what_this_course_took() {
        let course = |undo| Course::Provision { options: OperationOptions::default(), proof_s: 0, undo };
        let refused = StageEnd::Bad(Outcome::Refused);
        assert_eq!(course(false).after(1, true, None, refused), Follow::End(Outcome::Refused));
        assert_eq!(course(true).after(1, true, None, refused), Follow::Stage(2));
        assert!(matches!(course(true).stage(2), Some(Stage::Operation { kind: OperationKind::Revoke, .. })));
        assert_eq!(course(true).after(2, true, Some(Outcome::Refused), StageEnd::Done), Follow::End(Outcome::Refused));
        assert_eq!(course(true).after(1, false, None, refused), Follow::End(Outcome::Refused), "the prefix was there before");
        assert_eq!(course(true).after(1, true, None, StageEnd::Bad(Outcome::Cancelled)), Follow::End(Outcome::Cancelled));
        assert_eq!(course(false).stage(2), None);
    }
}
