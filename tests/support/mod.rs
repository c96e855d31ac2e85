//! What the tests of whole operations share. Each test program uses its own part of it.
#![allow(dead_code)]

pub mod bench;
pub mod centre;
pub mod desk;
pub mod fill;
pub mod plan;
