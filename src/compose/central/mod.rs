//! The centre, as this process has it: settings, the password, the link that keeps the copy fresh, and what may be done without it.

mod book;
mod command;
mod dead;
mod emergency;
mod failure;
mod gate;
mod leader;
mod link;
mod memory;
mod place;
mod queue;

pub use book::CentralBook;
pub use command::{Sent, acting, ask, central_of, fresh, reach, send};
pub use emergency::{Emergency, emergency};
pub use link::{Central, link_of};
pub use memory::Memory;
pub use place::{centre_config, keyring_name, login};
pub(super) use place::{password, tls};
pub use queue::{Answers, begin_queued};
