//! Networks that fail: a TCP proxy in front of a server that delivers, delays, holds, refuses, cuts at a byte or loses an answer.

mod carry;
mod gate;
mod handle;

pub use handle::Link;
