//! The centre as the authority of lifecycle operations: the port over the functions of `migrations/0003_authority.sql`, where the rules
//! stand a second time so that no client gets around them. Here is only the asking, and what an answer means.

mod answer;
mod audit;
mod book;
mod central;

pub use audit::{audit_page, audit_verify};
pub use book::Told;
pub use central::{CentralAuthority, Dead, MethodsOf};
