//! The NetBox client against the simulated NetBox over real HTTP: the normal life of a prefix, every fault, two clients at once.

#![allow(clippy::unwrap_used)]

mod common;
mod life;
