//! Overlays stand above the pane and take keys first: help, palette, command line, confirmation, menus, a prompt, the notices.

mod command;
mod confirm;
mod help;
mod menu;
mod notices;
mod palette;
mod prompt;
mod types;

pub use command::Command;
pub use confirm::{Confirm, Line};
pub use help::Help;
pub use menu::{Menu, MenuItem};
pub use notices::NoticeList;
pub use palette::Palette;
pub use prompt::Prompt;
pub use types::{Overlay, Scroll, Step, Then, Typed};
