//! The real binary in a private tmux, driven by keys and judged by what stands on the screen; and beside it the store, the simulated
//! NetBox and the simulated NAS, asked for the facts. Each test has a home folder and a tmux server of its own. tmux must be there.
#![allow(clippy::unwrap_used)] // A helper that fails is a test that fails.

mod aaa;
mod centre;
mod damage;
mod demo;
mod documents;
mod emergency;
mod idle;
mod jobs;
mod looks;
mod plain;
mod real;
mod restore;
mod server;
mod support;
mod together;
