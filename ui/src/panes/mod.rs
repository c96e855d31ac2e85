//! The panes: full areas, one on each number key. All have the same narrow border, the trait `Pane`; the application knows nothing else of
//! them, and they know nothing of it but `Cx`, `Env` and `Dx`.

pub mod drift;
mod kit;
mod list;
pub mod log;
pub mod map;
pub mod network;
pub mod operations;
pub mod overview;
mod pane;
#[cfg(test)]
mod property;
pub mod subscribers;
pub mod sync;
pub mod tasks;
pub mod technicians;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use kit::thousands;
pub use list::ListState;
pub use pane::{Pane, PaneId, Panes, Tell};
pub(crate) use pane::{
    action, back, changed, contexts, escape, greyed, locate, moments, mouse, place, reply, resized, shown, status, told, typed, view,
};
