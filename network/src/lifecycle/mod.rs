//! The lifecycle executor: takes an operation whose intent is durable, asks NetBox and the NAS step by step, journals every try, and
//! ends it. The rules are in `noctule_domain::lifecycle`; here is only the doing.

mod aaa;
mod act;
mod drive;
mod executor;
mod janitor;
pub mod job;
mod tries;

pub use executor::{Event, Executor, ExecutorConfig, Handle, Started, Upstreams};
