//! The store from outside: through its public interface, and through raw connections where somebody tampers.

#![allow(clippy::unwrap_used, reason = "clippy excuses test functions, not the helpers that they share")]

mod accounting;
mod audit;
mod authority;
mod concurrency;
mod damage;
mod field;
mod import;
mod look;
mod search;
mod support;
