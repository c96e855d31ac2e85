//! Jobs against a real store, a real file of jobs and simulated NASes that speak the real protocol.

#![allow(clippy::unwrap_used, reason = "clippy excuses test functions, not the helpers that they share")]

mod bulk;
mod flows;
mod full_disk;
mod killed;
mod world;
