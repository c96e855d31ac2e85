//! The local side of the sync from outside: copies, increments, the outbox and what is laid over, several processes, kill -9.

#![allow(clippy::unwrap_used, reason = "clippy excuses test functions, not the helpers that they share")]

mod cipher;
mod copying;
mod followers;
mod killed;
mod model;
mod outbox;
mod support;
mod wipe;
mod wire;
