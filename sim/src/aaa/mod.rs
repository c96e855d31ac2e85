//! A made-up AAA system: what a login of each user gets, the accounting of sessions, and the ways in which such a system errs. For `demo`,
//! tests and benches; it knows nothing of the client.

mod accounting;
mod core;
#[cfg(test)]
mod tests;

pub use core::{AaaFault, AaaSim, AaaTrouble, LoginRow};
