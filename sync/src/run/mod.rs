//! The sync as it runs beside a console: pull, push, wake-up, presence, one status.

mod board;
mod follow;
mod link;
mod listen;
mod once;
mod outbox;
mod state;
mod syncer;

pub use once::once;
pub use state::centre_state;
pub use syncer::{Lead, Syncer, SyncerConfig};
