//! Both sides compared by checksums, and what differs fetched again.

mod check;
mod heal;
mod ranges;
mod report;

pub(crate) use check::with;
pub use check::{compare, verify};
pub use report::{TableReport, VerifyReport};
