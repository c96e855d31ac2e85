//! Webhooks of NetBox: signature, what stands in one, the memory of those that came, the queue of what to look at.

mod event;
mod queue;
mod receive;
mod seen;
pub mod signature;
mod work;

pub use receive::{HookConfig, Hooks};

pub(crate) use receive::receive;
