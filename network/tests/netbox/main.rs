//! The NetBox client against the simulated NetBox over real HTTP: the normal life of a prefix, every fault, two clients at once, the
//! set-up, and what the operator is told.

#![allow(clippy::unwrap_used)]

mod canned;
mod choosing;
mod common;
mod faults;
mod life;
mod lists;
mod refusals;
mod sentences;
mod setup;
