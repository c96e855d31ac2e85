//! The local side of the sync: a cache of what the centre says, an outbox of what this operator did, and the one laid over the other when
//! something is read. Knows nothing of PostgreSQL or sockets.

mod apply;
mod cache;
mod copy;
mod desk;
mod edit;
mod files;
mod heal;
mod key;
mod open;
mod overlay;
mod port;
mod queue;
mod resolve;
mod rows;
mod search;
mod side;
mod wire;

pub(crate) use cache::TENANT_KEY;
pub(crate) use desk::{Desk, DeskJob, Seen};
pub(crate) use edit::{op, put, subscriber_words, typed, write};
pub use files::wipe;
pub(crate) use key::unlock;
pub(crate) use open::open;
pub(crate) use overlay::{Field, Overlay};
pub(crate) use rows::probe;
pub(crate) use side::{CacheDesk, Side};

use side::{bad_row, failed};
