//! The real binary, as a shell sees it: what it prints, what it stores, how it ends. Each test has a home folder of its own.
#![allow(clippy::unwrap_used)] // A helper that fails is a test that fails.

mod basics;
mod centre;
mod drift;
mod import;
mod jobs;
mod lists;
mod operations;
mod support;
