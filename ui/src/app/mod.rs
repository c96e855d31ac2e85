//! The application: its state, `update` and `view`. Pure. The event loop owns one `App`, feeds it messages, carries out the effects that
//! come back, and draws when `take_dirty` says that something changed.

mod bulks;
mod centre;
mod command;
mod config;
mod cx;
pub(crate) mod dispatch;
mod header;
mod jobs;
mod keys;
mod layout;
pub mod lifecycle;
mod notices;
mod presence;
mod progress;
mod slot;
mod state;
mod update;
mod view;

pub use bulks::Bulks;
pub(crate) use centre::{lag, percent, words as centre_words};
pub use command::{COMMANDS, CommandSpec, complete as complete_command};
pub use config::AppConfig;
pub use cx::{Cx, Dx, Env, Locate, Place, Requests, Wish};
pub(crate) use jobs::{Asked, Previewing, at_work_words};
pub use layout::{Areas, areas, too_small};
pub use notices::{Notices, Said};
pub use presence::Presence;
pub use progress::Progress;
pub use slot::{Slot, Taken};
pub use state::App;
pub use update::update;
pub(crate) use view::severity;
pub use view::view;
