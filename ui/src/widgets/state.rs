//! Badges: a state as glyph, word and tone together, so that none of the three has to be read alone. And ages.

use crate::look::{Glyph, Tone};
use noctule_domain::lifecycle::{Enforcement, Ipv6State, OperationStatus, StepStatus};
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::{Timestamp, sentence};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    pub glyph: Glyph,
    pub word: &'static str,
    pub tone: Tone,
}

pub fn lifecycle_badge(state: Ipv6State) -> Badge {
    let (glyph, tone) = match state {
        Ipv6State::Pending => (Glyph::Pending, Tone::Muted),
        Ipv6State::Allocated => (Glyph::Allocated, Tone::Info),
        Ipv6State::Active => (Glyph::Active, Tone::Good),
        Ipv6State::Suspended => (Glyph::Suspended, Tone::Warning),
        Ipv6State::Revoking => (Glyph::Revoking, Tone::Warning),
        Ipv6State::Revoked => (Glyph::Revoked, Tone::Muted),
        Ipv6State::Failed => (Glyph::Failed, Tone::Danger),
    };
    Badge { glyph, word: state.word(), tone }
}

pub fn enforcement_badge(enforcement: Enforcement) -> Badge {
    let (glyph, tone) = match enforcement {
        Enforcement::None => (Glyph::Bullet, Tone::Muted),
        Enforcement::Requested => (Glyph::Running, Tone::Info),
        Enforcement::Acknowledged => (Glyph::Ok, Tone::Text),
        Enforcement::Observed => (Glyph::Active, Tone::Good),
        Enforcement::Refused => (Glyph::Failed, Tone::Danger),
        Enforcement::Unanswered => (Glyph::Unknown, Tone::Warning),
    };
    Badge { glyph, word: enforcement.word(), tone }
}

pub fn operation_badge(status: OperationStatus) -> Badge {
    let (glyph, tone) = match status {
        OperationStatus::Running => (Glyph::Running, Tone::Info),
        OperationStatus::Waiting => (Glyph::Waiting, Tone::Warning),
        OperationStatus::Succeeded => (Glyph::Ok, Tone::Good),
        OperationStatus::Refused => (Glyph::Failed, Tone::Danger),
        OperationStatus::Unanswered => (Glyph::Unknown, Tone::Warning),
        OperationStatus::Failed => (Glyph::Failed, Tone::Danger),
        OperationStatus::Cancelled => (Glyph::Revoked, Tone::Muted),
    };
    Badge { glyph, word: status.word(), tone }
}

pub fn step_badge(status: StepStatus) -> Badge {
    let (glyph, tone) = match status {
        StepStatus::Started => (Glyph::Running, Tone::Info),
        StepStatus::Done => (Glyph::Ok, Tone::Good),
        StepStatus::Refused => (Glyph::Failed, Tone::Danger),
        StepStatus::Unclear => (Glyph::Unknown, Tone::Warning),
        StepStatus::Unreachable => (Glyph::Offline, Tone::Warning),
        StepStatus::Unanswered => (Glyph::Unknown, Tone::Warning),
        StepStatus::Skipped => (Glyph::Revoked, Tone::Muted),
    };
    Badge { glyph, word: status.word(), tone }
}

pub fn task_badge(status: TaskStatus) -> Badge {
    let (glyph, tone) = match status {
        TaskStatus::Pending => (Glyph::Pending, Tone::Muted),
        TaskStatus::Ready => (Glyph::Allocated, Tone::Info),
        TaskStatus::Assigned => (Glyph::Allocated, Tone::Text),
        TaskStatus::InProgress => (Glyph::Active, Tone::Good),
        TaskStatus::Blocked => (Glyph::Failed, Tone::Warning),
        TaskStatus::Paused => (Glyph::Suspended, Tone::Warning),
        TaskStatus::Completed => (Glyph::Ok, Tone::Good),
        TaskStatus::Failed => (Glyph::Failed, Tone::Danger),
        TaskStatus::Cancelled | TaskStatus::Skipped => (Glyph::Revoked, Tone::Muted),
    };
    Badge { glyph, word: status.word(), tone }
}

pub fn technician_badge(status: TechnicianStatus) -> Badge {
    let (glyph, tone) = match status {
        TechnicianStatus::Available => (Glyph::Active, Tone::Good),
        TechnicianStatus::OnJob => (Glyph::Allocated, Tone::Info),
        TechnicianStatus::OnBreak => (Glyph::Suspended, Tone::Text),
        TechnicianStatus::OffDuty => (Glyph::Pending, Tone::Muted),
        TechnicianStatus::Unavailable => (Glyph::Failed, Tone::Warning),
    };
    Badge { glyph, word: status.word(), tone }
}

/// How long ago, in one or two units.
pub fn age(at: Timestamp, now: Timestamp) -> String {
    sentence::age((now - at).num_seconds())
}
