//! The IPv6 lifecycle: states, guards by operation, the plan of steps, and the machine that says what follows each answer. This is the
//! one place where these rules stand; the store repeats the invariants as constraints, nobody else repeats anything.

mod expect;
mod guard;
mod machine;
#[cfg(test)]
mod model_tests;
mod observe;
mod operation;
mod plan;
mod proof;
mod record;
mod state;

pub use expect::{Expected, expected, last_asked};
pub use guard::{Facts, Guard, Refusal, guard, target};
pub use machine::{Ended, Next, Progress, Restore, StepAnswer, advance, first};
pub use observe::{Asked, CLOCK_AHEAD, Proofs, Told, proof};
pub use operation::{
    Actor, Operation, OperationKind, OperationOptions, OperationRow, OperationStatus, OperationView, ReconcileWhat, StepRow, StepStatus,
};
pub use plan::{Methods, PlanInput, StepKind, plan, was_used};
pub use proof::shown;
pub use record::{overlap, record_begin, record_end, record_nas_asked, suspend_reason_after};
pub use state::{AssignmentMode, Enforcement, Ipv6State};

/// Delegated length unless asked otherwise.
pub const DEFAULT_PREFIX_LEN: u8 = 56;
/// Shortest and longest length that can be delegated.
pub const PREFIX_LEN_RANGE: std::ops::RangeInclusive<u8> = 48..=64;
