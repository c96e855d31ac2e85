//! The outbox on its way to the centre, presence, and imports.

mod backoff;
mod batch;
pub mod import;
mod presence;
mod pusher;

pub use backoff::Backoff;
pub use batch::{MAX_BATCH_BYTES, MAX_BATCH_OPS};
pub use presence::{Beat, beat, leave};
pub use pusher::{Pushed, Pusher};
