//! The screens of Noctule: `App`, `Msg`, `Action`, `Effect`, `view`. Pure: nothing here does I/O, reads a clock or spawns. The event loop
//! feeds messages in, carries effects out, and draws only when `App::take_dirty` says so.

pub mod action;
pub mod app;
pub mod effect;
pub mod look;
pub mod map;
pub mod msg;
pub mod overlay;
pub mod panes;
pub mod query;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod widgets;

pub use action::{Action, Keymap};
pub use app::{App, AppConfig, update, view};
pub use effect::{Effect, Preferences};
pub use look::{Depth, Look};
pub use msg::{Msg, Notice, Upstream};
pub use query::{Query, Reply, RequestId};
